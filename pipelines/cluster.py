"""Where and how the pipeline runs on Kubeflow: the section ``kubeflow`` of vigil.yaml."""

from __future__ import annotations

from pydantic import Field

from ..beam_jobs.parameters import Parameters


class VolumeConfig(Parameters):
    """A PersistentVolumeClaim, ReadWriteMany, with logs, history and served models.

    Attributes:
      mount: where every node sees it; relative paths of vigil.yaml are relative to it.
    """

    claim: str = "tfx-vigil"
    mount: str = Field("/vigil", pattern=r"^/[^:]+$")


class SecretConfig(Parameters):
    """An entry of a Kubernetes Secret in the runs' namespace."""

    name: str = "tfx-vigil-keyset"
    key: str = "keyset.json"


class NodeConfig(Parameters):
    """What one node may use, and what happens when it fails.

    Attributes:
      cpu, memory_gb: reserved for it.
      cpu_limit, memory_limit_gb: it never gets more; beyond its memory it is killed.
      retries: so many times more, with growing pauses.
      timeout_minutes: of one attempt.
    """

    cpu: float = Field(0.5, gt=0)
    cpu_limit: float = Field(1, gt=0)
    memory_gb: float = Field(1.5, gt=0)
    memory_limit_gb: float = Field(2.5, gt=0)
    retries: int = Field(2, ge=0)
    timeout_minutes: int = Field(60, ge=1)


class KubeflowConfig(Parameters):
    """The section ``kubeflow``.

    Attributes:
      image: with tag or digest; see ``kubeflow/Dockerfile``.
      pipeline_root: where the runs' artifacts go, ``minio://``, ``s3://`` or ``gs://``; default:
        where the server puts them.
      keyset_secret: holds the keyset of ``privacy``; where that is ``vault:MOUNT/KEY``, Vault's
        address and token in its keys ``VAULT_ADDR`` and ``VAULT_TOKEN``.
      nodes: node name -> what it needs; keys that are not given keep that node's default.
    """

    image: str
    pipeline_root: str | None = Field(None, pattern=r"^(minio|s3|gs)://.+")
    volume: VolumeConfig = VolumeConfig()
    keyset_secret: SecretConfig = SecretConfig()
    nodes: dict[str, NodeConfig] = {}
