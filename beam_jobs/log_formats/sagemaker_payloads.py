"""What SageMaker captures of a body, and of ground truth: text, JSON, or bytes in base64.

``encoding`` is CSV, JSON or BASE64; of base64 (what SageMaker does not know to be text)
``observedContentType`` tells what is in it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..log_containers.contract import MAX_RECORD_BYTES
from ..log_values import Malformed, cell, get
from .contract import json_value
from .payloads import from_base64

CSV, JSON, LINES = "csv", "json", "lines"
_CONTENT_TYPES = {
    "text/csv": CSV,
    "application/json": JSON,
    "application/jsonlines": LINES,
    "application/jsonl": LINES,
    "application/x-jsonlines": LINES,
    "application/x-ndjson": LINES,
}
_NO_NUMBER = ("nan", "NaN")

csv.field_size_limit(MAX_RECORD_BYTES)


class Payload(NamedTuple):
    """form: CSV, JSON, or LINES of JSON; None for bytes of a content type that is none of them."""

    text: str
    form: str | None

    def values(self, where: str) -> list:
        """CSV: a list of cells for each line. LINES: a value each. JSON: the one value.

        Raises:
          Malformed: ``bad_value`` of ``where``.
        """
        try:
            if self.form == CSV:
                return [cells for cells in csv_rows(self.text) if cells]
            texts = self.text.split("\n") if self.form == LINES else [self.text]
            return [json_value(text) for text in texts if text.strip()]
        except (Malformed, csv.Error):
            raise Malformed("bad_value", where) from None


def read_payload(record: Mapping[str, Any], field: str) -> Payload:
    captured = get_object(record, field)
    text, encoding = get(captured, "data"), get(captured, "encoding")
    content_type = captured.get("observedContentType")
    media = content_type.partition(";")[0].strip().lower() if type(content_type) is str else None
    form = _CONTENT_TYPES.get(media)
    if type(text) is not str or encoding not in ("CSV", "JSON", "BASE64"):
        raise Malformed("bad_value", field)
    if encoding == "CSV":
        form = CSV
    elif encoding == "JSON":
        form = LINES if form == LINES else JSON
    else:
        try:
            text = from_base64(text, field).decode()
        except UnicodeDecodeError:
            raise Malformed("bad_value", field) from None
    return Payload(text, form)


def get_object(record: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = get(record, field)
    if type(value) is not dict:
        raise Malformed("bad_value", field)
    return value


def csv_rows(text: str) -> list[list]:
    """Lines as lists of cells: numbers as JSON has them, texts, None for nothing and for NaN.

    An empty line has no cells.

    Raises:
      csv.Error: the quotes are not those of a CSV.
    """
    if '"' in text:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    else:
        lines = [x.split(",") if x else [] for x in text.replace("\r\n", "\n").split("\n")]
    return [[_cell(x) for x in cells] for cells in lines]


def _cell(text: str) -> int | float | str | None:
    value = cell(text.strip())
    if type(value) is str:
        return None if value in _NO_NUMBER else text
    return value
