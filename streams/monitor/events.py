"""The last events of a slice: which they were, when, and by what they can be told apart."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from watchline.schemas.records import MonitorDimension, MonitorEvents, ScoredInteraction
from watchline.streams.monitor.state import check

KEPT = 512  # events that are kept at least, where there were as many
BLOCK = 256  # that are forgotten at once when so many more are kept: all depends on the count of events alone
DIMENSIONS = ("tenant", "system_fingerprint", "document_set", "language", "topic")
MISSING, OTHER = 0, 255  # codes of events without a value, and with one beyond the first 254
_ID = 16  # bytes
_NO_ID = bytes(_ID)


@dataclass(frozen=True, slots=True)
class Part:
    """Values of a measure on one side of a change, with the events that they are of.

    Parameters
    ----------
    values : array of float64
        In the measure's own unit, in event order.
    numbers : array of float64
        The same as they are compared.
    places : array of int
        Of each value's event among those kept.
    events : Events
    """

    values: NDArray[np.float64]
    numbers: NDArray[np.float64]
    places: NDArray[np.int64]
    events: Events

    def __len__(self) -> int:
        return len(self.values)

    def where(self, chosen: NDArray[np.bool_]) -> Part:
        """The values for which `chosen` is true."""
        return Part(self.values[chosen], self.numbers[chosen], self.places[chosen], self.events)

    def codes(self, dimension: str) -> NDArray[np.uint8]:
        """What each value's event has of a dimension, by its code in `events`."""
        return self.events.codes(dimension)[self.places]

    def ids(self) -> list[str]:
        """Of the values' events; empty where one is no UUID."""
        return [self.events.event_id(place) for place in self.places]


class Events:
    """The last events of a slice, `KEPT` of them or up to `BLOCK` more: 30 bytes each, and each name once.

    Attributes
    ----------
    times : array of int
        Of the events in event order, microseconds since 1970.

    Examples
    --------
    >>> events = Events()
    >>> for second, tenant in enumerate(["acme", None, "acme"]):
    ...     events.add("01935c3e-7a00-7000-8000-000000000001", second, (tenant, None, None, None, None))
    >>> events.names("tenant"), events.codes("tenant").tolist()
    (['acme'], [1, 0, 1])
    >>> events.part([0.5, 0.7], [1, 2]).codes("tenant").tolist()
    [0, 1]
    """

    __slots__ = ("_ids", "_names", "_placed", "_rows", "_seen", "times")

    def __init__(self) -> None:
        self.times = array("q")
        self._ids = bytearray()
        self._rows = bytearray()  # an event's codes, one of each dimension, after those of the event before
        self._names: tuple[dict[str, int], ...] = tuple({} for _ in DIMENSIONS)  # to their codes
        self._seen: dict[Sequence[str | None], bytes] = {}  # the rows of what events had, most of which comes again
        self._placed: tuple[Sequence[int], NDArray[np.int64], NDArray[np.bool_]] | None = None

    def add(self, event_id: str, time: int, values: tuple[str | None, ...]) -> None:
        """Adds the next event, with what it has of each of `DIMENSIONS`."""
        if len(self.times) == KEPT + BLOCK:
            self._forget()
        self.times.append(time)
        self._ids += _packed(event_id)
        row = self._seen.get(values)
        if row is None:
            row = bytes(_code(names, value) for names, value in zip(self._names, values, strict=True))
            self._seen[values] = row
        self._rows += row
        self._placed = None

    def codes(self, dimension: str) -> NDArray[np.uint8]:
        """What each event has of a dimension: `MISSING`, `OTHER`, or one more than the place of its name."""
        return np.frombuffer(bytes(self._column(dimension)), np.uint8)

    def names(self, dimension: str) -> list[str]:
        """The values of a dimension, in the order in which they came."""
        return [*self._names[DIMENSIONS.index(dimension)]]

    def event_id(self, place: int) -> str:
        """The id of an event; empty where it is no UUID."""
        return _unpacked(self._ids[_ID * place : _ID * (place + 1)])

    def part(
        self,
        values: Sequence[float],
        times: Sequence[int],
        numbers: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Part:
        """The values whose events are kept, with these; `numbers` are what is compared, by default the values.

        Values and events belong together by their times. Where several events have the same time and not all have a
        value, the first ones are taken for those that have one.
        """
        places, kept = self._places(times)
        own = np.array(values, np.float64)
        compared = own if numbers is None else np.array(numbers, np.float64)
        return Part(own[kept], compared[kept], places[kept], self)

    def _places(self, times: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The places of events by their times, and for each whether there is one. Most measures ask for the same."""
        if self._placed is None or self._placed[0] != times:
            known, wanted = np.array(self.times, np.int64), np.array(times, np.int64)
            nth = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)  # among those of the same time
            places = np.searchsorted(known, wanted) + nth
            kept = places < len(known)
            kept[kept] = known[places[kept]] == wanted[kept]
            self._placed = times[:], places, kept  # a copy: a stream's own changes
        return self._placed[1:]

    def _column(self, dimension: str) -> bytearray:
        return self._rows[DIMENSIONS.index(dimension) :: len(DIMENSIONS)]

    def state(self) -> MonitorEvents:
        """Their state, to be stored."""
        return MonitorEvents(
            ids=bytes(self._ids),
            times=tuple(self.times),
            dimensions=tuple(
                MonitorDimension(name, tuple(names), bytes(column))
                for name, names, column in zip(DIMENSIONS, self._names, map(self._column, DIMENSIONS), strict=True)
                if any(column)
            ),
        )

    @classmethod
    def of(cls, state: MonitorEvents | None) -> Self:
        """Restores events from their state. Raises ValueError where it isn't valid."""
        events = cls()
        if state is None:
            return events
        count = len(state.times)
        check(count <= KEPT + BLOCK and len(state.ids) == _ID * count, "kept events")
        events.times = array("q", state.times)
        events._ids = bytearray(state.ids)
        events._rows = bytearray(len(DIMENSIONS) * count)
        for dimension in state.dimensions:
            check(len(dimension.codes) == count and len(dimension.values) < OTHER, "dimension of kept events")
            check({*dimension.codes} <= {*range(len(dimension.values) + 1), OTHER}, "code of a dimension")
            if dimension.name in DIMENSIONS:  # another version may know more
                at = DIMENSIONS.index(dimension.name)
                events._rows[at :: len(DIMENSIONS)] = dimension.codes
                events._names[at].update({value: 1 + place for place, value in enumerate(dimension.values)})
                check(len(events._names[at]) == len(dimension.values), "values of a dimension that are the same")
        return events

    def _forget(self) -> None:
        """Forgets the oldest `BLOCK` events, and the names that only these had."""
        del self.times[:BLOCK], self._ids[: _ID * BLOCK], self._rows[: len(DIMENSIONS) * BLOCK]
        self._seen.clear()
        for name, known in zip(DIMENSIONS, self._names, strict=True):
            names = [*known]
            known.clear()
            recoded = bytes(
                code if code in (MISSING, OTHER) else _code(known, names[code - 1]) for code in self._column(name)
            )
            self._rows[DIMENSIONS.index(name) :: len(DIMENSIONS)] = recoded


def dimensions(item: ScoredInteraction, topic: str | None) -> tuple[str | None, ...]:
    """What an event has of each of `DIMENSIONS`. `topic` is that of its question, where topics are learned."""
    return item.tenant, item.system_fingerprint, item.document_set, item.language, topic


def _code(names: dict[str, int], value: str | None) -> int:
    if not value:
        return MISSING
    code = names.get(value)
    if code is None:
        code = min(len(names) + 1, OTHER)
        if code != OTHER:
            names[value] = code
    return code


def _packed(event_id: str) -> bytes:
    try:
        packed = bytes.fromhex(event_id.replace("-", ""))
    except ValueError:
        return _NO_ID
    return packed if len(packed) == _ID else _NO_ID


def _unpacked(packed: bytearray) -> str:
    return str(UUID(bytes=bytes(packed))) if packed != _NO_ID else ""
