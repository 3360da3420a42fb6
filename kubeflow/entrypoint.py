"""Runs one TFX executor in a pod of Kubeflow Pipelines, or in a Vertex AI job.

Kubeflow's launcher copies a task's input artifacts from the object store into the pod's disk
before this program starts, and its outputs back after it has ended: ``minio://bucket/key`` lies
at ``/minio/bucket/key``, ``s3://`` below ``/s3``, ``gs://`` below ``/gcs``
(backend/src/v2/component/launcher_v2.go). TFX's own entrypoint opens the URI itself and would
bypass the launcher, or fail for want of a file system. So URIs become paths on the way in, and
paths become URIs in the output file on the way out.

With ``--remote`` as the first argument URIs stay what they are: on Vertex AI, where nothing is
copied, and where Beam's workers are on other machines, which a pod's disk would not reach.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from absl import flags
from tfx.dsl.io import fileio
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx_entrypoint

from ..beam_jobs.engine import in_process_by_default

REMOTE = "--remote"
MOUNTS = {"minio://": "/minio/", "s3://": "/s3/", "gs://": "/gcs/"}


def local_path(uri: str) -> str:
    """Where the launcher keeps the artifact at ``uri``; a URI it does not copy stays as it is."""
    return _replace_prefix(uri, MOUNTS.items())


def remote_uri(path: str) -> str:
    """The inverse of ``local_path``."""
    return _replace_prefix(path, ((mount, scheme) for scheme, mount in MOUNTS.items()))


def map_uris(document: dict[str, Any], change: Callable[[str], str]) -> None:
    """Changes the URI of every artifact in an ExecutorInput or ExecutorOutput, in place."""
    for part in (document, document.get("inputs", {}), document.get("outputs", {})):
        for entry in part.get("artifacts", {}).values():
            for artifact in entry.get("artifacts", []):
                if "uri" in artifact:
                    artifact["uri"] = change(artifact["uri"])


def run(argv: list[str]) -> None:
    """Runs the executor that TFX's arguments ``argv`` name, and writes its output file.

    Raises:
      Whatever the executor raises; there is then no output file.
    """
    if argv[0] == REMOTE:
        with in_process_by_default():
            tfx_entrypoint.main(tfx_entrypoint._parse_flags(argv[1:]))
        return
    arguments, beam_args = tfx_entrypoint._parse_flags(argv)
    executor_input = json.loads(arguments.json_serialized_invocation_args)
    map_uris(executor_input, local_path)
    arguments.json_serialized_invocation_args = json.dumps(executor_input)
    with in_process_by_default():
        tfx_entrypoint.main((arguments, beam_args))
    output_file = executor_input["outputs"]["outputFile"]
    with fileio.open(output_file, "r") as f:
        output = json.load(f)
    map_uris(output, remote_uri)
    with fileio.open(output_file, "w") as f:
        json.dump(output, f)


def _replace_prefix(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for prefix, replacement in pairs:
        if text.startswith(prefix):
            return replacement + text[len(prefix) :]
    return text


def main() -> None:
    flags.FLAGS(sys.argv[:1])
    run(sys.argv[1:])


if __name__ == "__main__":
    main()
