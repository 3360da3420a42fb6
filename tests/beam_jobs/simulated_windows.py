"""Reports on windows of a service that nothing is wrong with, and what can go wrong."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
from tfx_vigil.beam_jobs.reports import FileCounts, IngestCounts, IngestReport, VersionTraffic

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAY = timedelta(days=1)
WEEK = (1.0, 1.05, 1.0, 0.95, 0.9, 0.45, 0.4)
FEATURES = {"fare": 1.0, "company": 0.7, "voucher": 0.02}


def window(
    start: datetime = START,
    requests: int = 10_000,
    *,
    length: timedelta = DAY,
    batch: int = 1,
    statuses: dict[str, int] | None = None,
    duplicates: int = 0,
    versions: dict[str, int] | None = None,
    features: dict[str, list[int]] | None = None,
    by_quarter: list[int] | None = None,
    **fields,
) -> IngestReport:
    """A report; duplicates: rows; features: rows with a value, by quarter."""
    rows = requests * batch
    minutes = length / timedelta(minutes=1)
    counts = {"rows": rows + duplicates, "rows_written": rows, "rows_duplicate": duplicates}
    fields.setdefault("files", [FileCounts(file="a.jsonl", **counts)])
    return IngestReport(
        format="json_lines",
        window_start=start,
        window_end=start + length,
        counts=IngestCounts(**counts),
        dead_letter_reasons={},
        requests_per_minute=requests / minutes,
        latency_ms=None,
        statuses={},
        model_versions={},
        label_delay_hours=None,
        traffic=[
            VersionTraffic(
                model_version=version,
                requests=count,
                requests_per_minute=count / minutes,
                rows=count * batch,
                statuses=(statuses or {"200": count}) if n == 0 else {"200": count},
                latency_ms=None,
            )
            for n, (version, count) in enumerate((versions or {"v1": requests}).items())
        ],
        rows_by_quarter=by_quarter or [rows // 4] * 4,
        feature_rows=features or {},
        **fields,
    )


class Service:
    """Draws windows one after another: counts scatter more than Poisson's law says."""

    def __init__(
        self,
        seed: int,
        requests: float = 10_000,
        noise: float = 0.1,
        week: tuple[float, ...] = WEEK,
        length: timedelta = DAY,
        batch: int = 1,
    ):
        self.random = np.random.default_rng(seed)
        self.requests = requests
        self.noise = noise
        self.week = week
        self.length = length
        self.batch = batch

    def window(
        self, n: int, traffic: float = 1.0, errors: float = 0.01, duplicates: float = 0.001
    ) -> IngestReport:
        """The n-th window. traffic: a factor; errors, duplicates: expected shares."""
        random = self.random
        start = START + n * self.length
        day = self.week[start.weekday()] if self.length <= DAY else 1.0
        if self.length < DAY:
            day *= 1 + 0.9 * np.sin(start.hour / 24 * 2 * np.pi)
        rate = traffic * day * self.requests * np.exp(self.noise * random.normal())
        requests = int(random.poisson(rate))
        failed = int(random.binomial(requests, _about(random, errors, 0.3)))
        repeated = int(random.binomial(requests, _about(random, duplicates, 0.3)))
        return window(
            start,
            requests,
            length=self.length,
            batch=self.batch,
            statuses={"200": requests - failed, "no_response": failed},
            duplicates=repeated * self.batch,
            features={
                name: random.binomial(requests * self.batch // 4, share, 4).tolist()
                for name, share in FEATURES.items()
            },
        )

    def windows(self, count: int) -> list[IngestReport]:
        return [self.window(n) for n in range(count)]


def _about(random: np.random.Generator, share: float, noise: float) -> float:
    return min(share * np.exp(noise * random.normal()), 1.0)
