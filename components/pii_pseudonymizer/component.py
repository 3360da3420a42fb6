"""PIIPseudonymizer: Examples without personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from ...beam_jobs.parameters import to_json
from ...beam_jobs.privacy_policy import PrivacyConfig
from ..artifacts import DeadLetters, PrivacyReport
from . import executor as keys


class PIIPseudonymizerSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.CONFIG: component_spec.ExecutionParameter(type=str),
        keys.PURGE_INPUT: component_spec.ExecutionParameter(type=int),
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        keys.RAW_EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        keys.RAW_DEAD_LETTERS: component_spec.ChannelParameter(type=DeadLetters, optional=True),
    }
    OUTPUTS = {
        keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        keys.REPORT: component_spec.ChannelParameter(type=PrivacyReport),
        keys.DEAD_LETTERS: component_spec.ChannelParameter(type=DeadLetters, optional=True),
    }


class PIIPseudonymizer(base_beam_component.BaseBeamComponent):
    """Applies a privacy policy to Examples of tf.Examples, in any splits.

    Declared fields are pseudonymized, redacted or generalized; what is kept is scanned for
    identifiers that nobody declared. Nothing raw is in the outputs, nor in the error of a run
    that fails.

    Outputs:
      examples: the same splits and rows, but for rows of people who are erased. Rows of people
        whose data are restricted lie in ``Split-restricted`` beside the splits; it is in no list
        of splits, so that nobody reads it.
      report: PrivacyReport (``beam_jobs.reports.PrivacyReport``); custom properties ``rows``,
        ``rows_restricted``, ``rows_erased`` and ``findings`` (values with an undeclared
        identifier).
      dead_letters: with input ``dead_letters`` only; file, offset and reason of each, without
        the record.
    """

    SPEC_CLASS = PIIPseudonymizerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(keys.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        config: PrivacyConfig | Mapping[str, Any] | str,
        dead_letters: BaseChannel | None = None,
        purge_input: bool = False,
        history_root: str | RuntimeParameter = "",
    ):
        """Makes the node.

        Args:
          examples: the raw Examples.
          config: a PrivacyConfig, or the mapping or JSON of one.
          dead_letters: the records that LogIngest could not read.
          purge_input: delete the files of the raw inputs once the outputs are complete. Other
            consumers of these artifacts, also in later runs that take them from the cache, then
            find them empty; hence off by default. Files are unlinked, not overwritten: backups
            and snapshots are the file system's business.
          history_root: a history whose register says who is erased or restricted; without one
            nobody is.

        Raises:
          pydantic.ValidationError: the config is invalid.
        """
        channels = {
            keys.RAW_EXAMPLES: examples,
            keys.EXAMPLES: as_channel([standard_artifacts.Examples()]),
            keys.REPORT: as_channel([PrivacyReport()]),
        }
        if dead_letters is not None:
            channels[keys.RAW_DEAD_LETTERS] = dead_letters
            channels[keys.DEAD_LETTERS] = as_channel([DeadLetters()])
        super().__init__(
            PIIPseudonymizerSpec(
                config=to_json(PrivacyConfig, config),
                purge_input=int(purge_input),
                history_root=history_root,
                **channels,
            )
        )
