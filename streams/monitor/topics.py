"""What a prompt's questions are about: learned from its first ones, so that a change of later ones shows in numbers."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watchline.schemas.records import MonitorTopics
from watchline.streams.monitor.state import MAX_VALUE, check

Numbers = NDArray[np.float64]

CENTRE = 50  # embeddings whose mean is the centre from which the distances of later ones are taken
LEARNED = 256  # embeddings from which directions and topics are learned
DIRECTIONS = 8  # at most: fewer where the first embeddings don't differ in so many
TOPICS = 8  # at most
LARGEST = 127  # of the whole numbers as which embeddings are kept while there are too few to learn from
NO_VARIANCE = 1e-6  # share of all variance: a direction that has less is an effect of rounding
FENCE = 1.5  # interquartile ranges beyond the third quartile: Tukey's inner fence
LEAST_FENCE = 0.1  # an encoder in bf16 gives the same text vectors that differ by a tenth of that
MAX_DIMENSIONS = 1_024  # of an embedding: a state of `LEARNED` larger ones would not fit into a message
RESTARTS = 8  # of k-means
ROUNDS = 50  # of each, at most


class Looked(NamedTuple):
    """Where one embedding lies among the prompt's first ones.

    Parameters
    ----------
    distance : float, optional
        One minus the cosine to the centre, 0 to 2.
    directions : tuple of float
        Cosines to the directions in which the first embeddings differed most, -1 to 1; that with most variance first.
    topic : int, optional
        The nearest of the topics, from 0; the largest is the first.
    is_new : bool, optional
        Whether it is farther from every topic than the first embeddings were.
    """

    distance: float | None = None
    directions: tuple[float, ...] = ()
    topic: int | None = None
    is_new: bool | None = None


NOTHING = Looked()


class Topics:
    """The centre of a prompt's first questions, the directions in which these differ, and the topics that they make up.

    All versions of the prompt have the same, so that their questions can be compared. The centre is the mean of the
    first `CENTRE` embeddings. From the first `LEARNED` come the principal directions; the topics, by k-means within
    these directions; and the distance from the nearest topic beyond which a question is new: Tukey's inner fence.
    Only directions of embeddings count, their lengths don't. It is deterministic, and what is stored says all.

    Parameters
    ----------
    total : sequence of float
        The sum of the embeddings that make up the centre so far, from a stored state.
    count : int
        How many they are.
    state : MonitorTopics, optional
        What else was learned. Raises ValueError where one of the three isn't valid.

    References
    ----------
    Pearson: "On lines and planes of closest fit to systems of points in space", Philosophical Magazine 2(11), 1901.
    Arthur, Vassilvitskii: "k-means++: the advantages of careful seeding", SODA 2007.
    Ding, He: "K-means clustering via principal component analysis", ICML 2004.
    Tukey: "Exploratory data analysis", 1977.

    Examples
    --------
    >>> topics = Topics()
    >>> for number in range(LEARNED):
    ...     _ = topics.look([1.0, float(number % 4 == 0), 0.0])
    >>> topics.topic([1.0, 0.1, 0.0]), topics.topic([1.0, 0.9, 0.0])
    ('1', '2')
    >>> looked = topics.look([0.0, 0.0, 2.0])
    >>> looked.distance, looked.is_new
    (1.0, True)
    """

    __slots__ = (
        "_beyond",
        "_clusters",
        "_directions",
        "_fence",
        "_last",
        "_rows",
        "_square",
        "_topics",
        "count",
        "total",
    )

    def __init__(self, total: Sequence[float] = (), count: int = 0, state: MonitorTopics | None = None) -> None:
        check(0 <= count <= CENTRE and all(abs(number) <= CENTRE * MAX_VALUE for number in total), "centre")
        self.total = array("d", total)
        self.count = count
        self._last: tuple[Sequence[float], Looked] | None = None
        self._forget()
        if state is not None:
            self._restore(state)
        self._ready()

    def look(self, embedding: Sequence[float]) -> Looked:
        """Where an embedding lies; it is learned from.

        Parameters
        ----------
        embedding : sequence of float
            Of 1 to `MAX_DIMENSIONS` numbers; one of another dimension than before makes everything be learned anew.

        Returns
        -------
        Looked
            Without what isn't learned yet; empty without a valid embedding.
        """
        vector = _unit(embedding)
        if vector is None:
            return NOTHING
        if len(vector) != len(self.total):  # the first one, or another encoder
            self.total = array("d", bytes(8 * len(vector)))
            self.count = 0
            self._forget()
        looked = self._place(vector) if self.count == CENTRE else NOTHING
        self._last = (embedding, looked)
        if self.count < CENTRE:
            self.total = array("d", np.asarray(self.total) + vector)
            self.count += 1
            self._ready()
        if not self._fence:
            self._rows.frombytes(_rounded(vector))
            if len(self._rows) == LEARNED * len(vector):
                self._learn()
                self._last = None
        return looked

    def topic(self, embedding: Sequence[float]) -> str | None:
        """The topic of an embedding, which is not learned from: "1" is the largest of `LEARNED`, "8" the smallest.

        None while topics are being learned, and where the embedding isn't valid or is of another dimension.
        """
        last, self._last = self._last, None  # not kept: it takes as much memory as the directions
        if last is not None and last[0] is embedding:  # nearly always: the event that was just looked at
            place = last[1].topic
        else:
            vector = _unit(embedding) if self._fence and len(embedding) == len(self.total) else None
            place = self._place(vector).topic if vector is not None else None
        return None if place is None else str(place + 1)

    def state(self) -> MonitorTopics | None:
        """What was learned beside the centre, to be stored; None where nothing was."""
        if not self._rows and not self._fence:
            return None
        return MonitorTopics(
            rows=self._rows.tobytes(),
            directions=tuple(self._directions.ravel().tolist()),
            clusters=tuple(self._clusters.ravel().tolist()),
            fence=self._fence,
        )

    def _restore(self, state: MonitorTopics) -> None:
        dimensions = len(self.total)
        check(dimensions > 0, "topics without a centre")
        check(len(state.rows) % dimensions == 0 and len(state.rows) < LEARNED * dimensions, "rows of topics")
        rows = array("b", state.rows)
        sizes = np.abs(np.array(rows, dtype=np.int16).reshape(-1, dimensions))
        check(bool((sizes.max(axis=1, initial=0) == LARGEST).all()), "rows of topics")
        check(math.isfinite(state.fence) and (state.fence == 0 or state.fence >= LEAST_FENCE), "fence of topics")
        learned = state.fence > 0
        check(not learned or (self.count == CENTRE and not state.rows), "topics learned too early")
        directions, rest = divmod(len(state.directions), dimensions)
        check(rest == 0 and directions <= (DIRECTIONS if learned else 0), "directions")
        check(all(abs(number) <= 2 for number in (*state.directions, *state.clusters)), "directions or topics")
        width = max(directions, 1)
        check(len(state.clusters) % width == 0 and len(state.clusters) <= TOPICS * directions, "topics")
        check((len(state.clusters) > 0) == (directions > 0), "topics")
        self._rows = rows
        self._directions = np.array(state.directions, dtype=np.float32).reshape(directions, dimensions)
        self._clusters = np.array(state.clusters, dtype=np.float32).reshape(-1 if directions else 1, directions)
        self._fence = state.fence

    def _forget(self) -> None:
        self._rows = array("b")  # the embeddings so far, as whole numbers
        self._directions = np.empty((0, len(self.total)), np.float32)
        self._clusters = np.empty((1, 0), np.float32)  # along the directions, from the centre
        self._fence = 0.0  # while topics are being learned

    def _ready(self) -> None:
        """What of a distance from a topic depends on the topics alone: see `_place`."""
        centre = np.asarray(self.total) / max(self.count, 1)
        clusters = self._clusters.astype(np.float64)
        self._square = float(centre @ centre)
        self._topics = 2 * clusters
        self._beyond = (clusters**2).sum(axis=1) + self._topics @ (self._directions @ centre)

    def _place(self, vector: Numbers) -> Looked:
        near = float(np.asarray(self.total) @ vector) / self.count
        distance = _short(1 - near / math.sqrt(self._square)) if self._square else None
        if not self._fence:
            return Looked(distance)
        along = self._directions @ vector
        # By how much the squared distance from each topic is larger than that from the centre.
        more = self._beyond - self._topics @ along
        topic = int(more.argmin())
        is_new = math.sqrt(max(1 - 2 * near + self._square + float(more[topic]), 0.0)) > self._fence
        return Looked(distance, tuple(along.astype(np.float32).tolist()), topic, is_new)

    def _learn(self) -> None:
        vectors = np.array(self._rows, dtype=np.float64).reshape(LEARNED, -1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self._rows = array("b")
        self._directions = _principal(vectors)
        from_centre = vectors - np.asarray(self.total) / self.count
        along = from_centre @ self._directions.T.astype(np.float64)
        self._clusters = _clusters(along)
        # Squared, by Pythagoras: of that from the centre, the part along the directions becomes that to a topic.
        squares = ((along[:, None] - self._clusters) ** 2).sum(axis=2).min(axis=1)
        beside = (from_centre**2).sum(axis=1) - (along**2).sum(axis=1)
        low, high = np.quantile(np.sqrt(np.maximum(beside + squares, 0)), (0.25, 0.75))
        self._fence = max(LEAST_FENCE, float(high + FENCE * (high - low)))
        self._ready()


def _unit(embedding: Sequence[float]) -> Numbers | None:
    """The embedding with length 1; None where it has no direction, or too many numbers."""
    if len(embedding) > MAX_DIMENSIONS:
        return None
    vector = np.array(embedding, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        length = math.sqrt(vector @ vector)
    return vector / length if 0 < length < math.inf else None


def _short(number: float) -> float:
    """In 32 bits: another processor may add up in another order, which moves the last of 64."""
    return float(np.float32(number))


def _rounded(vector: Numbers) -> bytes:
    """As whole numbers, a signed byte each; the length gets lost."""
    numbers: NDArray[np.int8] = np.rint(vector * (LARGEST / np.abs(vector).max())).astype(np.int8)
    return numbers.tobytes()


def _principal(vectors: Numbers) -> NDArray[np.float32]:
    """The directions in which vectors differ most, at most `DIRECTIONS`: (directions, dimensions), rows of length 1.

    As they are: rotated by varimax they saw a changed mix hardly sooner, and were not quieter.
    """
    centred = vectors - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(centred @ centred.T)  # smaller than the covariance, with the same variances
    found = [n for n in reversed(range(len(variances))) if variances[n] > NO_VARIANCE * max(variances.sum(), 1)]
    rows = []
    for n in found[:DIRECTIONS]:
        row = axes[:, n] @ centred / math.sqrt(variances[n])
        rows.append(row * np.sign(row[np.abs(row).argmax()]))  # which way it points is chance otherwise
    return np.array(rows, dtype=np.float32).reshape(-1, vectors.shape[1])


def _clusters(points: Numbers) -> NDArray[np.float32]:
    """k-means: the best of `RESTARTS`, the cluster with most points first; at most `TOPICS` of them."""
    tries = [_once(points, Random(seed)) for seed in range(RESTARTS)]  # noqa: S311 - no secret
    _, clusters, nearest = min(tries, key=lambda found: found[0])
    sizes = np.bincount(nearest, minlength=len(clusters))
    return clusters[np.argsort(-sizes, kind="stable")].astype(np.float32)


def _once(points: Numbers, rng: Random) -> tuple[float, Numbers, NDArray[np.intp]]:
    """Sum of squared distances, clusters, and the nearest one of each point."""
    clusters = points[[rng.randrange(len(points))]]
    squares = ((points - clusters[0]) ** 2).sum(axis=1)
    while len(clusters) < TOPICS and squares.max() > NO_VARIANCE:  # else there are no more points that differ
        sums = squares.cumsum()
        chosen = points[np.searchsorted(sums, rng.random() * sums[-1], side="right")]
        clusters = np.vstack((clusters, chosen))
        squares = np.minimum(squares, ((points - chosen) ** 2).sum(axis=1))
    nearest = np.full(len(points), -1)
    for _ in range(ROUNDS):
        distances = ((points[:, None] - clusters) ** 2).sum(axis=2)
        before, nearest = nearest, distances.argmin(axis=1)
        if (before == nearest).all():
            break
        clusters = np.array(
            [points[nearest == n].mean(axis=0) if (nearest == n).any() else old for n, old in enumerate(clusters)]
        )
    return float(distances.min(axis=1).sum()), clusters, nearest
