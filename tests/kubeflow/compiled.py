"""A vigil.yaml for a cluster, and what it compiles to."""

from pathlib import Path

import yaml
from tfx_vigil.kubeflow.compile import compile_pipeline, load_cluster_config
from tfx_vigil.pipelines import demo

KUBEFLOW = """
kubeflow:
  image: registry.example/tfx-vigil:0.1.0
  pipeline_root: minio://mlpipeline/v2/artifacts
"""

RETRAINING = {
    "TrainingExamples",
    "TrainingStatistics",
    "FineTunedTrainer",
    "FineTunedEvaluator",
    "FromScratchTrainer",
    "FromScratchEvaluator",
    "EarlierModels",
    "PreviousEvaluator",
    "ServingChecks",
    "PushGate",
    "Pusher",
    "PushRecorder",
}


def write_config(folder: Path, kubeflow: str = KUBEFLOW, **replacements: str) -> Path:
    """The demo's vigil.yaml with a section ``kubeflow`` and other lines replaced."""
    text = (Path(demo.__file__).parent / "vigil.yaml").read_text()
    for old, new in replacements.items():
        assert f"{old}:" in text
        text = "\n".join(
            f"{line[: len(line) - len(line.lstrip())]}{old}: {new}"
            if line.lstrip().startswith(f"{old}:")
            else line
            for line in text.splitlines()
        )
    path = folder / "vigil.yaml"
    path.write_text(text + kubeflow)
    return path


def compiled(folder: Path, kubeflow: str = KUBEFLOW) -> tuple[dict, dict]:
    """(PipelineSpec, executor label -> pod configuration)."""
    text = compile_pipeline(load_cluster_config(write_config(folder, kubeflow)))
    spec, platform = yaml.safe_load_all(text)
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
