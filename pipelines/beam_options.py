"""Which Beam runner executes the jobs, and its options, checked before anything starts.

Beam is imported only for a configuration that says something: without it vigil.yaml loads fast.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn

from pydantic import field_validator, model_validator

from ..beam_jobs.parameters import Parameters

Runner = Literal["in_process", "multi_processing", "portable", "flink", "spark", "dataflow"]

_BEAM_NAMES: dict[Runner, str] = {
    "portable": "PortableRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
_NEEDS: dict[Runner, tuple[tuple[str, ...], ...]] = {
    "portable": (("job_endpoint",),),
    "flink": (("job_endpoint", "flink_master"),),
    "spark": (("job_endpoint", "spark_master_url"),),
    "dataflow": (("project",), ("region",), ("temp_location",)),
}
"""All of these groups, and of each group at least one."""

_SET_BY_RUNNER = ("runner", "direct_running_mode")
_SECRET = (
    "azure_connection_string",
    "s3_access_key_id",
    "s3_secret_access_key",
    "s3_session_token",
)
_ENVIRONMENTS = ("DOCKER", "EXTERNAL", "PROCESS")
_ADDRESS = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d+)")
_NO_IMAGE = "unused"
"""TFX packs its own source for every node whose options name neither packages nor an image."""

_DASK = (
    "Dask loses data while the job reports success (seen with Beam 2.64 and 2.77): files without "
    "a fixed number of shards are not written, of a job's branches only the last is run, tagged "
    "outputs are mixed, windows are ignored and TFDV fails; use multi_processing on one machine "
    "or portable, flink, spark or dataflow on several"
)


class Unreachable(ConnectionError):
    """Nobody answers where a Beam option says that a service is."""


class BeamConfig(Parameters):
    """The key ``runtime.beam``.

    Attributes:
      runner: ``in_process``; ``multi_processing``, worker processes of this machine; or one that
        needs a service: ``portable`` (any Beam job service), ``flink``, ``spark``, ``dataflow``.
      options: names and values of Beam's options, lists for those that may be repeated, mappings
        for those that take JSON. They must be options of the installed Beam.
    """

    runner: Runner = "in_process"
    options: dict[str, Any] = {}

    @field_validator("runner", mode="before")
    @classmethod
    def _refuse_dask(cls, runner: Any) -> Any:
        if str(runner).lower().replace("_", "") in ("dask", "daskrunner"):
            raise ValueError(_DASK)
        return runner

    @field_validator("options")
    @classmethod
    def _options_are_known_to_beam(cls, options: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in options:
            if name in _SET_BY_RUNNER:
                raise ValueError(f"{name}: the key runtime.beam.runner says it")
            if name in _SECRET:
                raise ValueError(
                    f"{name}: a secret would be stored with every run; give it to workers in "
                    "their environment"
                )
        if options:
            _parser().parse_args(_flags(options))
        return options

    @model_validator(mode="after")
    def _options_fit_the_runner(self) -> BeamConfig:
        for group in _NEEDS.get(self.runner, ()):
            if not any(self.options.get(name) for name in group):
                raise ValueError(f"runner {self.runner} needs options.{' or options.'.join(group)}")
        endpoint = self.options.get("job_endpoint")
        if endpoint is not None and not _ADDRESS.fullmatch(str(endpoint)):
            raise ValueError(f"options.job_endpoint: expected host:port, found {endpoint!r}")
        if self.options.get("spark_submit_uber_jar") and not self.options.get("spark_rest_url"):
            raise ValueError("options.spark_submit_uber_jar needs options.spark_rest_url")
        if self.distributed and self.runner != "dataflow":
            self._check_environment()
        if self.distributed and (problems := _problems(self.args("image"))):
            raise ValueError(f"options: {' '.join(problems)}")
        return self

    @property
    def distributed(self) -> bool:
        """Whether workers may be on other machines."""
        return self.runner in _BEAM_NAMES

    def args(self, image: str | None = None) -> list[str]:
        """The options as Beam takes them on a command line.

        Args:
          image: the container image that workers run where the options name none.

        Raises:
          ValueError: workers run in containers, and nothing says of which image.
        """
        if self.runner == "in_process" and not self.options:
            return []
        runner = _BEAM_NAMES.get(self.runner)
        if runner is None:
            from ..beam_jobs.engine import IN_PROCESS as runner
        return [f"--runner={runner}", *_flags({**self._added(image), **self.options})]

    def check_places(self, places: Mapping[str, Sequence[str | None]]) -> None:
        """Raises ValueError where Dataflow's workers cannot read or write one of ``places``.

        Any other runner may have a file system that all its workers mount.

        Args:
          places: key of vigil.yaml -> paths.
        """
        if self.runner != "dataflow":
            return
        for key, paths in places.items():
            for path in paths:
                if not (path or "").startswith("gs://"):
                    raise ValueError(
                        f"{key}: expected a gs:// path, which is all that Dataflow's workers "
                        f"can use, found {path!r}"
                    )

    def check_reachable(self, timeout: float = 5.0) -> None:
        """Raises Unreachable unless somebody listens at each service that the options name."""
        for name in ("job_endpoint", "flink_master", "spark_master_url"):
            given = str(self.options.get(name, ""))
            address = _ADDRESS.search(given)
            if address is None:
                continue
            place = address["host"].strip("[]"), int(address["port"])
            try:
                socket.create_connection(place, timeout).close()
            except OSError as error:
                raise Unreachable(
                    f"runtime.beam.options.{name}: nobody answers at {given} "
                    f"({error.strerror or error}): start the service or correct the address"
                ) from None

    def _check_environment(self) -> None:
        kind = self.options.get("environment_type", "DOCKER")
        if kind not in _ENVIRONMENTS:
            reason = "; LOOPBACK would send every row through one process" * (kind == "LOOPBACK")
            raise ValueError(
                f"options.environment_type: expected one of {', '.join(_ENVIRONMENTS)}, "
                f"found {kind!r}{reason}"
            )

    def _added(self, image: str | None) -> dict[str, Any]:
        """Options that follow from the runner."""
        given = self.options
        if self.runner == "in_process":
            return {"sdk_container_image": _NO_IMAGE}
        if self.runner == "multi_processing":
            return {
                "direct_running_mode": "multi_processing",
                "direct_num_workers": 0,
                "sdk_container_image": _NO_IMAGE,
            }
        environment = given.get("environment_type", "DOCKER")
        if self.runner != "dataflow" and environment != "DOCKER":
            return {"sdk_container_image": _NO_IMAGE}
        image = given.get("sdk_container_image") or given.get("environment_config") or image
        if not image:
            raise ValueError(
                f"runtime.beam: runner {self.runner} runs workers in containers: give "
                "options.sdk_container_image or kubeflow.image"
            )
        if self.runner == "dataflow":
            return {"sdk_container_image": image}
        return {
            "environment_type": "DOCKER",
            "environment_config": image,
            "sdk_container_image": image,
        }


def _flags(options: Mapping[str, Any]) -> list[str]:
    """Raises ValueError for an option that Beam does not have, or a value it cannot take."""
    known = _parser()._option_string_actions
    return [flag for name, value in options.items() for flag in _flag(known, name, value)]


def _flag(known: Mapping[str, argparse.Action], name: str, value: Any) -> list[str]:
    action = known.get(f"--{name}")
    if action is None or isinstance(action, argparse._HelpAction):
        import apache_beam

        near = difflib.get_close_matches(name, [option.lstrip("-") for option in known], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{name}: not an option of Beam {apache_beam.__version__}{hint}")
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"{name}: expected true or false, found {value!r}")
        return [f"--{name}"] if value else []
    if isinstance(value, list):
        if len(value) > 1 and type(action) is argparse._StoreAction:
            raise ValueError(f"{name}: takes one value, found {len(value)}")
        return [flag for one in value for flag in _flag(known, name, one)]
    if isinstance(value, bool) or not isinstance(value, str | int | float | dict):
        raise ValueError(f"{name}: expected a text or a number, found {value!r}")
    return [f"--{name}={json.dumps(value) if isinstance(value, dict) else value}"]


def _parser() -> argparse.ArgumentParser:
    """Beam's own parser of all its options; it raises ValueError in place of ending the process."""
    from apache_beam.options.pipeline_options import PipelineOptions

    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    (parser,) = parsers
    parser.error = _refuse
    return parser


def _refuse(message: str) -> NoReturn:
    raise ValueError(message.removeprefix("argument --"))


def _problems(args: Sequence[str]) -> list[str]:
    """What Beam's validator finds, without what asks Cloud Storage.

    GoogleCloudOptions' own ``validate`` looks buckets up and makes one where none is given; its
    checks of paths and names are called one by one.
    """
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.runner import create_runner

    options = PipelineOptions(list(args))
    validator = PipelineOptionsValidator(options, create_runner(args[0].partition("=")[2]))
    problems = []
    for kind in validator.OPTIONS:
        if kind is not GoogleCloudOptions and "validate" in vars(kind):
            problems += options.view_as(kind).validate(validator)
    if validator.is_service_runner():
        cloud = options.view_as(GoogleCloudOptions)
        places = ["temp_location"] + ["staging_location"] * bool(cloud.staging_location)
        for place in places:
            problems += validator.validate_gcs_path(cloud, place)
        problems += validator.validate_cloud_options(cloud)
    return problems
