"""Serving logs and ground truth to tf.Examples: the job, and how to run it alone.

    python -m tfx_vigil.beam_jobs.ingest_logs --config config.json \\
        --window-start 2026-01-01T00:00:00Z --window-end 2026-01-02T00:00:00Z --output DIR

How calls, duplicates and labels are told apart is written in ``join_ground_truth``.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsIter, AsSingleton

from .accounting import SumCounts
from .engine import job_options
from .examples import WriteExamples
from .ingest_account import (
    COUNTS,
    DEAD_LETTERS,
    KINDS,
    LABELLED,
    check_dead_letters,
    make_report,
)
from .ingest_config import IngestConfig, Window, moment
from .join_ground_truth import JoinCalls
from .log_batches import BatchRows, resolve_kinds
from .log_files import match
from .log_values import Malformed, get_time
from .read_ground_truth import ParseGroundTruth
from .read_json_lines import ParseJsonLines
from .read_kserve import ParseKServe
from .read_logs import Parse, ReadRecords
from .reports import IngestReport, read_report, write_report

SERVING = "serving"
SPLITS = (SERVING, LABELLED)
_PARSERS = {"kserve": ParseKServe, "json_lines": ParseJsonLines}


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
) -> None:
    """Adds the job to ``pipeline``.

    It writes ``output_uri/Split-serving`` and ``Split-labelled`` (tf.Examples, see
    ``examples.WriteExamples``), ``dead_letter_uri/dead_letters-*.jsonl.gz`` (an object a line:
    file, offset in the decompressed file, reason, bytes in base64; bytes is null where a record
    was read but its call does not fit together) and, last of all, the IngestReport at
    ``report_uri``. On a local disk the folders of the first two are readable by their owner alone.

    Raises:
      NoLogs: no log file matches.
      ValueError: the window is empty or its times have no UTC offset.
      AccountError, TooManyDeadLetters: while the pipeline runs.
    """
    window = Window.of(config, window_start, window_end)
    log_files, truth_files = _input_files(config, window)
    for folder in (*(f"{output_uri}/Split-{split}" for split in SPLITS), dead_letter_uri):
        _make_private(folder)
    parse_log = _PARSERS[config.format](config, window)
    read = [_read(pipeline, "Logs", log_files, parse_log)]
    if config.ground_truth:
        parse_truth = ParseGroundTruth(config.ground_truth, config, window)
        read.append(_read(pipeline, "GroundTruth", truth_files, parse_truth))
    calls = (
        [out.pieces for out in read]
        | "FlattenPieces" >> beam.Flatten()
        | "GroupByRequest" >> beam.GroupByKey()
        | "JoinCalls"
        >> beam.ParDo(JoinCalls(window, answered=config.format == "kserve")).with_outputs(
            LABELLED, DEAD_LETTERS, COUNTS, main=SERVING
        )
    )
    kinds = (
        [out[KINDS] for out in read]
        | "FlattenKinds" >> beam.Flatten()
        | "UniteKinds" >> beam.CombineGlobally(_union)
        | "ResolveKinds" >> beam.Map(resolve_kinds, config.features or {})
    )
    counts, written = [out[COUNTS] for out in (*read, calls)], []
    for split, counted_as in ((SERVING, "rows_written"), (LABELLED, "labels_joined")):
        batches = calls[split] | f"Batch[{split}]" >> beam.ParDo(
            BatchRows(counted_as), AsSingleton(kinds)
        ).with_outputs(COUNTS, main="batches")
        counts.append(batches[COUNTS])
        written.append(
            batches.batches | f"Write[{split}]" >> WriteExamples(f"{output_uri}/Split-{split}")
        )
    written.append(
        [out[DEAD_LETTERS] for out in (*read, calls)]
        | "FlattenDeadLetters" >> beam.Flatten()
        | "WriteDeadLetters"
        >> beam.io.WriteToText(f"{dead_letter_uri}/dead_letters", file_name_suffix=".jsonl.gz")
    )
    _ = (
        counts
        | "FlattenCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombineGlobally(SumCounts())
        | "WriteReport"
        >> beam.Map(
            _write_report, config, window, report_uri, dead_letter_uri, *map(AsIter, written)
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
) -> IngestReport:
    """Runs ``ingest_logs`` into one folder, in place of what an earlier run left there.

    Writes ``output_dir``/Split-serving, Split-labelled, dead_letter and report.json. Raises as
    ``ingest_logs`` does.
    """
    dead_letters = f"{output_dir}/dead_letter"
    earlier = match([f"{output_dir}/Split-*/data_tfrecord-*", f"{dead_letters}/dead_letters-*"])
    if earlier:
        FileSystems.delete([m.path for m in earlier])
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        ingest_logs(
            pipeline, config, window_start, window_end, output_dir, dead_letters, output_dir
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
    logs, truths = match(globs), []
    if not logs:
        raise NoLogs(f"no log file matches {', '.join(globs)}; check the key 'logs'")
    if config.ground_truth:
        globs = window.label_globs(config.ground_truth.files)
        truths = match(globs)
        if not truths:
            logging.warning("no ground truth matches %s: no row is labelled", ", ".join(globs))
    return logs, truths


def _read(pipeline: beam.Pipeline, name: str, files: list[FileMetadata], parse: Parse):
    return (
        pipeline
        | f"{name}Files" >> beam.Create([m.path for m in files])
        | f"Spread{name}" >> beam.Reshuffle()
        | f"Read{name}"
        >> beam.ParDo(ReadRecords(parse)).with_outputs(DEAD_LETTERS, COUNTS, KINDS, main="pieces")
    )


def _write_report(
    totals: Mapping[tuple, int],
    config: IngestConfig,
    window: Window,
    report_uri: str,
    dead_letter_uri: str,
    *written: Iterable[str],
) -> None:
    """Takes the names of the files ``written`` so as to run after they are."""
    report = make_report(totals, config, window)
    write_report(report_uri, report)
    check_dead_letters(report, config.max_dead_letter_share, dead_letter_uri)


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
