"""TFX components; each loads only when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .baseline_resolver.component import BaselineResolver
    from .drift_validator.component import DriftValidator
    from .log_ingest.component import LogIngest
    from .pii_pseudonymizer.component import PIIPseudonymizer
    from .retrain_gate.component import RetrainGate
    from .sliced_evaluator.component import SlicedEvaluator
    from .span_recorder.component import SpanRecorder
    from .training_examples.component import TrainingExamples

_FOLDERS = {
    "BaselineResolver": "baseline_resolver",
    "DriftValidator": "drift_validator",
    "LogIngest": "log_ingest",
    "PIIPseudonymizer": "pii_pseudonymizer",
    "RetrainGate": "retrain_gate",
    "SlicedEvaluator": "sliced_evaluator",
    "SpanRecorder": "span_recorder",
    "TrainingExamples": "training_examples",
}
__all__ = list(_FOLDERS)


def __getattr__(name: str):
    if name in _FOLDERS:
        return getattr(import_module(f".{_FOLDERS[name]}.component", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
