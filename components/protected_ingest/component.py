"""ProtectedIngest: LogIngest and PIIPseudonymizer in one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from ...beam_jobs.ingest_config import IngestConfig
from ...beam_jobs.parameters import to_json
from ...beam_jobs.privacy_policy import PrivacyConfig
from ..artifacts import DeadLetters, IngestReport, PrivacyReport
from ..log_ingest.component import FINGERPRINT_KEY
from ..log_ingest.executor import HISTORY_ROOT_KEY, WINDOW_END_KEY, WINDOW_START_KEY
from . import executor as keys


class ProtectedIngestSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.INGEST: component_spec.ExecutionParameter(type=str),
        keys.PRIVACY: component_spec.ExecutionParameter(type=str),
        WINDOW_START_KEY: component_spec.ExecutionParameter(type=str),
        WINDOW_END_KEY: component_spec.ExecutionParameter(type=str),
        FINGERPRINT_KEY: component_spec.ExecutionParameter(type=str),
        HISTORY_ROOT_KEY: component_spec.ExecutionParameter(type=str),
        keys.RAW_ROOT: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {
        keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        keys.INGEST_REPORT: component_spec.ChannelParameter(type=IngestReport),
        keys.PRIVACY_REPORT: component_spec.ChannelParameter(type=PrivacyReport),
        keys.DEAD_LETTERS: component_spec.ChannelParameter(type=DeadLetters),
    }


class ProtectedIngest(base_beam_component.BaseBeamComponent):
    """Reads a window's logs and protects the people in them, all in one process.

    Where an orchestrator copies artifacts to an object store, as Kubeflow does, an artifact of
    raw data could not be purged again: the component that purges it has a copy. Here raw data
    lies in a temporary folder only and is gone with it, however the run ends; when a pod is
    killed it goes with the pod's disk.

    Outputs:
      examples: LogIngest's splits, treated as by PIIPseudonymizer.
      ingest_report, privacy_report: IngestReport and PrivacyReport.
      dead_letters: file, offset and reason of each, without the record.
    """

    SPEC_CLASS = ProtectedIngestSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(keys.Executor)

    def __init__(
        self,
        ingest: IngestConfig | Mapping[str, Any] | str,
        privacy: PrivacyConfig | Mapping[str, Any] | str,
        window_start: str | RuntimeParameter,
        window_end: str | RuntimeParameter,
        fingerprint: str | RuntimeParameter = "",
        history_root: str | RuntimeParameter = "",
        raw_root: str = "",
    ):
        """Makes the node.

        Args:
          ingest, privacy: parameters of LogIngest and of PIIPseudonymizer.
          window_start, window_end, fingerprint: as in LogIngest.
          history_root: as in LogIngest and in PIIPseudonymizer.
          raw_root: where raw data lies meanwhile, emptied before and after; needed only when
            Beam's workers are on other machines. Default: a new folder for temporary files.
        """
        super().__init__(
            ProtectedIngestSpec(
                ingest=to_json(IngestConfig, ingest),
                privacy=to_json(PrivacyConfig, privacy),
                window_start=window_start,
                window_end=window_end,
                fingerprint=fingerprint,
                history_root=history_root,
                raw_root=raw_root,
                examples=as_channel([standard_artifacts.Examples()]),
                ingest_report=as_channel([IngestReport()]),
                privacy_report=as_channel([PrivacyReport()]),
                dead_letters=as_channel([DeadLetters()]),
            )
        )
