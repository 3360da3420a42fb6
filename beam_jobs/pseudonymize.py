"""The job that takes personal data out of datasets.

Alone, on a folder of ``Split-*`` folders, or on one TFRecord, Parquet or CSV file::

    python -m tfx_vigil.beam_jobs.pseudonymize --config policy.json --input DATA --output DIR
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems

from .accounting import SumCounts
from .count_classes import CountClasses, measures_risk
from .engine import job_options
from .examples import ReadExamples, WriteExamples, split_pattern
from .identifiers.names import require
from .privacy_account import check_policy, privacy_report
from .privacy_batch import primary_version
from .privacy_measures import Measure
from .privacy_policy import PrivacyConfig
from .pseudonymize_table import is_table, pseudonymize_table
from .reports import PrivacyReport, read_report, write_report
from .subjects.places import RESTRICTED
from .subjects.register import load
from .treat_rows import ASIDE, COUNTS, TreatRows


def pseudonymize(
    pipeline: beam.Pipeline,
    config: PrivacyConfig,
    input_uri: str,
    splits: Sequence[str],
    output_uri: str,
    report_uri: str,
    history_root: str = "",
) -> None:
    """Adds the job for an Examples artifact: the same splits and rows, treated by ``config``.

    ``history_root``: a history whose register (``subjects.register``) says whose rows are dropped
    and whose are kept aside, as ``output_uri/Split-restricted/<split>.data_tfrecord-*``; it is
    read when the job starts. An empty one: none are.

    The primary key version of this moment is used to the end, even if the keyset is rotated
    meanwhile. When the policy is broken the report is written and then the job fails with
    PrivacyError; what it has written by then is treated all the same.

    Raises:
      KeysetError, RegisterError, NamesError: keyset, register or names_model cannot be used;
        nothing was read or written.
    """
    sources = {split: split_pattern(input_uri, split) for split in splits}
    targets = {split: f"{output_uri}/Split-{split}" for split in splits}
    _add_job(pipeline, config, sources, targets, report_uri, history_root)


def run(
    config: PrivacyConfig,
    input_uri: str,
    output_dir: str,
    beam_args: Sequence[str] = (),
    history_root: str = "",
) -> PrivacyReport:
    """Pseudonymizes a dataset into ``output_dir``, with the report beside it.

    Args:
      input_uri: a folder with ``Split-*`` folders, or one file: ``*.parquet`` and ``*.csv`` are
        written in the same format under the same name, anything else is read as a TFRecord of
        tf.Examples.
      history_root: as in ``pseudonymize``; rows that are kept aside of one table are left out.

    Raises:
      KeysetError, RegisterError, PrivacyError: as ``pseudonymize`` does; no data are left in
        ``output_dir``.
      FileNotFoundError: there is no input.
      FileExistsError: a split of an earlier result is in ``output_dir``.
    """
    if is_table(input_uri):
        return pseudonymize_table(config, input_uri, output_dir, history_root)
    matches = FileSystems.match([f"{input_uri.rstrip('/')}/Split-*/*"])[0].metadata_list
    splits = sorted({Path(match.path).parent.name.removeprefix("Split-") for match in matches})
    if splits:
        sources = {split: split_pattern(input_uri, split) for split in splits}
        targets = {split: f"{output_dir}/Split-{split}" for split in splits}
    elif FileSystems.match([input_uri])[0].metadata_list and not Path(input_uri).is_dir():
        sources, targets = {"all": input_uri}, {"all": f"{output_dir}/Split-all"}
    else:
        raise FileNotFoundError(f"{input_uri}: neither Split-* folders with files nor a file")
    if any(FileSystems.exists(target) for target in targets.values()):
        raise FileExistsError(f"{output_dir}: holds an earlier result: choose another folder")
    try:
        with beam.Pipeline(options=job_options(beam_args)) as pipeline:
            _add_job(pipeline, config, sources, targets, output_dir, history_root)
    except BaseException:
        written = {*targets.values(), *map(_aside, targets.values())}
        FileSystems.delete([folder for folder in written if FileSystems.exists(folder)])
        raise
    return read_report(output_dir, PrivacyReport)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--config", required=True, help="JSON file of a PrivacyConfig")
    parser.add_argument("--input", required=True, help="folder of Split-* folders, or a file")
    parser.add_argument("--output", required=True, help="folder for data and report.json")
    args, beam_args = parser.parse_known_args(argv)
    config = PrivacyConfig.model_validate_json(Path(args.config).read_text())
    print(run(config, args.input, args.output, beam_args).model_dump_json(indent=1))


def _add_job(
    pipeline: beam.Pipeline,
    config: PrivacyConfig,
    sources: Mapping[str, str],
    targets: Mapping[str, str],
    report_uri: str,
    history_root: str,
) -> None:
    version = primary_version(config)
    config.prepare()
    if config.names_model:
        require(config.names_model)
    looked_up = "" if load(history_root).is_empty else history_root
    counts, written = [], []
    for split, source in sources.items():
        treated = (
            pipeline
            | f"Read[{split}]" >> ReadExamples(source)
            | f"Treat[{split}]"
            >> beam.ParDo(TreatRows(config, split, version, looked_up)).with_outputs(
                COUNTS, ASIDE, main="batches"
            )
        )
        written.append(treated.batches | f"Write[{split}]" >> WriteExamples(targets[split]))
        counts += [
            treated[COUNTS],
            treated.batches | f"CountWritten[{split}]" >> beam.Map(_rows, split, "rows_written"),
            treated[ASIDE]
            | f"CountRestricted[{split}]" >> beam.Map(_rows, split, "rows_restricted"),
        ]
        if measures_risk(config):
            counts.append(treated.batches | f"Risk[{split}]" >> CountClasses(config, split))
        if looked_up:
            written.append(
                treated[ASIDE]
                | f"WriteRestricted[{split}]"
                >> WriteExamples(_aside(targets[split]), name=f"{split}.data_tfrecord")
            )
    files = written | "FlattenWritten" >> beam.Flatten()
    _ = (
        counts
        | "FlattenCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombineGlobally(SumCounts())
        | "WriteReport"
        >> beam.Map(
            _finish,
            config,
            list(sources),
            version,
            report_uri,
            after=beam.pvalue.AsIter(files),
        )
    )


def _aside(target: str) -> str:
    """The folder of restricted rows beside a split's."""
    return f"{target.rpartition('/')[0]}/Split-{RESTRICTED}"


def _rows(batch: pa.RecordBatch, split: str, name: str) -> Counter[Measure]:
    return Counter({Measure(split, name): batch.num_rows})


def _finish(
    counts: Counter[Measure],
    config: PrivacyConfig,
    splits: Sequence[str],
    key_version: int | None,
    report_uri: str,
    after: Iterable[str],
) -> None:
    """``after``: the written files, which must be there before the report is."""
    del after
    write_report(report_uri, privacy_report(counts, config, splits, key_version))
    check_policy(counts, config)


if __name__ == "__main__":
    from . import pseudonymize as job  # workers cannot import what is pickled from __main__

    job.main()
