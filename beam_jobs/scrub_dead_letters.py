"""Dead letters without the records themselves, which are raw log lines."""

from __future__ import annotations

from operator import attrgetter

import apache_beam as beam
import orjson
from apache_beam.coders import BytesCoder
from apache_beam.io.fileio import EmptyMatchTreatment, MatchFiles

from .accounting import check_identity
from .identifiers import IdentifierScanner

_PREFIX, _SUFFIX = "dead_letters", ".jsonl.gz"


def scrub_dead_letters(
    pipeline: beam.Pipeline, input_uri: str, output_uri: str, phone_region: str | None = None
) -> None:
    """Adds the job that copies dead letters with nothing but file, offset and reason.

    Reads and writes ``dead_letters-*.jsonl.gz``, one letter a line; identifiers in file and
    reason are redacted (see ``identifiers``). Every letter comes out, or the job fails:
    with ValueError on a line that is no letter, without quoting it.
    """
    letters = (
        pipeline
        | "MatchDeadLetters"
        >> MatchFiles(f"{input_uri}/{_PREFIX}-*{_SUFFIX}", EmptyMatchTreatment.ALLOW)
        | "DeadLetterPaths" >> beam.Map(attrgetter("path"))
        | "ReadDeadLetters" >> beam.io.ReadAllFromText(coder=BytesCoder())
    )
    scrubbed = letters | "ScrubDeadLetters" >> beam.ParDo(_Scrub(phone_region))
    _ = scrubbed | "WriteDeadLetters" >> beam.io.WriteToText(
        f"{output_uri}/{_PREFIX}", file_name_suffix=_SUFFIX, coder=BytesCoder()
    )
    read = letters | "CountDeadLetters" >> beam.combiners.Count.Globally()
    written = scrubbed | "CountScrubbed" >> beam.combiners.Count.Globally()
    _ = read | "CheckDeadLetters" >> beam.Map(_check, beam.pvalue.AsSingleton(written))


class _Scrub(beam.DoFn):
    def __init__(self, phone_region: str | None):
        self._phone_region = phone_region

    def setup(self) -> None:
        self._scanner = IdentifierScanner(self._phone_region)

    def process(self, line: bytes) -> list[bytes]:
        try:
            letter = orjson.loads(line)
            file, offset, reason = letter["file"], int(letter["offset"]), letter["reason"]
            file, reason = (self._scanner.scan_text(text)[0] for text in (file, reason))
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                "a line of the dead letters is not a JSON object of file, offset and reason"
            ) from None
        return [orjson.dumps({"file": file, "offset": offset, "reason": reason})]


def _check(read: int, written: int) -> None:
    check_identity(
        {"letters_read": read, "letters_written": written}, "letters_read", ["letters_written"]
    )
