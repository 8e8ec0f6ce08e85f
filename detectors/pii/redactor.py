"""The stage that comes before everything that judges, stores or publishes: interactions to redacted ones."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import perf_counter

from watchline.detectors.pii import redaction
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.no_names import NoNames
from watchline.detectors.pii.policy import Policy, Treatment
from watchline.detectors.pii.recogniser import Recogniser
from watchline.detectors.pii.redaction import Redacted
from watchline.schemas.errors import Kind, PoisonError, raise_if_out_of_memory, where
from watchline.schemas.pseudonyms import Pseudonyms, Replaced
from watchline.schemas.records import Interaction
from watchline.schemas.texts import R, RedactedInteraction, is_prose, texts

log = logging.getLogger(__name__)


class Redactor:
    """Replaces personal data, whichever detectors are planned. Not for two threads at once.

    Parameters
    ----------
    finder
        Of personal data; by default the shipped one.
    enabled
        False, which is for tests only, passes everything on as it is.
    pseudonym_key
        Of what takes the place of identifiers that may be personal: see `schemas.pseudonyms`.
    device
        Of the shipped finder's network: `cpu`, `cuda`, `cuda:N`; best that of the encoder, `Scorer.device`.
    no_names
        Phrases that the shipped finder takes for no one's name, besides its own: see `pii.no_names`.
    policy
        What takes the place of what is found, by app and field; by default numbers.

    Examples
    --------
    >>> Redactor().redact_text("Ask Maria Lopez at maria@example.com.")
    'Ask [PERSON_1] at [EMAIL_ADDRESS_1].'
    """

    def __init__(
        self,
        finder: PersonalData | None = None,
        *,
        enabled: bool = True,
        pseudonym_key: str = "",
        device: str = "cpu",
        no_names: Iterable[str] = (),
        policy: Policy | None = None,
    ) -> None:
        self._finder = None
        if enabled:
            self._finder = finder or PersonalData(recogniser=Recogniser.shipped(device), no_names=NoNames(no_names))
        self._pseudonyms = Pseudonyms(pseudonym_key)
        self._policy = policy or Policy()

    def redact(self, interactions: Sequence[Interaction]) -> Sequence[Redacted | PoisonError]:
        """Replaces the personal data of a batch, in texts and identifiers.

        Raises MemoryError only: no interaction can spoil another's outcome.

        Returns
        -------
        sequence of Redacted or PoisonError
            One for each interaction, in order. An error means that personal data may be left in the event: nothing of
            its text may be stored.
        """
        if self._finder is None:
            return [unredacted(interaction) for interaction in interactions]
        try:
            kept = [self._pseudonyms.apply(interaction) for interaction in interactions]
            treatments = [self._policy.treatment(each.app, each.environment) for each in interactions]
            redacted = self._redact(
                [interaction for interaction, _ in kept], treatments, self._finder, self._pseudonyms
            )
            return [
                replace(outcome, replaced=Counter(outcome.replaced) + counts)
                for outcome, (_, counts) in zip(redacted, kept, strict=True)
            ]
        except Exception as error:
            raise_if_out_of_memory(error)
            if len(interactions) > 1:
                return [outcome for interaction in interactions for outcome in self.redact([interaction])]
            return [_failed(error)]

    def redact_text(self, text: str, app: str = "", environment: str | None = None, field: str = "text") -> str:
        """The text redacted, where it is no part of an interaction, such as a comment of feedback.

        Raises
        ------
        PoisonError
            Redaction failed, for whatever reason: the text may not be stored.
        """
        if self._finder is None or not text:
            return text
        try:
            found, treatment = self._finder.find([text], [True])[0], self._policy.treatment(app, environment)
            return redaction.redact_text(text, found, self._finder.no_names, treatment, field)
        except Exception as error:  # fail closed, whatever went wrong
            raise_if_out_of_memory(error)
            raise _failed(error) from None

    def replace_identifiers(self, record: R) -> tuple[R, Replaced]:
        """A feedback or a report with the identifiers that may be stored, and how many were replaced, by field."""
        return (record, Counter()) if self._finder is None else self._pseudonyms.apply(record)

    @staticmethod
    def _redact(
        interactions: Sequence[Interaction],
        treatments: Sequence[Treatment],
        finder: PersonalData,
        pseudonyms: Pseudonyms,
    ) -> list[Redacted]:
        start = perf_counter()
        fields = [list(texts(interaction)) for interaction in interactions]
        flat = [item for items in fields for item in items]
        entities = iter(finder.find([text for _, text in flat], [is_prose(name) for name, _ in flat]))
        redacted = [
            redaction.redact(
                interaction, {name: next(entities) for name, _ in items}, pseudonyms, finder.no_names, treatment
            )
            for interaction, items, treatment in zip(interactions, fields, treatments, strict=True)
        ]
        seconds = (perf_counter() - start) / max(len(interactions), 1)
        return [replace(outcome, seconds=seconds) for outcome in redacted]


def unredacted(interaction: Interaction) -> Redacted:
    """An interaction as it is, where that is meant: redaction is off, or a detector is trained or evaluated."""
    return Redacted(RedactedInteraction(interaction), (), {}, {})


def _failed(error: Exception) -> PoisonError:
    log.warning("redaction failed: %s", where(error))
    return PoisonError(Kind.REDACTION, "redaction failed")
