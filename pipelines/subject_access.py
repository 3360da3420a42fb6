"""Hands a person what is held of them: access and export (GDPR Art. 15 and 20)."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from ..beam_jobs.subjects import register
from ..beam_jobs.subjects.collect import HeldRow, collect_rows, reversed_rows
from ..beam_jobs.subjects.marks import Marks, marks_of
from ..beam_jobs.subjects.receipts import AffectedModel, Held, Receipt, Receipts
from ..components.history import History
from .config import VigilConfig
from .lock import exclusive
from .person_search import affected_models
from .run import Progress
from .stored_data import HOLDS_NO_ROWS, stored_data
from .subject_rights import signer
from .unreached import unreached

Kind = Literal["access", "export"]
_PLACES = "held_in"


def hand_out(
    config: VigilConfig,
    identifier: str,
    output: Path,
    kind: Kind,
    progress: Progress = lambda _: None,
) -> Receipt:
    """Writes ``rows.json`` and ``rows.csv``, and for access ``access.json``, for their owner only.

    Values behind reversible pseudonyms are given back.

    Raises:
      FileExistsError: there is something at ``output``.
      Busy, KeysetError, ValueError: as ``carry_out`` does.
    """
    marks = marks_of(config.pseudonymizer, identifier)
    history = History(config.runtime.history_root)
    with exclusive(config):
        output.mkdir(mode=0o700, parents=True)
        progress("looking for the person")
        data = stored_data(config, history)
        found = collect_rows(data.files, [marks], config.beam_args)
        place_of = {file: name for name, files in data.places() for file in files}
        rows = _rows(reversed_rows(config.pseudonymizer, identifier, found), place_of)
        learned = {
            span for span, files in data.spans.items() if {row.file for row in found} & set(files)
        }
        models = affected_models(history, learned)
        counts = dict.fromkeys(sorted({place_of[row.file] for row in found}), 0)
        for row in found:
            counts[place_of[row.file]] += 1
        _write(output / "rows.json", _json(rows))
        _write(output / "rows.csv", _csv(rows))
        if kind == "access":
            document = _access(config, history, marks, counts, models, rows)
            _write(output / "access.json", _json(document))
        return Receipts(history.root).append(
            Receipt(
                number=0,
                time=datetime.now(timezone.utc),
                request=kind,
                subject=marks.tag,
                previous=None,
                files=len(data.files),
                rows=len(found),
                held=[Held(place=name, rows=n, done="handed out") for name, n in counts.items()],
                models=models if kind == "access" else [],
                without_rows=list(HOLDS_NO_ROWS),
                not_done=unreached(config, data),
            ),
            signer(config),
        )


def _rows(held: Iterable[HeldRow], place_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each row once, with all places that hold it."""
    places: dict[str, list[str]] = {}
    for row in held:
        note = " (kept aside)" if row.restricted else ""
        key = json.dumps(row.row, sort_keys=True)
        places.setdefault(key, []).append(f"{place_of[row.file]}, {row.split}{note}")
    return [{_PLACES: sorted(set(where)), **json.loads(key)} for key, where in places.items()]


def _access(
    config: VigilConfig,
    history: History,
    marks: Marks,
    counts: Mapping[str, int],
    models: list[AffectedModel],
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    known, privacy = register.load(history.root), config.pseudonymizer
    windows = {f"span {r.span}": [r.window_start, r.window_end] for r in history.all_records()}
    fields = sorted({name for row in rows for name in row} - {_PLACES})
    about = (r for r in Receipts(history.root).all() if r.subject == marks.tag)
    return {
        "purposes": f"monitoring of model {config.model.name}: statistics, drift and quality "
        "reports, and the training of its successors",
        "categories": [
            {"field": name, "role": method and method.role, "kept_as": method and method.method}
            for name in fields
            for method in [privacy.method_of(name)]
        ],
        "recipients": "none that tfx-vigil knows of",
        "kept_for": "until it is erased, or its span is run again",
        "source": [*config.logs.files, *_truth(config)],
        "decisions": "tfx-vigil decides about models, not about people; what a model predicted "
        "is in the rows",
        "rights": "rectification, erasure, restriction and portability: tfx-vigil subject "
        "rectify, erase, restrict, export; complaint to a supervisory authority",
        "pseudonyms": {
            name: sorted(value.decode(errors="replace") for value in values)
            for name, values in marks.pseudonyms.items()
        },
        "restricted": marks.tag in known.restricted,
        "erased": marks.tag in known.erased,
        "held": [
            {"place": name, "rows": n, "window": windows.get(name)} for name, n in counts.items()
        ],
        "models": [model.model_dump() for model in models],
        "receipts": [receipt.number for receipt in about],
        "rows": rows,
    }


def _truth(config: VigilConfig) -> list[str]:
    return list(config.logs.ground_truth.files) if config.logs.ground_truth else []


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, default=lambda time: time.isoformat()) + "\n"


def _csv(rows: list[dict[str, Any]]) -> str:
    """A column for each field; lists as JSON."""
    text = io.StringIO(newline="")
    names = [_PLACES, *sorted({name for row in rows for name in row} - {_PLACES})]
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()}
            | {_PLACES: "; ".join(row[_PLACES])}
        )
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="") as file:
        file.write(text)
