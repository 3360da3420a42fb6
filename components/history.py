"""What the pipeline knows of earlier spans: immutable files a span and one pointer to the model.

    <root>/baseline/record.json                 what the first model was trained on
    <root>/baseline/...                         schema, statistics, examples, model, slices.json
    <root>/spans/<span>.json                    SpanRecord: names the span's revision
    <root>/spans/<span>/<revision>/...          reports, statistics, labelled rows of the span
    <root>/rulings/<span>.json                  Ruling: what a person said about retraining
    <root>/model_in_service.json                ModelInService after the newest push

A revision is named by the digest of its content and never changed, apart from files that the
same run adds; the record that names it is replaced atomically and last. A reader therefore sees
the old revision or the new one, and two runs of one span never mix their files: they share a
revision only where every file of it is the same. All times are UTC.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Sequence

from pydantic import AwareDatetime
from tfx.dsl.io import fileio

from ..beam_jobs.reports import AnyReport, Document

BASELINE = "baseline"
TRAINING_SPLIT = "train"
FINE_TUNED = "fine_tuned"
"""What a candidate is called that was trained further from the model in service."""
FROM_SCRATCH = "from_scratch"
PREVIOUS = "previous"
"""What a candidate is called that served before the model in service."""
_PARTIAL = ".partial"


class HistoryError(RuntimeError):
    """The history lacks a file that one of its records names, or a record cannot be read."""


class Push(Document):
    """A model that was pushed at the end of a span.

    ``restores``: the span that pushed the same model before (or ``baseline``), of one that was put
    back in service.
    """

    model: str
    candidate: str
    trained_on: list[str]
    restores: str | None = None


class RollBack(Document):
    """A person put back the model that served before, after the span's own push if it had one."""

    push: Push
    by: str
    time: AwareDatetime
    comment: str = ""


class Revised(Document):
    """The span's documents ``names`` were made anew, since a person asked for it."""

    time: AwareDatetime
    request: str
    receipt: int
    names: list[str] = []


class SpanRecord(Document):
    """``complete`` is False while a retraining that the span asked for has not ended.

    ``examples``: where the pipeline keeps the protected rows that the span was measured on.
    """

    span: str
    window_start: AwareDatetime
    window_end: AwareDatetime
    revision: str
    complete: bool
    action: str
    push: Push | None = None
    roll_back: RollBack | None = None
    examples: str | None = None
    revised: list[Revised] = []

    @property
    def pushes(self) -> list[Push]:
        """What was put in service at its end, in order of time."""
        by_hand = [self.roll_back.push] if self.roll_back else []
        return [push for push in (self.push, *by_hand) if push]


class Ruling(Document):
    """What a person said about retraining in a span, having seen this evidence.

    ``evidence``: report -> SHA-256, as in the decision that was put before the person.
    """

    span: str
    approve: bool
    by: str
    time: AwareDatetime
    comment: str = ""
    evidence: dict[str, str]


class BaselineRecord(Document):
    model: str | None
    rows: int


class ModelInService(Document):
    """``span`` was the first to push the model; ``baseline`` is the model of the first day."""

    model: str
    span: str
    trained_on: list[str]


class History:
    """The history under ``root``, on any filesystem TFX knows."""

    def __init__(self, root: str):
        self.root = root.rstrip("/")

    # Reading

    def baseline(self) -> BaselineRecord | None:
        return self._read_if_there(self.baseline_path("record.json"), BaselineRecord)

    def baseline_path(self, *parts: str) -> str:
        return os.path.join(self.root, BASELINE, *parts)

    def spans(self, before: str | None = None) -> list[SpanRecord]:
        """Records of complete spans in order of time, those earlier than ``before`` only."""
        records = [r for r in self.all_records() if r.complete]
        return [r for r in records if before is None or r.span < before]

    def all_records(self) -> list[SpanRecord]:
        """Every span's record, interrupted ones included, in order of time."""
        folder = os.path.join(self.root, "spans")
        if not fileio.isdir(folder):
            return []
        names = sorted(n for n in fileio.listdir(folder) if n.endswith(".json"))
        return [self._read(os.path.join(folder, name), SpanRecord) for name in names]

    def record(self, span: str) -> SpanRecord:
        path = self.record_path(span)
        if not fileio.exists(path):
            raise HistoryError(f"{self.root} has no span {span!r}: run it first")
        return self._read(path, SpanRecord)

    def record_path(self, span: str) -> str:
        return os.path.join(self.root, "spans", f"{span}.json")

    def path(self, record: SpanRecord, *parts: str) -> str:
        """A file of the span, e.g. ``path(record, "drift.json")``."""
        return os.path.join(self.root, "spans", record.span, record.revision, *parts)

    def report(self, record: SpanRecord, name: str, kind: type[AnyReport]) -> AnyReport | None:
        """The span's report ``<name>.json``; None when the span has none."""
        return self._read_if_there(self.path(record, f"{name}.json"), kind)

    def baseline_report(self, name: str, kind: type[AnyReport]) -> AnyReport | None:
        return self._read_if_there(self.baseline_path(f"{name}.json"), kind)

    def retrained(self, record: SpanRecord) -> bool:
        """Whether candidates were trained at the end of the span, pushed or not."""
        return record.push is not None or fileio.exists(self.path(record, "push.json"))

    def ruling(self, span: str) -> Ruling | None:
        return self._read_if_there(self._ruling_path(span), Ruling)

    def model_in_service(self, before: str | None = None) -> ModelInService | None:
        """The model that served when span ``before`` began (None: the model of today).

        Derived from the records, so that running an old span again starts from the model of
        its time.
        """
        return next(reversed(self.models(before)), None)

    def models(self, before: str | None = None) -> list[ModelInService]:
        """Every model that was put in service before span ``before``, in order of time."""
        baseline = self.baseline()
        models = []
        if baseline and baseline.model:
            models.append(
                ModelInService(model=baseline.model, span=BASELINE, trained_on=[BASELINE])
            )
        models += [
            ModelInService(
                model=push.model,
                span=push.restores or record.span,
                trained_on=push.trained_on,
            )
            for record in self.spans(before)
            for push in record.pushes
        ]
        return models

    def previous_model(self, before: str | None = None) -> ModelInService | None:
        """The model that served before the one in service; None where there was none."""
        models = self.models(before)
        others = [model for model in models if model.span != models[-1].span]
        return others[-1] if others else None

    def ancestry(self, model: ModelInService) -> list[ModelInService]:
        """``model``, the one it was fine-tuned from, and so on to one trained from scratch."""
        line = []
        while model is not None:
            line.append(model)
            if model.span == BASELINE or self.record(model.span).push.candidate != FINE_TUNED:
                break
            model = self.model_in_service(before=model.span)
        return line

    def training_statistics_path(self, before: str | None = None) -> str | None:
        """Statistics of the data the model in service was trained on; None when unknown."""
        model = self.model_in_service(before)
        if model is None or model.span == BASELINE:
            path = self.baseline_path("statistics")
        else:
            path = self.path(self.record(model.span), "training_statistics")
        return path if fileio.exists(path) else None

    def labelled_path(self, span: str) -> str:
        """Where the labelled rows of ``span`` (or of ``baseline``) lie, as TFRecord files."""
        if span == BASELINE:
            return self.baseline_path("examples", f"Split-{TRAINING_SPLIT}")
        return self.path(self.record(span), "labelled")

    # Writing

    def write_baseline(self, record: BaselineRecord) -> None:
        """Commits the baseline whose files have been written to ``baseline_path``."""
        self._write(self.baseline_path("record.json"), record)
        self._point_to_model()

    def write_ruling(self, ruling: Ruling) -> None:
        """Keeps what a person said, in place of what was said before about that span."""
        self._write(self._ruling_path(ruling.span), ruling)

    def write_span(self, record: SpanRecord, fill: Callable[[str], None]) -> SpanRecord:
        """Writes a span's files with ``fill(folder)``, then its record; replaces an older one.

        Args:
          record: its ``revision`` is ignored and set to the digest of the files.
          fill: writes every file of the span into the folder it is given.
        """
        return self._commit(record, self._staged(record.span, fill))

    def complete_span(
        self, span: str, push: Push | None, action: str, fill: Callable[[str], None]
    ) -> None:
        """Adds what came of a retraining to the span's files, then marks it complete."""
        record = self.record(span)
        fill(self.path(record))
        record = record.model_copy(update={"complete": True, "push": push, "action": action})
        self._write(self.record_path(span), record)
        self._point_to_model()

    def write_roll_back(self, span: str, roll_back: RollBack) -> None:
        """Records that another model serves since; ``span`` is the last complete one."""
        record = self.record(span).model_copy(update={"roll_back": roll_back})
        self._write(self.record_path(span), record)
        self._point_to_model()

    def revise(
        self, span: str, edit: Callable[[str], Sequence[str]], note: Revised | None = None
    ) -> SpanRecord:
        """Changes a span's files: ``edit(folder)`` is given a copy, which takes their place.

        The old files are deleted at once. Killed before that, either the old or the new files
        are the span's, and ``sweep`` deletes the others.

        Args:
          edit: returns which of the span's documents it has made anew.
          note: why, to be kept in the record with what ``edit`` returned, in place of an earlier
            note about the same receipt; None where no person asked for it.
        """
        old = self.record(span)
        names: list[str] = []

        def fill(folder: str) -> None:
            copy_tree(self.path(old), folder)
            names.extend(edit(folder))

        staging = self._staged(span, fill)
        notes = list(old.revised)
        if note:
            notes = [n for n in notes if n.receipt != note.receipt]
            notes.append(note.model_copy(update={"names": names}))
        new = self._commit(old.model_copy(update={"revised": notes}), staging)
        if new.revision != old.revision:
            fileio.rmtree(self.path(old))
        return new

    def sweep(self) -> None:
        """Deletes what interrupted runs left behind, and points to the model in service again.

        Only while no other run is writing.
        """
        self._point_to_model()
        folder = os.path.join(self.root, "spans")
        for place in (self.root, folder, self.baseline_path()):
            for partial in fileio.glob(os.path.join(place, f"*{_PARTIAL}")):
                fileio.remove(partial)
        if not fileio.isdir(folder):
            return
        known = {record.span: record.revision for record in self.all_records()}
        for span in fileio.listdir(folder):
            path = os.path.join(folder, span)
            if not fileio.isdir(path):
                continue
            for revision in fileio.listdir(path):
                if revision != known.get(span):
                    fileio.rmtree(os.path.join(path, revision))

    def _staged(self, span: str, fill: Callable[[str], None]) -> str:
        staging = os.path.join(self.root, "spans", span, f"staging-{uuid.uuid4().hex}")
        fileio.makedirs(staging)
        fill(staging)
        return staging

    def _commit(self, record: SpanRecord, staging: str) -> SpanRecord:
        record = record.model_copy(update={"revision": _digest(staging)})
        copy_tree(staging, self.path(record))
        fileio.rmtree(staging)
        self._write(self.record_path(record.span), record)
        if record.complete:
            self._point_to_model()
        return record

    def _point_to_model(self) -> None:
        model = self.model_in_service()
        if model:
            self._write(os.path.join(self.root, "model_in_service.json"), model)

    def _ruling_path(self, span: str) -> str:
        return os.path.join(self.root, "rulings", f"{span}.json")

    def _read_if_there(self, path: str, kind):
        return self._read(path, kind) if fileio.exists(path) else None

    def _read(self, path: str, kind):
        try:
            with fileio.open(path, "r") as f:
                return kind.model_validate_json(f.read())
        except ValueError as error:
            raise HistoryError(f"{path} is not a readable {kind.__name__}: {error}") from error

    def _write(self, path: str, document: Document) -> None:
        fileio.makedirs(os.path.dirname(path))
        partial = f"{path}.{uuid.uuid4().hex}{_PARTIAL}"
        with fileio.open(partial, "w") as f:
            f.write(document.model_dump_json(indent=1))
        fileio.rename(partial, path, overwrite=True)


def copy_tree(source: str, destination: str) -> None:
    """Copies every file below ``source`` to the same place below ``destination``."""
    for folder, _, files in fileio.walk(source):
        target = os.path.normpath(os.path.join(destination, os.path.relpath(folder, source)))
        fileio.makedirs(target)
        for name in files:
            fileio.copy(os.path.join(folder, name), os.path.join(target, name), overwrite=True)


def _digest(folder: str) -> str:
    digest = hashlib.sha256()
    for path, _, files in sorted(fileio.walk(folder)):
        for name in sorted(files):
            full = os.path.join(path, name)
            content = hashlib.sha256()
            with fileio.open(full, "rb") as f:
                while chunk := f.read(1 << 20):
                    content.update(chunk)
            digest.update(f"{os.path.relpath(full, folder)}\0{content.hexdigest()}\n".encode())
    return digest.hexdigest()[:16]
