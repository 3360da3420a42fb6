"""Which metrics of which models and slices an evaluation computes, by its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from .evaluation_config import RANKING, EvaluationConfig
from .given_eval_config import complete, logged_predictions, parse_eval_config
from .metrics.plan import Plan, plan_evaluation, plan_rankings
from .metrics.thresholds import thresholds_of
from .rank_queries import RANKINGS
from .reports import IN_SERVICE, LOGGED
from .slice_report import primary_metric
from .tfma_config import eval_config


def logged_columns(config: EvaluationConfig) -> dict[str, str]:
    """Model -> column of its logged predictions."""
    if config.eval_config is None:
        return {LOGGED: config.prediction}
    return logged_predictions(parse_eval_config(config.eval_config))


def make_plan(config: EvaluationConfig, predictions: Mapping[str, str]) -> Plan:
    """The evaluation of models, given each one's prediction column.

    Raises:
      ValueError: the primary metric, a threshold or a model is not what the EvalConfig needs.
    """
    if config.eval_config is None:
        tfma_config = eval_config(config, predictions, IN_SERVICE)
        given = [spec.name for spec in tfma_config.model_specs]  # "" for a sole model
        names = dict(zip(given, predictions, strict=True))
    else:
        tfma_config, names = complete(parse_eval_config(config.eval_config), predictions)
    if config.task == RANKING:
        places = {name: list(RANKINGS).index(name) for name in config.metric_names}
        return plan_rankings(tfma_config, names, places)
    plan = plan_evaluation(tfma_config, names, config.task)
    primary_metric(config, plan)
    thresholds_of(tfma_config)
    return plan
