"""TFX components; each loads only when it is asked for."""

import re
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .baseline_resolver.component import BaselineResolver
    from .drift_statistics.component import DriftStatistics
    from .drift_validator.component import DriftValidator
    from .earlier_models.component import EarlierModels
    from .log_ingest.component import LogIngest
    from .pii_pseudonymizer.component import PIIPseudonymizer
    from .protected_ingest.component import ProtectedIngest
    from .push_recorder.component import PushRecorder
    from .retrain_gate.component import RetrainGate
    from .serving_checks.component import ServingChecks
    from .sliced_evaluator.component import SlicedEvaluator
    from .span_recorder.component import SpanRecorder
    from .training_examples.component import TrainingExamples
    from .window_resolver.component import WindowResolver

__all__ = [
    "BaselineResolver",
    "DriftStatistics",
    "DriftValidator",
    "EarlierModels",
    "LogIngest",
    "PIIPseudonymizer",
    "ProtectedIngest",
    "PushRecorder",
    "RetrainGate",
    "ServingChecks",
    "SlicedEvaluator",
    "SpanRecorder",
    "TrainingExamples",
    "WindowResolver",
]


def __getattr__(name: str):
    if name in __all__:
        folder = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=I)(?=Ps)", "_", name).lower()
        return getattr(import_module(f".{folder}.component", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
