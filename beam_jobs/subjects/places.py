"""Where rows lie that must not be used: in a folder of their own beside the data's.

``Split-labelled/data-1.gz`` becomes ``Split-restricted/labelled.<digest>.data-1.gz``, and in the
history ``labelled/data-1.gz`` becomes ``restricted/labelled.<digest>.data-1.gz``. The way back
leads to ``Split-labelled/<digest>.data-1.gz``. TFX reads the splits that an artifact lists only,
and ``restricted`` is in no list.
"""

from __future__ import annotations

import re

RESTRICTED = "restricted"
_SPLIT, _PLAIN = "Split-", ("labelled",)
_DIGEST = re.compile(r"^[0-9a-f]{16}\.")


def restricted_path(path: str, digest: str) -> str:
    """Where rows of the file ``path`` go that are to be restricted."""
    root, folder, name = path.rsplit("/", 2)
    split = folder.removeprefix(_SPLIT)
    if "." in split or (split == folder and folder not in _PLAIN):
        raise ValueError(f"{path}: in no folder of a split, such as Split-labelled")
    prefix = _SPLIT if split != folder else ""
    return f"{root}/{prefix}{RESTRICTED}/{split}.{digest}.{_DIGEST.sub('', name)}"


def lifted_path(path: str, digest: str) -> str:
    """Where rows of the file ``path``, which are restricted, go back to."""
    root, folder, name = path.rsplit("/", 2)
    split, dot, name = name.partition(".")
    if not dot or folder.removeprefix(_SPLIT) != RESTRICTED:
        raise ValueError(f"{path}: not a file of restricted rows, such as Split-restricted/x.data")
    prefix = _SPLIT if folder.startswith(_SPLIT) else ""
    return f"{root}/{prefix}{split}/{digest}.{_DIGEST.sub('', name)}"


def place_of(path: str) -> tuple[str, bool]:
    """The split whose rows the file ``path`` holds, and whether they are restricted."""
    folder, name = path.rsplit("/", 2)[1:]
    split = folder.removeprefix(_SPLIT)
    return (name.partition(".")[0], True) if split == RESTRICTED else (split, False)


def restricted_prefix(split_uri: str) -> str:
    """The beginning of the paths of restricted rows of the split whose folder is ``split_uri``."""
    root, _, folder = split_uri.rpartition("/")
    return f"{root}/{_SPLIT}{RESTRICTED}/{folder.removeprefix(_SPLIT)}"
