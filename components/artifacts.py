"""The artifact types that tfx-vigil adds to TFX's own.

Each holds one JSON document, ``report.json``, at its URI (``beam_jobs.reports``,
``retrain_gate.decision``); DeadLetters holds JSON Lines. PROPERTIES stay empty because Kubeflow
admits no others; facts that a condition or a person reads in MLMD are custom properties.
"""

from tfx.types.artifact import Artifact


class IngestReport(Artifact):
    """What LogIngest read, kept, joined and refused."""

    TYPE_NAME = "tfx_vigil.IngestReport"


class DeadLetters(Artifact):
    """Records that could not be read: ``dead_letters-*.jsonl.gz``, one record a line."""

    TYPE_NAME = "tfx_vigil.DeadLetters"


class PrivacyReport(Artifact):
    """How each field was treated and which undeclared identifiers were found."""

    TYPE_NAME = "tfx_vigil.PrivacyReport"


class DriftReport(Artifact):
    """Every comparison of DriftValidator; custom property ``drift`` is 0 or 1."""

    TYPE_NAME = "tfx_vigil.DriftReport"


class SliceReport(Artifact):
    """Metrics per slice with intervals, and changes against the model in service."""

    TYPE_NAME = "tfx_vigil.SliceReport"


class ServingReport(Artifact):
    """Whether models load and serve, how fast, how large, and on what inputs."""

    TYPE_NAME = "tfx_vigil.ServingReport"


class RetrainDecision(Artifact):
    """A decision of RetrainGate; custom properties ``retrain`` and ``push`` are 0 or 1."""

    TYPE_NAME = "tfx_vigil.RetrainDecision"


class TrainingPlan(Artifact):
    """Which spans a retrained model learns from."""

    TYPE_NAME = "tfx_vigil.TrainingPlan"
