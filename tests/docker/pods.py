"""Pods: what Kubernetes would run, and its containers in a Docker engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import docker

# OpenShift gives each namespace a range of its own; only root may give files to another user.
ANY_USER = 1000730000 if os.geteuid() == 0 else os.getuid()


@dataclass(frozen=True)
class Pod:
    """One attempt at a task.

    Attributes:
      command: program and arguments, nothing left to replace.
      mounts: path in the container -> folder of this machine.
      memory: limit in bytes.
      deadline: seconds until it is killed.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    mounts: dict[str, Path]
    memory: int | None = None
    deadline: float | None = None

    def host_path(self, path: str) -> Path:
        """Where this machine has what the container finds at ``path``."""
        mount = max((m for m in self.mounts if _is_below(path, m)), key=len)
        return self.mounts[mount] / path[len(mount) :].lstrip("/")


@dataclass(frozen=True)
class Finished:
    exit_code: int
    log: bytes


class Pods(Protocol):
    def run(self, pod: Pod) -> Finished: ...


Moment = Callable[[Pod, Callable[[], bytes]], bool]


@dataclass
class DockerPods:
    """Runs a pod as a strict cluster does (OpenShift's restricted profile and no network).

    An unprivileged user that the image does not know, in group 0; root filesystem read-only; no
    network, no capabilities, no new privileges; memory as limited.

    Attributes:
      kill: pod's name -> a moment, given the pod and its log so far, at which its first attempt
        is killed; used once.
      attempts: every pod so far and how it ended.
    """

    client: docker.DockerClient
    image: str
    uid: int
    kill: dict[str, Moment] = field(default_factory=dict)
    attempts: list[tuple[Pod, Finished]] = field(default_factory=list)

    def run(self, pod: Pod) -> Finished:
        for folder in pod.mounts.values():
            own(folder, self.uid)
        container = self.client.containers.create(
            self.image,
            entrypoint=pod.command[:1],
            command=pod.command[1:],
            environment=pod.env,
            user=f"{self.uid}:0",
            read_only=True,
            network_mode="none",
            mem_limit=pod.memory,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            volumes={str(host): {"bind": path} for path, host in pod.mounts.items()},
        )
        try:
            container.start()
            self._wait(container, pod)
            finished = Finished(container.wait()["StatusCode"], container.logs())
        finally:
            container.remove(force=True)
        self.attempts.append((pod, finished))
        return finished

    def _wait(self, container, pod: Pod) -> None:
        """Returns when the pod has ended, or has been killed: late, or at the moment to be."""
        kill, looked = self.kill.pop(pod.name, None), 0.0
        end = time.monotonic() + (pod.deadline or float("inf"))
        while True:
            if time.monotonic() > end or (kill and kill(pod, container.logs)):
                container.kill("SIGKILL")
                return
            if time.monotonic() - looked > 0.2:
                looked = time.monotonic()
                container.reload()
                if container.status != "running":
                    return
            time.sleep(0.005 if kill else 0.2)


def own(folder: Path, uid: int) -> None:
    """Gives ``folder`` and all below it to ``uid`` and group 0, as a fresh volume has it.

    Only root can; any other user has to run pods as itself.
    """
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, 0, follow_symlinks=False)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
