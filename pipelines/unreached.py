"""What no request reaches, said in every receipt."""

from __future__ import annotations

from ..beam_jobs import keysets
from .config import VigilConfig
from .stored_data import StoredData


def unreached(config: VigilConfig, data: StoredData) -> list[str]:
    """What could not be searched or changed for a person, and why, in a sentence each."""
    privacy = config.pseudonymizer
    truth = config.logs.ground_truth
    sources = [*config.logs.files, *(truth.files if truth else [])]
    found = [
        f"raw logs and ground truth ({', '.join(sources)}): not ours to change, do it there",
        "backups, and copies outside of the history and the pipeline root: not known here",
        *data.unsearched,
    ]
    if not set(privacy.subject_fields) & set(config.training_columns):
        found.append(
            "baseline: its rows have no field that names a person, so nobody can be found in them"
        )
    keyset = keysets.load(privacy.keyset)
    gone = [str(key.version) for key in keyset.versions if key.status != "enabled"]
    if gone:
        found.append(
            f"pseudonyms of key versions {', '.join(gone)}: without their keys nobody can be found "
            "by them"
        )
    return found
