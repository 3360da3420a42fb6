"""Claim: a container of the image has an executor's modules imported in under 10 s, warm.

Prints the seconds from `docker run` to the end of a container that imports what every executor
imports, and which packages take the time. Needs a Docker engine and the image, named by
TFX_VIGIL_IMAGE (default: tfx-vigil:test); says so and measures nothing where they are missing.
"""

from __future__ import annotations

import collections
import os
import re
import statistics
import time

import docker

IMAGE = os.environ.get("TFX_VIGIL_IMAGE", "tfx-vigil:test")
MODULES = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor, tfx_vigil.components"
RUNS = 5
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")


def run(client: docker.DockerClient, *python: str) -> str:
    return client.containers.run(
        IMAGE,
        [*python, "-c", f"import {MODULES}"],
        entrypoint="python",
        read_only=True,
        tmpfs={"/tmp": ""},
        network_mode="none",
        stderr=True,
        remove=True,
    ).decode()


def main() -> None:
    try:
        client = docker.from_env(timeout=600)
        client.images.get(IMAGE)
    except docker.errors.DockerException as error:
        print(f"not measured: no engine or no image {IMAGE} ({error})")
        return
    run(client)  # warms the page cache
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run(client)
        seconds.append(time.perf_counter() - start)
    print(
        f"start, median of {RUNS}  {statistics.median(seconds):6.1f} s (longest {max(seconds):.1f})"
    )
    own = collections.Counter()
    for microseconds, module in LINE.findall(run(client, "-X", "importtime")):
        own[module.split(".")[0]] += int(microseconds) / 1e6
    print(f"imports in all       {own.total():6.1f} s")
    for package, spent in own.most_common(6):
        print(f"  {package:<18} {spent:6.1f} s")


if __name__ == "__main__":
    main()
