"""tfx-vigil: TFX components, and the pipeline made of them, that keep a deployed model honest."""

_ARTIFACTS = {
    "DeadLetters",
    "DriftReport",
    "IngestReport",
    "PrivacyReport",
    "RetrainDecision",
    "ServingReport",
    "SliceReport",
    "TrainingPlan",
}


def __getattr__(name: str):
    # TFX on Kubeflow imports an artifact type by its TYPE_NAME, e.g. tfx_vigil.DriftReport.
    if name in _ARTIFACTS:
        from .components import artifacts

        return getattr(artifacts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
