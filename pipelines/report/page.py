"""Renders the report: Altair charts against one inlined Vega bundle, in a Jinja2 template."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from tfx.dsl.io import fileio

from ...beam_jobs.reports import SliceMetric
from ...components.history import History
from ...components.retrain_gate.nearest import nearest_flip
from . import charts, gather, text

TEMPLATES = "templates"
MOST_FEATURES = MOST_SLICES = 40
MOST_CATEGORIES = len(charts.CATEGORIES) - 1


def write_report_page(
    history_root: str,
    output_path: str,
    title: str = "Model monitoring",
    first_model: Mapping[str, SliceMetric] | None = None,
    most_spans: int = 30,
) -> None:
    """Writes the history under ``history_root`` as one HTML file that loads nothing else.

    Args:
      history_root: a history that SpanRecorder and PushRecorder wrote; may be empty.
      output_path: the file, on any filesystem TFX knows; its folder is made.
      title: heading of the page.
      first_model: span -> the primary metric of the first model on that span's labelled rows, as
        if it had never been replaced; drawn beside the model in service.
      most_spans: the page shows the newest so many spans in full.

    Raises:
      HistoryError: a record or report cannot be read.
    """
    history = History(history_root)
    records = history.all_records()
    spans = gather.read_spans(history, records[-most_spans:])
    template = _environment().get_template("page.html")
    page = template.render(
        title=title,
        total=len(records),
        in_service=history.model_in_service(),
        pushes={record.span: record.push for record in records if record.push},
        spans=spans,
        scripts=_scripts() if spans else [],
        **_contents(spans, first_model or {}),
    )
    fileio.makedirs(os.path.dirname(output_path) or ".")
    with fileio.open(output_path, "wb") as f:
        f.write(page.encode())


def _contents(
    spans: Sequence[gather.Span], first_model: Mapping[str, SliceMetric]
) -> dict[str, Any]:
    names = [span.name for span in spans]
    metrics, slices = gather.metric_names(spans)
    metric_rows = gather.metric_rows(spans, first_model)
    measured = gather.newest(spans, "primary")
    slice_rows = gather.slice_rows(measured, MOST_SLICES) if measured else []
    drift = gather.drift_map(spans, MOST_FEATURES)
    latest = gather.newest(spans, "drift")
    statuses, status_rows = gather.share_rows(spans, "statuses", MOST_CATEGORIES)
    versions, version_rows = gather.share_rows(spans, "model_versions", MOST_CATEGORIES)
    ingested = [span for span in spans if span.ingest]

    drawn = {}
    if metric_rows:
        drawn["metric"] = charts.metric_over_time(
            names, metric_rows, gather.push_rows(spans), metrics, slices
        )
    if slice_rows:
        drawn["slices"] = charts.metric_per_slice(slice_rows)
    if drift.cells:
        against = [gather.AGAINST[a] for a in drift.against]
        drawn["drift"] = charts.drift_heat_map(names, drift, against)
        drawn["shares"] = charts.distributions()
    if latest and latest.drift.prediction_change:
        rows = gather.contribution_rows(latest.drift.prediction_change)
        drawn["contributions"] = charts.contributions(rows)
    if latest and latest.drift.errors:
        drawn["errors"] = charts.error_course(
            gather.error_rows(latest.drift), gather.change_points(latest.drift)
        )
    if ingested:
        requests = [{"span": s.name, "requests": s.ingest.requests_per_minute} for s in ingested]
        drawn["requests"] = charts.requests_per_minute(names, requests)
    quantiles = [
        {"span": s.name, "quantile": name, "ms": ms}
        for s in ingested
        if s.ingest.latency_ms
        for name, ms in s.ingest.latency_ms.model_dump().items()
    ]
    if quantiles:
        drawn["latency"] = charts.latency(names, quantiles)
    if any(row["place"] for row in status_rows):
        unusual = [row for row in status_rows if row["place"]]
        drawn["statuses"] = charts.stacked_shares(names, statuses, unusual)
    if version_rows:
        drawn["versions"] = charts.stacked_shares(names, versions, version_rows)
    return {
        "charts": {
            name: chart.properties(width="container").to_dict() for name, chart in drawn.items()
        },
        "primary_metric": metrics[0] if metrics else "Metric",
        "has_first_model": any(row["series"] == gather.FIRST_MODEL for row in metric_rows),
        "measured": measured,
        "estimates": gather.newest(spans, "estimates"),
        "matured": gather.newest(spans, "matured"),
        "drift": drift,
        "latest": latest,
        "statuses": statuses,
        "versions": versions,
    }


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters.update(
        number=text.number,
        percent=text.percent,
        interval=text.interval,
        window=text.window,
        plain=text.plain,
        shares=text.shares,
        clock=text.clock,
        plural=text.plural,
        flag=text.FLAGS.__getitem__,
        outcome=text.outcome,
        nearest=nearest_flip,
        finding_facts=text.finding_facts,
        csp_hash=_csp_hash,
    )
    environment.globals.update(gather=gather, config=charts.CONFIG, levels=gather.LEVELS)
    return environment


def _scripts() -> list[Markup]:
    """Vega with all it needs, and what draws with it; nothing in them comes from a log."""
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    draw = files(__package__).joinpath(TEMPLATES, "charts.js").read_text("utf-8")
    escaped = (s.replace("</script", "<\\/script").replace("<!--", "<\\!--") for s in (vega, draw))
    return [Markup(script) for script in escaped]


def _csp_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
