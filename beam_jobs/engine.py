"""The Beam engine of a run that names none: the one in this process.

Beam's own default, DirectRunner, leaves the process: since 2.68 it downloads the Prism engine from
GitHub, runs the job there if it can, and then raises RuntimeError for whatever the job raised
(https://github.com/apache/beam/pull/34612).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

IN_PROCESS = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def job_options(beam_args: Sequence[str] = ()) -> PipelineOptions:
    """Beam's options, on the engine in this process unless ``beam_args`` name another."""
    options = PipelineOptions(list(beam_args))
    standard = options.view_as(StandardOptions)
    standard.runner = standard.runner or IN_PROCESS
    return options


@contextmanager
def in_process_by_default() -> Iterator[None]:
    """The same for pipelines that others make meanwhile, such as TFX's own components.

    TFX builds a package of itself for each component that is given Beam options, so they cannot
    say it.
    """
    default = StandardOptions.DEFAULT_RUNNER
    StandardOptions.DEFAULT_RUNNER = IN_PROCESS
    try:
        yield
    finally:
        StandardOptions.DEFAULT_RUNNER = default
