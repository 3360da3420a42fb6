"""Serving logs and ground truth to tf.Examples: the job, and how to run it alone.

    python -m tfx_vigil.beam_jobs.ingest_logs --config config.json \\
        --window-start 2026-01-01T00:00:00Z --window-end 2026-01-02T00:00:00Z --output DIR

How calls, duplicates and labels are told apart is written in ``join_calls`` and
``join_ground_truth``.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import apache_beam as beam
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsIter, AsSingleton

from .accounting import SumCounts
from .data_contract_check import Contract
from .engine import job_options
from .examples import WriteExamples
from .ingest_account import COUNTS, DEAD_LETTERS, KINDS, LABELLED
from .ingest_blocks import ReadBlocks
from .ingest_config import IngestConfig, Window, moment
from .ingest_keys import INDEX
from .ingest_plan import Unit, match, partitions, plan
from .ingest_report import check_dead_letters, make_report
from .ingest_resolve import Resolve
from .ingest_scan import ScanLogs
from .ingest_write import ORDERS, UNIT, WriteRows
from .log_columns import resolve_kinds, to_batch, to_flat_batch
from .log_formats import FORMATS
from .log_values import Malformed, get_time
from .read_ground_truth import ParseGroundTruth, ScanGroundTruth
from .recognise_format import recognised
from .reports import FILE_NAME, IngestReport, read_report, write_report
from .write_parquet import WriteParquet

SERVING = "serving"
SPLITS = (SERVING, LABELLED)
Payload = Literal["tfrecord", "parquet"]
_PAYLOADS = {
    "tfrecord": (to_batch, partial(WriteExamples, compressed=False)),
    "parquet": (to_flat_batch, WriteParquet),
}


class NoLogs(FileNotFoundError):
    """No file matches the globs of the logs, or nothing in them belongs to the window."""


def ingest_logs(
    pipeline: beam.Pipeline,
    config: IngestConfig,
    window_start: datetime,
    window_end: datetime,
    output_uri: str,
    dead_letter_uri: str,
    report_uri: str,
    payload: Payload = "tfrecord",
    earlier: Sequence[IngestReport] = (),
) -> None:
    """Adds the job to ``pipeline``.

    It writes ``output_uri/Split-serving`` and ``Split-labelled`` (plain TFRecords of tf.Examples,
    or Parquet), ``dead_letter_uri/dead_letters-*.jsonl.gz`` (an object a line: file, offset in
    the decompressed file, reason, bytes in base64, and rows where only some of the record's could
    not be used) and, last of all, the IngestReport at ``report_uri``. On a local disk the folders
    of the first two are readable by their owner alone.

    The logs are read twice, and only keys are shuffled: a first pass numbers the calls and checks
    every record, then calls, answers and labels meet by request id, and a second pass reads again
    the files that hold rows which are wanted, and writes these.

    Args:
      earlier: reports of earlier windows, which red flags are raised against.

    Raises:
      NoLogs: no log file matches.
      UnknownFormat: ``format`` is ``auto`` and no record is of a format that is known.
      ValueError: the window is empty or its times have no UTC offset; the contract's schema
        cannot be read.
      AccountError, TooManyDeadLetters, LogChanged: while the pipeline runs.
    """
    window = Window.of(config, window_start, window_end)
    log_files, truth_files = _input_files(config, window)
    config = recognised(config, log_files)
    for folder in (*(f"{output_uri}/Split-{split}" for split in SPLITS), dead_letter_uri):
        _make_private(folder)
    log_format = FORMATS[config.format](config)
    to_payload, write = _PAYLOADS[payload]
    truth = config.ground_truth
    contract = Contract(config.contract, truth.columns if truth else ())
    read = ReadBlocks(config, window, log_format, contract)
    shuffled = partitions([*log_files, *truth_files])

    units = _spread(pipeline, "Log", plan(log_files, config.format, window))
    scanned = (
        units
        | "LogUnits" >> beam.Values()
        | "ScanLogs"
        >> beam.ParDo(ScanLogs(read, window, config.untimed, shuffled)).with_outputs(
            DEAD_LETTERS, COUNTS, KINDS, INDEX, main="keys"
        )
    )
    scans = [scanned]
    if truth:
        truth_units = plan(truth_files, "auto", window, first=len(log_files))
        parse = ParseGroundTruth(truth, config.features or {})
        scans.append(
            _spread(pipeline, "Truth", truth_units)
            | "TruthUnits" >> beam.Values()
            | "ScanGroundTruth"
            >> beam.ParDo(ScanGroundTruth(parse, window, shuffled)).with_outputs(
                DEAD_LETTERS, COUNTS, KINDS, main="keys"
            )
        )
    resolved = (
        [out["keys"] for out in scans]
        | "FlattenKeys" >> beam.Flatten()
        | "GroupByPartition" >> beam.GroupByKey()
        | "Resolve"
        >> beam.ParDo(Resolve(window, log_format.answered)).with_outputs(COUNTS, main="orders")
    )
    kinds = (
        [out[KINDS] for out in scans]
        | "FlattenKinds" >> beam.Flatten()
        | "UniteKinds" >> beam.CombineGlobally(_union)
        | "ResolveKinds" >> beam.Map(resolve_kinds, read.declared)
    )
    rows = (
        {UNIT: units, INDEX: scanned[INDEX], ORDERS: resolved.orders}
        | "GroupByUnit" >> beam.CoGroupByKey()
        | "WriteRows"
        >> beam.ParDo(
            WriteRows(read, window, config.features or {}, log_format.answered, to_payload),
            AsSingleton(kinds),
        ).with_outputs(LABELLED, DEAD_LETTERS, COUNTS, main=SERVING)
    )
    written = [
        rows[split] | f"Write[{split}]" >> write(f"{output_uri}/Split-{split}") for split in SPLITS
    ]
    written.append(
        [out[DEAD_LETTERS] for out in (*scans, rows)]
        | "FlattenDeadLetters" >> beam.Flatten()
        | "WriteDeadLetters"
        >> beam.io.WriteToText(f"{dead_letter_uri}/dead_letters", file_name_suffix=".jsonl.gz")
    )
    _ = (
        [out[COUNTS] for out in (*scans, resolved, rows)]
        | "FlattenCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombineGlobally(SumCounts())
        | "WriteReport"
        >> beam.Map(
            _write_report,
            config,
            window,
            [m.path for m in (*log_files, *truth_files)],
            list(earlier),
            report_uri,
            dead_letter_uri,
            *map(AsIter, written),
        )
    )


def fingerprint(config: IngestConfig, window_start: datetime, window_end: datetime) -> str:
    """A digest of path, size and modification time of every input file of the window."""
    files = _input_files(config, Window.of(config, window_start, window_end))
    facts = [(m.path, m.size_in_bytes, m.last_updated_in_seconds) for ms in files for m in ms]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def rfc3339_time(text: str) -> datetime:
    """An RFC 3339 time; raises ValueError that says what was found."""
    try:
        return moment(get_time({"time": text}, "time"))
    except Malformed:
        raise ValueError(f"expected a time like 2026-01-31T00:00:00Z, found {text!r}") from None


def run(
    config: IngestConfig,
    window_start: datetime,
    window_end: datetime,
    output_dir: str,
    beam_args: Sequence[str] = (),
    payload: Payload = "tfrecord",
    earlier: Sequence[IngestReport] = (),
) -> IngestReport:
    """Runs ``ingest_logs`` into one folder, in place of what an earlier run left there.

    Writes ``output_dir``/Split-serving, Split-labelled, dead_letter and report.json. Raises as
    ``ingest_logs`` does, and ValueError where the dead letters that it reads would make way.
    """
    dead_letters = f"{output_dir}/dead_letter"
    folders = [*(f"{output_dir}/Split-{split}" for split in SPLITS), dead_letters]
    letters = match(config.logs) if config.replay else []
    if doomed := [m.path for m in letters if _is_below(m.path, folders)]:
        raise ValueError(
            f"{doomed[0]} would be replaced by this run's own output: give another output folder"
        )
    FileSystems.delete(
        [x for x in (*folders, f"{output_dir}/{FILE_NAME}") if FileSystems.exists(x)]
    )
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        ingest_logs(
            pipeline,
            config,
            window_start,
            window_end,
            output_dir,
            dead_letters,
            output_dir,
            payload,
            earlier,
        )
    return read_report(output_dir, IngestReport)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tfx_vigil.beam_jobs.ingest_logs",
        description="Serving logs and ground truth to tf.Examples.",
        epilog="Other arguments go to Beam.",
    )
    parser.add_argument("--config", required=True, help="JSON file of an IngestConfig")
    parser.add_argument("--window-start", required=True, type=rfc3339_time, metavar="RFC3339")
    parser.add_argument("--window-end", required=True, type=rfc3339_time, metavar="RFC3339")
    parser.add_argument("--output", required=True, metavar="DIR")
    args, beam_args = parser.parse_known_args(argv)
    config = IngestConfig.model_validate_json(Path(args.config).read_bytes())
    report = run(config, args.window_start, args.window_end, args.output, beam_args)
    print(report.counts.model_dump_json(indent=1))


def _input_files(
    config: IngestConfig, window: Window
) -> tuple[list[FileMetadata], list[FileMetadata]]:
    globs = window.log_globs(config.logs)
    logs, truths = match(globs, window.first_request / 1e6), []
    if not logs:
        raise NoLogs(f"no log file matches {', '.join(globs)}; check the key 'logs'")
    if config.ground_truth:
        globs = window.label_globs(config.ground_truth.files)
        truths = match(globs, window.first_label / 1e6)
        if not truths:
            logging.warning("no ground truth matches %s: no row is labelled", ", ".join(globs))
    return logs, truths


def _spread(pipeline: beam.Pipeline, name: str, units: list[Unit]) -> beam.PCollection:
    """(number, unit), over the workers; unlike a Reshuffle in the same order each time."""
    return (
        pipeline
        | f"{name}Plan" >> beam.Create([(unit.number, unit) for unit in units])
        | f"Spread{name}" >> beam.GroupByKey()
        | f"Only{name}" >> beam.MapTuple(lambda number, units: (number, *units))
    )


def _write_report(
    totals: Mapping[tuple, int],
    config: IngestConfig,
    window: Window,
    files: Sequence[str],
    earlier: Sequence[IngestReport],
    report_uri: str,
    dead_letter_uri: str,
    *written: Iterable[str],
) -> None:
    """Takes the names of the files ``written`` so as to run after they are."""
    report = make_report(totals, config, window, files, earlier)
    write_report(report_uri, report)
    check_dead_letters(report, config.max_dead_letter_share, dead_letter_uri)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(_absolute(path).startswith(f"{_absolute(folder)}/") for folder in folders)


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)


def _union(sets: Iterable[set]) -> set:
    return set().union(*sets)


def _make_private(folder: str) -> None:
    if "://" not in folder:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)


if __name__ == "__main__":
    # By its full name, so that workers find what the job's stages refer to.
    from tfx_vigil.beam_jobs.ingest_logs import main as run_main

    run_main()
