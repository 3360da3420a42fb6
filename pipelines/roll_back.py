"""Puts the model back in service that served before."""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timezone

from tfx.dsl.io import fileio

from ..components.history import PREVIOUS, History, ModelInService, Push, RollBack, copy_tree
from ..components.retrain_gate.erasures import unheeded
from .config import VigilConfig
from .lock import exclusive

_ASIDE = ".restoring-"


class NoRollBack(RuntimeError):
    """There is no earlier model, or it must not serve again."""


def roll_back(config: VigilConfig, by: str, comment: str = "") -> tuple[ModelInService, Push]:
    """Copies the model before the one in service to the newest place of ``serving_dir``.

    A model server that looks there finds the whole model or none of it: it is copied aside and
    then renamed, which is one step on a disk. The history says who did it. The first run
    afterwards begins with that model.

    Returns:
      The model that was in service, and what is in service now.

    Raises:
      NoRollBack: there is no earlier model, or it learned from a person who was erased since.
      Busy: a run is writing to the history.
    """
    history = History(config.runtime.history_root)
    with exclusive(config):
        previous, spans = history.previous_model(), history.spans()
        if previous is None:
            raise NoRollBack(f"{history.root}: no model served before the one in service")
        if owed := unheeded(history, previous):
            raise NoRollBack(
                f"{previous.model} learned from a person who was erased since (receipt "
                f"{owed[0].receipt}) and must not serve again: retrain, tfx-vigil run --retrain"
            )
        replaced = history.model_in_service()
        push = Push(
            model=_restore(previous.model, config.model.serving_dir),
            candidate=PREVIOUS,
            trained_on=previous.trained_on,
            restores=previous.span,
        )
        now = datetime.now(timezone.utc)
        history.write_roll_back(
            spans[-1].span, RollBack(push=push, by=by, time=now, comment=comment)
        )
    return replaced, push


def _restore(model: str, serving_dir: str) -> str:
    """The copy's name is a number above every other, as model servers want it."""
    taken = [int(name.rstrip("/")) for name in fileio.listdir(serving_dir) if _is_version(name)]
    version = max([int(datetime.now(timezone.utc).timestamp()), *(n + 1 for n in taken)])
    for unfinished in fileio.glob(os.path.join(serving_dir, f"{_ASIDE}*")):
        fileio.rmtree(unfinished)
    aside = os.path.join(serving_dir, f"{_ASIDE}{uuid.uuid4().hex}")
    copy_tree(model, aside)
    place = os.path.join(serving_dir, str(version))
    fileio.rename(aside, place)
    return place


def _is_version(name: str) -> bool:
    return name.rstrip("/").isdigit()
