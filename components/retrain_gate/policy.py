"""The policy a person writes: when to retrain, when not to, on what, and what may be pushed."""

from __future__ import annotations

from ...beam_jobs.parameters import Parameters
from .guard_policy import Guards
from .push_policy import PushPolicy
from .training_policy import TrainingPolicy
from .trigger_policy import Triggers


class RetrainPolicy(Parameters):
    """The whole policy; the defaults suit a daily span of thousands of labelled rows."""

    triggers: Triggers = Triggers()
    guards: Guards = Guards()
    training: TrainingPolicy = TrainingPolicy()
    push: PushPolicy = PushPolicy()
