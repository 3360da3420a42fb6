"""What RetrainGate knows of candidates when it decides what may be pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...beam_jobs.reports import ServingReport, SliceReport
from ..history import FINE_TUNED, FROM_SCRATCH, PREVIOUS, History, SpanRecord
from .erasures import Erasure, read_all_erasures
from .evidence import fingerprint


@dataclass(frozen=True)
class PushEvidence:
    """Of ``fine_tuned``, ``from_scratch`` and ``previous``, the model that served before.

    Attributes:
      candidates: name -> its SliceReport, in which model ``candidate`` is compared with the model
        in service on the same held-out rows.
      old: name -> its SliceReport on the old rows that train nobody.
      serving: how each of them, and the model in service, served.
      erasures: that concern the model in service; ``previous_erasures``: the one before.
    """

    candidates: Mapping[str, SliceReport]
    old: Mapping[str, SliceReport] = field(default_factory=dict)
    serving: ServingReport | None = None
    erasures: Sequence[Erasure] = ()
    previous_erasures: Sequence[Erasure] = ()

    def remembered(self, name: str) -> Sequence[Erasure]:
        """The erasures that the candidate has not heeded."""
        return {FINE_TUNED: self.erasures, PREVIOUS: self.previous_erasures}.get(name, ())

    def fingerprints(self) -> dict[str, str]:
        """As of ``Reports``."""
        old = {f"{name}_old": report for name, report in self.old.items()}
        serving = {"serving": self.serving} if self.serving else {}
        reports = {**self.candidates, **old, **serving}
        return {name: fingerprint(report) for name, report in reports.items()}


def read_push_evidence(history: History, record: SpanRecord, heed_erasures: bool) -> PushEvidence:
    """What a recorded span tells of its candidates, if any were trained."""
    names = FINE_TUNED, FROM_SCRATCH, PREVIOUS
    found = {name: history.report(record, name, SliceReport) for name in names}
    old = {name: history.report(record, f"{name}_old", SliceReport) for name in names}
    erasures = read_all_erasures(history, record.span) if heed_erasures else ((), ())
    return PushEvidence(
        {name: report for name, report in found.items() if report and report.models},
        {name: report for name, report in old.items() if report},
        history.report(record, "serving", ServingReport),
        *erasures,
    )
