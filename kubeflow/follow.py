"""Watches a run until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable

import kfp

from .kfp_api import Server, SubmitError, connect, explained

_DONE = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
_PATIENCE = 5  # answers in a row that may fail: the API's pod may be moved while a run goes on


class RunFailed(SubmitError):
    """The run ended otherwise than well; says which task failed and why."""


def follow_run(
    server: Server, run_id: str, progress: Callable[[str], None], poll: float = 5
) -> str:
    """Follows a run that was submitted before; as ``follow``."""
    return follow(connect(server), server, run_id, progress, poll)


def follow(
    client: kfp.Client,
    server: Server,
    run_id: str,
    progress: Callable[[str], None],
    poll: float = 5,
) -> str:
    """Returns the run's state at its end, SUCCEEDED; or RUNNING when Ctrl-C stopped the watch.

    Raises:
      RunFailed: names the failed tasks, the errors told, and where the log is.
      SubmitError: the API went away.
    """
    run, seen, failures = None, {}, 0
    try:
        while run is None or run.state not in _DONE:
            if run is not None:
                time.sleep(poll)
            try:
                with explained(server, f"following run {run_id}"):
                    run = client.get_run(run_id)
                failures = 0
            except SubmitError:
                failures += 1
                if run is None or failures > _PATIENCE:
                    raise
                continue
            states = task_states(run)
            for name, state in states.items():
                if seen.get(name) != state:
                    progress(f"{name}: {state.lower()}")
            seen = states
    except KeyboardInterrupt:
        space = f" --namespace {server.namespace}" if server.namespace else ""
        again = f"tfx-vigil submit --host {server.address}{space} --attach {run_id}"
        progress(f"the run goes on: {run_url(server, run_id)}; to follow it again: {again}")
        return "RUNNING"
    if run.state != "SUCCEEDED":
        raise RunFailed(_why(run, run_url(server, run_id)))
    return run.state


def task_states(run) -> dict[str, str]:
    """Task -> state, in order of their start.

    Kubeflow Pipelines lists the nodes of the Argo workflow: of a task X there are X-driver, X
    and, below it, its pod ``executor``; a task whose driver is at work is not there yet.
    """
    nodes = {node.display_name: node for node in _nodes(run)}
    drivers = [name for name in nodes if name.endswith("-driver")]
    names = [name.removesuffix("-driver") for name in drivers] or list(nodes)
    states = {}
    for name in names:
        driver, node = nodes.get(f"{name}-driver"), nodes.get(name)
        if driver and (node is None or driver.state == "FAILED"):
            states[name] = "RUNNING" if driver.state == "SUCCEEDED" else driver.state
        else:
            states[name] = node.state
    states.pop("root", None)
    unknown = (None, "RUNTIME_STATE_UNSPECIFIED")
    return {name: "PENDING" if state in unknown else state for name, state in states.items()}


def run_url(server: Server, run_id: str) -> str:
    return f"{server.address}/#/runs/details/{run_id}"


def _nodes(run) -> list:
    details = (run.run_details and run.run_details.task_details) or []
    return sorted(details, key=lambda node: (str(node.start_time or "9"), node.display_name))


def _why(run, url: str) -> str:
    failed = [name for name, state in task_states(run).items() if state in ("FAILED", "CANCELED")]
    told = [
        status.error.message
        for part in [*_nodes(run), run]
        for status in [part, *(part.state_history or [])]
        if status.error and status.error.message
    ]
    tasks = f" at {', '.join(failed)}" if failed else ""
    words = f": {'; '.join(dict.fromkeys(told))}" if told else ""
    return f"run {run.run_id} {run.state.lower()}{tasks}{words}\nits log: {url}"
