"""What the pod of each node gets: resources, retries, time, volume, secret."""

from __future__ import annotations

from typing import Any

from ..beam_jobs import keysets
from ..pipelines.cluster import NodeConfig
from ..pipelines.config import VigilConfig
from ..pipelines.yaml_file import ConfigError

KEYSET_VARIABLE = "TFX_VIGIL_KEYSET"
KEYSET = f"env:{KEYSET_VARIABLE}"

_KEY_HOLDER = "ProtectedIngest"
_ON_THE_VOLUME = {
    "WindowResolver",
    "BaselineResolver",
    "ProtectedIngest",
    "SlicedEvaluator",
    "RetrainGate",
    "SpanRecorder",
    "TrainingExamples",
    "EarlierModels",
    "PushGate",
    "Pusher",
    "PushRecorder",
}
_BEAM = {"cpu": 1, "cpu_limit": 2, "memory_gb": 3, "memory_limit_gb": 6, "timeout_minutes": 360}
_TRAINER = {**_BEAM, "cpu": 2, "cpu_limit": 4, "retries": 1}
_DEFAULTS = {
    "ProtectedIngest": _BEAM,
    "DriftValidator": _BEAM,
    "SlicedEvaluator": _BEAM,
    "TrainingExamples": _BEAM,
    "TrainingStatistics": _BEAM,
    "FineTunedTrainer": _TRAINER,
    "FineTunedEvaluator": _BEAM,
    "FromScratchTrainer": _TRAINER,
    "FromScratchEvaluator": _BEAM,
    "PreviousEvaluator": _BEAM,
    "FineTunedOnOldRows": _BEAM,
    "FromScratchOnOldRows": _BEAM,
    "ServingChecks": _BEAM,
}


def set_resources(config: VigilConfig, spec: dict[str, Any]) -> None:
    """Sets requests and limits of every container and the retries of every task in ``spec``.

    Raises:
      ConfigError: ``kubeflow.nodes`` names a node that the pipeline has not, or a limit below
        what is reserved.
    """
    tasks = spec["root"]["dag"]["tasks"]
    if unknown := sorted(set(config.kubeflow.nodes) - set(tasks)):
        raise ConfigError(
            f"kubeflow.nodes: no node is called {', '.join(unknown)}; there are "
            f"{', '.join(sorted(tasks))}"
        )
    for name, task in tasks.items():
        node = _node(config, name)
        task["retryPolicy"] = {
            "maxRetryCount": node.retries,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }
        _executor(spec, name)["container"]["resources"] = {
            "cpuRequest": node.cpu,
            "cpuLimit": node.cpu_limit,
            "memoryRequest": node.memory_gb,
            "memoryLimit": node.memory_limit_gb,
        }


def platform_spec(config: VigilConfig, spec: dict[str, Any]) -> dict[str, Any]:
    """Kubeflow's second document: volumes, secrets and time limits of the pods."""
    cluster = config.kubeflow
    executors = {}
    for name in spec["root"]["dag"]["tasks"]:
        pod = {"activeDeadlineSeconds": 60 * _node(config, name).timeout_minutes}
        if name in _ON_THE_VOLUME:
            volume = cluster.volume
            pod["pvcMount"] = [{"constant": volume.claim, "mountPath": volume.mount}]
        if name == _KEY_HOLDER and config.privacy.needs_key:
            secret, variables = cluster.keyset_secret, _key_variables(config)
            entries = [{"secretKey": key, "envVar": name} for name, key in variables.items()]
            if entries:
                pod["secretAsEnv"] = [{"secretName": secret.name, "keyToEnv": entries}]
        executors[spec["components"][name]["executorLabel"]] = pod
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def has_provider_of_its_own(keyset: str) -> bool:
    """Whether the pods ask for the keys where the keyset's source says, Vault for one."""
    return not keysets.is_path(keyset) and not keyset.startswith("env:")


def _key_variables(config: VigilConfig) -> dict[str, str]:
    """Environment variable -> its key in the secret. Other providers know the pod by its service
    account."""
    keyset = config.privacy.keyset
    if keyset.startswith("vault:"):
        return {"VAULT_ADDR": "VAULT_ADDR", "VAULT_TOKEN": "VAULT_TOKEN"}
    if has_provider_of_its_own(keyset):
        return {}
    return {KEYSET_VARIABLE: config.kubeflow.keyset_secret.key}


def _executor(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return spec["deploymentSpec"]["executors"][spec["components"][name]["executorLabel"]]


def _node(config: VigilConfig, name: str) -> NodeConfig:
    given = config.kubeflow.nodes.get(name, NodeConfig()).model_dump(exclude_unset=True)
    node = NodeConfig(**{**_DEFAULTS.get(name, {}), **given})
    for reserved, limit in (("cpu", "cpu_limit"), ("memory_gb", "memory_limit_gb")):
        if getattr(node, reserved) > getattr(node, limit):
            raise ConfigError(
                f"kubeflow.nodes.{name}: {reserved} {getattr(node, reserved):g} is more than "
                f"{limit} {getattr(node, limit):g}: give both"
            )
    return node
