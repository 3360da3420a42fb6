"""LogIngest's account: what the stages count, and the report and verdict made of it.

All stages count into Counters of (group, name): a field of IngestCounts in the group
``count``; a file's records in ``records_ok`` and ``records_dead_lettered``; ``reason``,
``status``, ``model_version``; and the bins of ``latency_ms`` and ``label_delay_hours``.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping

import orjson

from .accounting import check_identity
from .ingest_config import IngestConfig, Window, moment
from .log_histogram import quantiles
from .reports import FileCounts, IngestCounts, IngestReport

COUNTS, DEAD_LETTERS, KINDS, LABELLED = "counts", "dead_letters", "kinds", "labelled"
ROWS = ("rows_written", "rows_duplicate", "rows_outside_window", "rows_rejected")
LABELS = (
    "labels_joined",
    "labels_late",
    "labels_orphan",
    "labels_repeated",
    "labels_outside_window",
)


class TooManyDeadLetters(RuntimeError):
    """More of the logs could not be used than the configuration allows."""


def dead_letter(file: str, offset: int, reason: str, data: bytes | None) -> str:
    """One line of ``dead_letters-*.jsonl.gz``; ``bytes`` is the record in base64."""
    encoded = None if data is None else base64.b64encode(data).decode()
    letter = {"file": file, "offset": offset, "reason": reason, "bytes": encoded}
    return orjson.dumps(letter).decode()


def make_report(totals: Mapping[tuple, int], config: IngestConfig, window: Window) -> IngestReport:
    """Raises AccountError unless every identity of IngestCounts holds."""
    groups: dict[str, Counter] = {}
    for (group, name), n in totals.items():
        groups.setdefault(group, Counter())[name] += n

    def of(group: str) -> Counter:
        return groups.get(group, Counter())

    counts, ok, dead = of("count"), of("records_ok"), of("records_dead_lettered")
    counts["records_ok"], counts["records_dead_lettered"] = ok.total(), dead.total()
    check_identity(counts, "records_read", ["records_ok", "records_dead_lettered"])
    check_identity(counts, "rows", ROWS)
    check_identity(counts, "labels_read", LABELS)
    return IngestReport(
        format=config.format,
        window_start=moment(window.start),
        window_end=moment(window.end),
        counts=IngestCounts(**{name: counts[name] for name in IngestCounts.model_fields}),
        files=[
            FileCounts(file=f, records_read=ok[f] + dead[f], records_dead_lettered=dead[f])
            for f in sorted({*ok, *dead})
        ],
        dead_letter_reasons=dict(sorted(of("reason").items())),
        requests_per_minute=counts["requests"] / ((window.end - window.start) / 60e6),
        latency_ms=quantiles(of("latency_ms")),
        statuses=dict(sorted(of("status").items())),
        model_versions=dict(sorted(of("model_version").items())),
        label_delay_hours=quantiles(of("label_delay_hours")),
    )


def check_dead_letters(report: IngestReport, limit: float, dead_letter_uri: str) -> None:
    """Raises TooManyDeadLetters over ``limit`` of the records, or of the window's rows."""
    counts = report.counts
    shares = (
        ("records are dead letters", counts.records_dead_lettered, counts.records_read),
        ("rows were rejected", counts.rows_rejected, counts.rows - counts.rows_outside_window),
    )
    for what, n, total in shares:
        if n > limit * total:
            common = Counter(report.dead_letter_reasons).most_common(3)
            raise TooManyDeadLetters(
                f"{n} of {total} {what} ({n / total:.1%}), over max_dead_letter_share={limit}. "
                f"Commonest reasons: {', '.join(f'{reason} ({k})' for reason, k in common)}. "
                f"They lie in {dead_letter_uri}; mend the logs or the configuration, or raise "
                "max_dead_letter_share"
            )
