"""ServingChecks: whether models load and serve, how fast, how large, and on what inputs."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from ..artifacts import ServingReport
from . import executor as keys


def _model() -> component_spec.ChannelParameter:
    return component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)


class ServingChecksSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.SPLIT: component_spec.ExecutionParameter(type=str),
        keys.SAMPLE: component_spec.ExecutionParameter(type=int),
    }
    INPUTS = {
        keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        **{name: _model() for name in keys.MODELS},
    }
    OUTPUTS = {keys.REPORT: component_spec.ChannelParameter(type=ServingReport)}


class ServingChecks(base_component.BaseComponent):
    """Loads SavedModels and serves a sample of real requests with each, as stock InfraValidator
    does with a model server, but in a process on this machine and with a stopwatch.

    A model that raises, or takes its process with it, is reported and not the end of the
    component. Latencies are of single requests, one after the other, after a warm-up: those of
    the quietest of three rounds, since other work on the machine can only add to them.

    Outputs:
      report: ServingReport: of each model the problem if there is one, size, latency, whether
        its outputs are finite, and the names and types of what it takes and returns.
    """

    SPEC_CLASS = ServingChecksSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(keys.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        in_service: BaseChannel | None = None,
        fine_tuned: BaseChannel | None = None,
        from_scratch: BaseChannel | None = None,
        previous: BaseChannel | None = None,
        split: str = "eval",
        sample: int = 200,
    ):
        """Serves the first ``sample`` rows of ``split`` with each model, whose signature
        ``serving_default`` takes serialized tf.Examples."""
        super().__init__(
            ServingChecksSpec(
                examples=examples,
                in_service=in_service,
                fine_tuned=fine_tuned,
                from_scratch=from_scratch,
                previous=previous,
                split=split,
                sample=sample,
                report=as_channel([ServingReport()]),
            )
        )
