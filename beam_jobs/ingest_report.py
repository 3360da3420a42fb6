"""The report made of LogIngest's account, and the verdict on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from functools import cache

from .accounting import check_identity
from .identifiers.scanner import IdentifierScanner
from .ingest_account import LABELS, ROWS
from .ingest_config import IngestConfig, Window, moment
from .ingest_traffic import QUARTERS, UNKNOWN, clocks_of, feature_rows, total_latency, traffic_of
from .log_histogram import quantiles
from .red_flags import red_flags
from .reports import FileCounts, IngestCounts, IngestReport


class TooManyDeadLetters(RuntimeError):
    """More of the logs could not be used than the configuration allows."""


def make_report(
    totals: Mapping[tuple, int],
    config: IngestConfig,
    window: Window,
    files: Sequence[str],
    earlier: Sequence[IngestReport] = (),
) -> IngestReport:
    """The report; names that the logs give, of fields and versions, hold no identifier in it.

    Raises:
      AccountError: an identity of IngestCounts does not hold, in a file or in all.
    """
    of_file: dict[int, Counter] = defaultdict(Counter)
    groups: dict[str, Counter] = defaultdict(Counter)
    for (name, key), n in _without_identifiers(totals).items():
        if name in IngestCounts.model_fields:
            of_file[key][name] += n
        else:
            groups[name][key] += n
    total: Counter = sum(of_file.values(), Counter())
    for counts in (*of_file.values(), total):
        check_identity(counts, "records_read", ["records_ok", "records_dead_lettered"])
        check_identity(counts, "rows", ROWS)
        check_identity(counts, "labels_read", LABELS)
    minutes = (window.end - window.start) / 60e6
    report = IngestReport(
        format=config.format,
        window_start=moment(window.start),
        window_end=moment(window.end),
        counts=IngestCounts(**total),
        files=[
            FileCounts(file=files[number], **found) for number, found in sorted(of_file.items())
        ],
        dead_letter_reasons=_sorted(groups["reason"]),
        requests_per_minute=groups["version_requests"].total() / minutes,
        latency_ms=quantiles(total_latency(groups)),
        statuses=_sorted(groups["status_rows"]),
        model_versions={v: n for v, n in _sorted(groups["version_rows"]).items() if v != UNKNOWN},
        label_delay_hours=quantiles(groups["label_delay_hours"]),
        unfinished_records=groups["unfinished"].total(),
        traffic=traffic_of(groups, minutes),
        rows_by_quarter=[groups["rows_by_quarter"][n] for n in range(QUARTERS)],
        feature_rows=feature_rows(groups),
        clocks=clocks_of(groups, files),
    )
    return report.model_copy(update={"red_flags": red_flags(report, earlier)})


def _without_identifiers(totals: Mapping[tuple, int]) -> Counter[tuple]:
    scan = cache(IdentifierScanner().scan_text)

    def clean(key: Hashable) -> Hashable:
        if isinstance(key, tuple):
            return tuple(map(clean, key))
        return scan(key)[0] if isinstance(key, str) else key

    cleaned: Counter[tuple] = Counter()
    for key, n in totals.items():
        cleaned[clean(key)] += n
    return cleaned


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


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
