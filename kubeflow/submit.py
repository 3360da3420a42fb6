"""Puts a compiled pipeline on Kubeflow Pipelines: a version of it, then a run or a schedule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import kfp
import yaml
from pydantic import Field

from ..beam_jobs.parameters import Parameters
from ..pipelines.yaml_file import ConfigError
from .follow import follow, run_url
from .kfp_api import Server, SubmitError, connect, explained
from .schedule import kfp_cron

_WINDOW = ("window_start", "window_end")


class Misused(SubmitError, ConfigError):
    """What was asked for cannot be submitted; nothing was sent."""


class Submission(Parameters):
    """What to submit.

    Attributes:
      pipeline: its name there; also of the schedule. Default: the spec's own.
      version: of the pipeline. Default: the name and a digest of the spec, so that the same spec
        is uploaded once.
      experiment: made where it is missing. Default: the pipeline's name.
      parameters: of the run, in place of the spec's defaults.
      pipeline_root: where artifacts go. Default: the spec's, else the cluster's.
      service_account: of the run's pods. Default: that of the manifests, which has the least
        rights; None: the cluster's.
      recurring: five-field cron, in the cluster's schedule time zone (UTC unless it was changed).
        Each run takes the next window that is due according to the history, one run at a time.
      catch_up: start one run for each time that was missed, while the schedule was off or a run
        took longer, one after the other; so the history catches up. Without it one run is
        started for all of them, which takes one window, and the rest stays behind.
      follow: wait until the run has ended.
    """

    pipeline: str | None = Field(None, min_length=1)
    version: str | None = Field(None, min_length=1)
    experiment: str | None = Field(None, min_length=1)
    parameters: Mapping[str, Any] = {}
    pipeline_root: str | None = None
    service_account: str | None = "tfx-vigil"
    recurring: str | None = None
    catch_up: bool = False
    follow: bool = False


@dataclass(frozen=True)
class Submitted:
    """What is on the cluster now.

    Attributes:
      uploaded: whether the version is new.
      run_id: of the run, or of the recurring run.
      state: of a followed run at its end, RUNNING where following was stopped; of a schedule
        ENABLED; else SUBMITTED.
      url: its page.
    """

    pipeline: str
    version: str
    uploaded: bool
    experiment: str
    run_id: str
    state: str
    url: str


def submit(
    spec: str | Path,
    server: Server,
    submission: Submission,
    progress: Callable[[str], None] = lambda _: None,
    poll: float = 5,
) -> Submitted:
    """Uploads ``spec`` unless it is there, and starts a run or replaces the schedule of its name.

    What can be checked here is checked before anything is sent. The same schedule again changes
    nothing; another one takes the place of the older one of that name, which is disabled, not
    deleted: deleting it would kill its run in progress.

    Raises:
      Misused: the spec or the submission does not fit; a SubmitError as well.
      SubmitError: what failed, where, what to do.
      RunFailed: the followed run failed; a SubmitError as well.
    """
    spec = Path(spec)
    package = _read(spec)
    cron = _cron(submission)
    _check_parameters(spec, package, submission)
    pipeline = submission.pipeline or package["pipelineInfo"]["name"]
    experiment = submission.experiment or pipeline

    client = connect(server)
    with explained(server, f"experiment {experiment}"):
        experiment_id = _experiment_id(client, server, experiment)
    reference, version, uploaded = _version(client, server, spec, pipeline, submission.version)
    progress(f"version {version}: {'uploaded' if uploaded else 'was there already'}")
    job = {
        **reference,
        "experiment_id": experiment_id,
        "params": dict(submission.parameters),
        "pipeline_root": submission.pipeline_root,
        "service_account": submission.service_account,
    }
    done = Submitted(pipeline, version, uploaded, experiment, "", "SUBMITTED", "")
    if cron:
        progress(f"scheduling {pipeline}")
        with explained(server, f"recurring run {pipeline}"):
            job_id = _schedule(client, server, pipeline, cron, submission.catch_up, job)
        url = f"{server.address}/#/recurringrun/details/{job_id}"
        return replace(done, run_id=job_id, state="ENABLED", url=url)
    progress(f"starting {pipeline}")
    with explained(server, f"run of {pipeline}"):
        name = f"{pipeline} {datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S}"
        run_id = client.run_pipeline(job_name=name, **job).run_id
    done = replace(done, run_id=run_id, url=run_url(server, run_id))
    if submission.follow:
        progress(f"following {done.url}")
        return replace(done, state=follow(client, server, run_id, progress, poll))
    return done


def _read(spec: Path) -> dict[str, Any]:
    """The PipelineSpec, the first document of the package."""
    try:
        with spec.open() as stream:
            package = next(yaml.load_all(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except OSError as error:
        raise Misused(f"{spec}: {error.strerror}: compile it first") from None
    except (yaml.YAMLError, UnicodeDecodeError, StopIteration):
        package = None
    if isinstance(package, dict) and package.get("pipelineInfo", {}).get("name"):
        return package
    vertex = isinstance(package, dict) and "pipelineSpec" in package
    what = "is compiled for Vertex AI" if vertex else "is no compiled pipeline"
    raise Misused(f"{spec} {what}: tfx-vigil compile --target kubeflow -o pipeline.yaml")


def _cron(submission: Submission) -> str | None:
    if submission.recurring is None:
        if submission.catch_up:
            raise Misused("--catch-up says how a schedule goes on: give --recurring too")
        return None
    if submission.follow:
        raise Misused("--follow is for one run: leave it or --recurring out")
    if window := [name for name in _WINDOW if submission.parameters.get(name)]:
        raise Misused(
            f"{', '.join(window)}: each run of a schedule takes the next window that is due; "
            "leave it out, or leave --recurring out"
        )
    try:
        return kfp_cron(submission.recurring)
    except ValueError as error:
        raise Misused(f"--recurring: {error}") from None


def _check_parameters(spec: Path, package: dict[str, Any], submission: Submission) -> None:
    known = package.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    if unknown := sorted(set(submission.parameters) - set(known)):
        raise Misused(
            f"{spec} has no parameter {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )
    required = {name for name, of in known.items() if "defaultValue" not in of}
    required = {name for name in required if not known[name].get("isOptional")}
    if missing := sorted(required - set(submission.parameters)):
        raise Misused(f"{spec}: {', '.join(missing)}: no default, so give a value")


def _experiment_id(client: kfp.Client, server: Server, name: str) -> str:
    return client.create_experiment(name, namespace=server.namespace).experiment_id


def _version(
    client: kfp.Client, server: Server, spec: Path, pipeline: str, version: str | None
) -> tuple[dict[str, str], str, bool]:
    """The ids of the version that holds ``spec``, its name, and whether it was uploaded now."""
    digest = hashlib.sha256(spec.read_bytes()).hexdigest()
    version = version or f"{pipeline}-{digest[:12]}"
    with explained(server, f"pipeline {pipeline}"):
        found = client.list_pipelines(filter=_named(pipeline), namespace=server.namespace)
        first = None
        if found.pipelines:
            pipeline_id = found.pipelines[0].pipeline_id
        else:  # the server names its first version like the pipeline: it goes once ours is there
            pipeline_id = client.upload_pipeline(
                str(spec), pipeline_name=pipeline, namespace=server.namespace
            ).pipeline_id
            first = client.list_pipeline_versions(pipeline_id).pipeline_versions[0]
        ours = client.list_pipeline_versions(pipeline_id, filter=_named(version))
        held = ours.pipeline_versions[0] if ours.pipeline_versions else None
    if held and digest not in (held.description or ""):
        raise SubmitError(
            f"{server.address}: version {version} of {pipeline} holds another spec\n"
            "choose another --version, or leave it out: it is then named by the spec's digest"
        )
    with explained(server, f"version {version} of {pipeline}"):
        uploaded = held is None
        held = held or client.upload_pipeline_version(
            str(spec), version, pipeline_id=pipeline_id, description=f"spec {digest}"
        )
        if first:
            client.delete_pipeline_version(pipeline_id, first.pipeline_version_id)
    reference = {"pipeline_id": pipeline_id, "version_id": held.pipeline_version_id}
    return reference, version, uploaded


def _schedule(
    client: kfp.Client, server: Server, name: str, cron: str, catch_up: bool, job: dict[str, Any]
) -> str:
    """The id of the one enabled recurring run of this name; ``job`` says what it runs."""
    wanted = json.dumps([cron, catch_up, job], sort_keys=True)
    description = f"tfx-vigil submit {hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    enabled = [run for run in _recurring_runs(client, server, name) if run.status == "ENABLED"]
    kept = next((run for run in enabled if run.description == description), None)
    kept = kept or client.create_recurring_run(
        job_name=name,
        description=description,
        cron_expression=cron,
        max_concurrency=1,
        no_catchup=not catch_up,
        **job,
    )
    for older in enabled:
        if older.recurring_run_id != kept.recurring_run_id:
            client.disable_recurring_run(older.recurring_run_id)
    return kept.recurring_run_id


def _recurring_runs(client: kfp.Client, server: Server, name: str) -> list:
    runs, token = [], ""
    while True:
        page = client.list_recurring_runs(
            page_token=token, page_size=100, namespace=server.namespace, filter=_named(name)
        )
        runs += page.recurring_runs or []
        token = page.next_page_token or ""
        if not token:
            return runs


def _named(name: str) -> str:
    equals = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [equals]})
