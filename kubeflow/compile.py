"""Writes the monitoring pipeline as a PipelineSpec, for Kubeflow Pipelines or for Vertex AI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import yaml
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.experimental.conditionals.conditional import Cond
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from ..components import WindowResolver
from ..pipelines.config import VigilConfig, load_config
from ..pipelines.monitoring import Run, monitoring_nodes
from ..pipelines.yaml_file import ConfigError
from .entrypoint import REMOTE
from .pods import KEYSET, has_provider_of_its_own, platform_spec, set_resources

Target = Literal["kubeflow", "vertex"]

COMMAND = ["python", "-m", "tfx_vigil.kubeflow.entrypoint"]
_NO_SHARED_DISK = "what runs elsewhere does not reach a pod's disk"
# Same artifacts and parameters, same outputs: no history, no secret, nothing outside is touched.
_PURE = {
    "DriftValidator",
    "TrainingStatistics",
    "FineTunedTrainer",
    "FineTunedEvaluator",
    "FromScratchTrainer",
    "FromScratchEvaluator",
    "PreviousEvaluator",
    "FineTunedOnOldRows",
    "FromScratchOnOldRows",
}


def load_cluster_config(path: str | Path) -> VigilConfig:
    """Reads a vigil.yaml as the pods see it: paths on the volume, a keyset file from its secret.

    Raises:
      ConfigError: it does not fit, or has no ``kubeflow`` section.
    """
    cluster = load_config(path).kubeflow
    if cluster is None:
        raise ConfigError(f"{path}: kubeflow: the section that names the image is missing")
    config = load_config(path, cluster.volume.mount)
    keyset = config.privacy.keyset
    if not config.privacy.needs_key or has_provider_of_its_own(keyset):
        return config
    return config.model_copy(
        update={"privacy": config.privacy.model_copy(update={"keyset": KEYSET})}
    )


def compile_pipeline(config: VigilConfig, target: Target = "kubeflow") -> str:
    """The pipeline as text; the same text for the same ``config`` of ``load_cluster_config``.

    Runtime parameters, each with a default: ``window_start`` and ``window_end`` (ISO 8601; both
    empty: the next window due), ``history_root``, ``on_demand`` (1 asks for retraining).

    Returns:
      For ``kubeflow`` two YAML documents, PipelineSpec 2.1 and platform spec; for ``vertex`` a
      PipelineJob in JSON.

    Raises:
      ConfigError: the configuration names what the target or the pipeline lacks.
    """
    if target == "vertex":
        _refuse_what_vertex_lacks(config)
    remote = target == "vertex" or config.runtime.beam.distributed
    if remote:
        _need_gs("kubeflow.pipeline_root", config.kubeflow.pipeline_root, _NO_SHARED_DISK)
    job = _job(config, remote)
    spec = job["pipelineSpec"]
    _amend(spec, config)
    if target == "vertex":
        return json.dumps(job, indent=1, sort_keys=True) + "\n"
    if config.kubeflow.pipeline_root:
        spec["defaultPipelineRoot"] = config.kubeflow.pipeline_root
    return yaml.safe_dump_all([spec, platform_spec(config, spec)], sort_keys=True, width=100)


def _job(config: VigilConfig, remote: bool) -> dict[str, Any]:
    """TFX's own PipelineJob; ``remote``: nodes read and write artifacts where they are kept."""
    pipeline = Pipeline(
        pipeline_name=config.model.name,
        pipeline_root=config.kubeflow.pipeline_root or "",
        components=_nodes(config),
        beam_pipeline_args=config.beam_args,
        enable_cache=False,
    )
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=config.kubeflow.image,
            default_commands=[*COMMAND, REMOTE] if remote else COMMAND,
            use_pipeline_spec_2_1=True,
        )
    )
    return runner.run(pipeline, write_out=False)


def _nodes(config: VigilConfig) -> list[BaseNode]:
    history = RuntimeParameter("history_root", str)
    window = WindowResolver(
        history,
        config.spans,
        config.ingest,
        RuntimeParameter("window_start", str),
        RuntimeParameter("window_end", str),
    )
    run = Run(
        history_root=history,
        span=window.outputs["span"].future()[0].value,
        window_start=window.outputs["start"].future()[0].value,
        window_end=window.outputs["end"].future()[0].value,
        on_demand=RuntimeParameter("on_demand", int),
        fingerprint=window.outputs["fingerprint"].future()[0].value,
    )
    with Cond(window.outputs["span"].future()[0].custom_property("due") == 1):
        nodes = monitoring_nodes(config, run, one_ingest_node=True)
    return [window, *nodes]


def _amend(spec: dict[str, Any], config: VigilConfig) -> None:
    """What TFX's compiler leaves out or gets wrong."""
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    defaults = {
        "window_start": "",
        "window_end": "",
        "history_root": config.runtime.history_root,
        "on_demand": 0,
    }
    for name, value in defaults.items():
        parameters[name]["defaultValue"] = value
    by_files_alone = not (config.privacy.needs_key or config.privacy.schema_file)
    pure = _PURE | {"ProtectedIngest"} if by_files_alone else _PURE
    for name, task in spec["root"]["dag"]["tasks"].items():
        for given in task.get("inputs", {}).get("parameters", {}).values():
            if output := given.get("taskOutputParameter"):
                output["producerTask"] = output["producerTask"].removesuffix("_task")
        if name in pure:
            task["cachingOptions"] = {"enableCache": True}
    set_resources(config, spec)


def _refuse_what_vertex_lacks(config: VigilConfig) -> None:
    if config.privacy.needs_key:
        raise ConfigError(
            "privacy.fields: a field with a keyed method needs the keyset, and Vertex AI gives no "
            "secrets to a pipeline's containers: redact or generalize there, or run on Kubeflow"
        )
    for key, root in (
        ("runtime.history_root", config.runtime.history_root),
        ("model.serving_dir", config.model.serving_dir),
        *(("logs.files", pattern) for pattern in config.logs.files),
        *(("privacy.schema_file", path) for path in [config.privacy.schema_file] if path),
    ):
        _need_gs(key, root, "Vertex AI mounts no volumes")


def _need_gs(key: str, root: str | None, why: str) -> None:
    if not (root or "").startswith("gs://"):
        raise ConfigError(f"{key}: found {root!r}, and {why}: give gs://")
