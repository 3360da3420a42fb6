"""Who must not come back, and who must not be used: tags of people, without their identifiers."""

from __future__ import annotations

from apache_beam.io.filesystems import FileSystems
from pydantic import field_serializer

from ..reports import Report
from .whole_files import read_bytes, write_bytes

_FILE = "subjects/register.json"


class RegisterError(RuntimeError):
    """The register is damaged; the message names its file."""


class SubjectRegister(Report):
    """Tags (``marks.tags``) of people.

    Attributes:
      erased: tombstones: rows of theirs that arrive later are dropped.
      restricted: rows of theirs are kept aside, out of statistics, evaluation and training.
        Who is erased too is erased.
    """

    erased: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()

    @field_serializer("erased", "restricted")
    def _sorted(self, tags: frozenset[str]) -> list[str]:
        return sorted(tags)

    @property
    def is_empty(self) -> bool:
        return not (self.erased or self.restricted)

    def with_erased(self, *tags: str) -> SubjectRegister:
        return self.model_copy(update={"erased": self.erased.union(tags)})

    def with_restricted(self, *tags: str) -> SubjectRegister:
        return self.model_copy(update={"restricted": self.restricted.union(tags)})

    def without_restricted(self, *tags: str) -> SubjectRegister:
        return self.model_copy(update={"restricted": self.restricted.difference(tags)})


def load(history_root: str) -> SubjectRegister:
    """The register of a history; an empty one where it has none, or ``history_root`` is empty.

    Raises:
      RegisterError: it cannot be read as one. It is never taken for an empty one.
    """
    path = f"{history_root.rstrip('/')}/{_FILE}"
    if not history_root or not FileSystems.exists(path):
        return SubjectRegister()
    content = read_bytes(path)
    try:
        return SubjectRegister.model_validate_json(content)
    except ValueError:
        raise RegisterError(f"{path} is no register of people: restore it from a copy") from None


def save(history_root: str, register: SubjectRegister) -> None:
    """Replaces the register of a history, atomically where the filesystem's rename is."""
    path = f"{history_root.rstrip('/')}/{_FILE}"
    write_bytes(path, register.model_dump_json(indent=1).encode())
