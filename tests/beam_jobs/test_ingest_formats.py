"""Every format through the stages of the job: the same rows, however they lie in files."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig

from .ingest_in_memory import ingest
from .log_formats import (
    kserve_writer,
    mapped_writer,
    open_inference_writer,
    prediction_log_writer,
    sagemaker_writer,
    vertex_ai_writer,
)
from .log_formats.calls import Call

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)
KINDS = {"a": "float", "b": "float", "c": "string"}


class Log(NamedTuple):
    """loses: what the format, or its writer, cannot carry."""

    write: Callable[[Path, list[Call]], dict]
    loses: frozenset[str] = frozenset()


def _kserve(form, *loses, **options):
    return Log(partial(kserve_writer.write, form=form, **options), frozenset(loses))


LOGS = {
    "kserve blobs": _kserve("json"),
    "kserve blobs, V2": _kserve("json", v2=True),
    "kserve CloudEvents": _kserve("structured"),
    "kserve CloudEvents, binary": _kserve("binary"),
    "kserve CSV": _kserve("csv", "time"),
    "kserve Parquet": _kserve("parquet", "time"),
    **{
        f"open_inference {form}": Log(
            partial(open_inference_writer.write, form=form),
            frozenset({"time"} if form in ("bodies", "mlserver") else ()),
        )
        for form in ("bodies", "pairs", "mlserver", "events", "grpc")
    },
    "prediction_log": Log(prediction_log_writer.write, frozenset({"id"})),
    "prediction_log tensors": Log(
        partial(prediction_log_writer.write, tensors=True), frozenset({"id"})
    ),
    "vertex_ai": Log(vertex_ai_writer.write),
    "vertex_ai Avro": Log(vertex_ai_writer.write_avro),
    "vertex_ai Parquet": Log(vertex_ai_writer.write_parquet),
    **{
        f"sagemaker {x}": Log(
            partial(sagemaker_writer.write, encoding=x), frozenset({"model_version"})
        )
        for x in ("CSV", "JSON", "BASE64")
    },
    **{
        x: Log(partial(mapped_writer.write, format=x))
        for x in ("json_lines", "csv", "parquet", "avro")
    },
}
every_log = pytest.mark.parametrize("name", LOGS)


def calls_of(seed: int, count: int) -> list[Call]:
    draw = random.Random(seed)

    def number() -> float:
        return float(np.float32(draw.uniform(-100, 100)))

    calls = []
    for n in range(count):
        rows = draw.randint(1, 4)
        calls.append(
            Call(
                request_id=str(1000 + n),
                time=int(START.timestamp() * 1e6) + draw.randrange(86_000) * 1_000_000,
                model_version=str(draw.randint(1, 2)),
                rows=[{"a": number(), "b": number(), "c": f"x{n} {k}"} for k in range(rows)],
                predictions=[number() for _ in range(rows)],
            )
        )
    return calls


def expected(calls: list[Call], loses: frozenset[str]) -> list[tuple]:
    rows = []
    for call in calls:
        for n, (row, score) in enumerate(zip(call.rows, call.predictions, strict=True)):
            facts = {
                "id": (call.request_id, n),
                "time": call.time,
                "model_version": call.model_version,
            }
            known = [facts[name] for name in facts if name not in loses]
            rows.append((sorted(row.items()), score, *known))
    return sorted(rows, key=str)


def found(rows: list[dict], loses: frozenset[str]) -> list[tuple]:
    read = []
    for row in rows:
        facts = {
            "id": (row["log_request_id"], row["log_row"]),
            "time": row["log_event_time"],
            "model_version": row.get("log_model_version"),
        }
        known = [facts[name] for name in facts if name not in loses]
        read.append((sorted((x, row.get(x)) for x in "abc"), row.get("prediction"), *known))
    return sorted(read, key=str)


def configured(name: str, folder: Path, calls: list[Call], **config) -> IngestConfig:
    return IngestConfig(**LOGS[name].write(folder, calls) | config)


@every_log
def test_what_was_logged_is_read(name, tmp_path):
    calls = calls_of(1, 9)
    report, serving, _, letters = ingest(configured(name, tmp_path, calls), START, END)
    assert letters == []
    assert found(serving, LOGS[name].loses) == expected(calls, LOGS[name].loses)
    assert report.counts.rows_written == sum(len(call.rows) for call in calls)


@every_log
def test_the_format_is_recognised(name, tmp_path):
    config = configured(name, tmp_path, calls_of(2, 3))
    auto = config.model_copy(update={"format": "auto"})
    assert ingest(auto, START, END).report.format == config.format


@every_log
def test_rows_do_not_depend_on_how_they_lie_in_files(name, tmp_path):
    calls, results = calls_of(3, 12), []
    for seed, per_file in ((0, 12), (1, 1), (2, 5)):
        shuffled = random.Random(seed).sample(calls, len(calls))
        for n in range(0, len(calls), per_file):
            folder = tmp_path / str(seed) / str(n)
            folder.mkdir(parents=True)
            config = configured(name, folder, shuffled[n : n + per_file])
        logs = [glob.replace(str(folder), f"{tmp_path}/{seed}/*") for glob in config.logs]
        _, serving, _, _ = ingest(config.model_copy(update={"logs": logs}), START, END)
        results.append(sorted(serving, key=str))
    assert len(results[0]) == sum(len(call.rows) for call in calls)
    assert results[0] == results[1] == results[2]


def _damaged(data: st.DataObject, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        kind = data.draw(st.sampled_from(["flip", "insert", "delete", "cut"]))
        if kind == "flip" and at < len(damaged):
            damaged[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "insert":
            damaged[at:at] = data.draw(st.binary(max_size=20))
        elif kind == "delete":
            del damaged[at : at + data.draw(st.integers(0, 20))]
        elif kind == "cut":
            del damaged[at:]
    return bytes(damaged)


@every_log
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_damage_loses_a_record_of_another_file_or_breaks_the_account(name, data):
    good, doomed = calls_of(4, 4), calls_of(5, 4)
    with tempfile.TemporaryDirectory() as root:
        config = None
        for label, calls in (("good", good), ("bad", doomed)):
            folder = Path(root, label)
            folder.mkdir()
            renamed = [x._replace(request_id=f"{len(label)}{x.request_id}") for x in calls]
            config = configured(name, folder, renamed, features=KINDS, max_dead_letter_share=1)
            if label == "good":
                intact = renamed
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        path = data.draw(st.sampled_from(files))
        path.write_bytes(_damaged(data, path.read_bytes()))
        logs = [glob.replace(f"{root}/bad", f"{root}/*") for glob in config.logs]
        result = ingest(config.model_copy(update={"logs": logs}), START, END)
    rows = found(result.serving, frozenset({"time", "model_version", "id"}))
    for row in expected(intact, frozenset({"time", "model_version", "id"})):
        assert row in rows
    counts = result.report.counts
    assert len(result.letters) == sum(result.report.dead_letter_reasons.values())
    assert counts.records_dead_lettered <= len(result.letters)
