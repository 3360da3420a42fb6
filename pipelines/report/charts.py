"""Vega-Lite charts of plain rows. Colours are the page's CSS variables, light and dark.

Nothing that came out of a log is made part of an expression: selections go by number.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from .gather import ALL_ROWS, ESTIMATED, FIRST_MODEL, IN_SERVICE, LEVELS, DriftMap, Row

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
CONFIG = {
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": "var(--line)",
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "labelPadding": 8,
        "labelLimit": 150,
    },
    "text": {"fontSize": 11},
}
SERIES = {
    IN_SERVICE: "var(--accent)",
    FIRST_MODEL: "var(--second)",
    ESTIMATED: "var(--c5)",
    ALL_ROWS: "var(--muted)",
}
LABEL_LIMIT = alt.ExprRef("containerSize()[0] < 560 ? 150 : 300")
FORMATS = {"n:Q": ",d", "count:Q": ",d", "share:Q": ".2%"}
CATEGORIES = [f"var(--c{i})" for i in range(8)]
LEVEL_COLOURS = [f"var(--level{i})" for i in range(len(LEVELS))]


def _span_axis(spans: Sequence[str], **axis) -> alt.X:
    return alt.X(
        "span:O",
        title=None,
        scale=alt.Scale(domain=list(spans)),
        axis=alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=8, grid=False, **axis),
    )


def _tooltip(**fields: str) -> list[alt.Tooltip]:
    shown = []
    for title, field in fields.items():
        shown.append(alt.Tooltip(field, title=title.replace("_", " ")))
        if field.endswith(":Q"):
            shown[-1].format = FORMATS.get(field, ",.4~r")
    return shown


def metric_over_time(
    spans: Sequence[str],
    rows: list[Row],
    pushes: list[Row],
    metrics: list[str],
    slices: list[str],
) -> alt.LayerChart:
    """Lines with their 95 % bands; metric and slice are chosen by the reader."""
    metric = alt.param(name="metric", value=0, bind=_choice("Metric", metrics))
    slice_ = alt.param(name="slice", value=0, bind=_choice("Slice", slices))
    colour = alt.Color(
        "series:N", scale=alt.Scale(domain=list(SERIES), range=list(SERIES.values())), legend=None
    )
    base = (
        alt.Chart(alt.InlineData(values=rows))
        .transform_filter(
            "datum.metric === metric && (datum.slice === slice ||"
            f" datum.slice === 0 && datum.series === '{IN_SERVICE}')"
        )
        .transform_calculate(series=f"datum.slice === slice ? datum.series : '{ALL_ROWS}'")
        .encode(x=_span_axis(spans), color=colour)
    )
    chosen = base.transform_filter(f"datum.series !== '{ALL_ROWS}'")
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    band = chosen.mark_area(opacity=0.16).encode(y=alt.Y("lower:Q", title=None), y2="upper:Q")
    line = base.mark_line(strokeWidth=2.5).encode(
        y=y,
        strokeDash=alt.StrokeDash(
            "series:N",
            scale=alt.Scale(domain=list(SERIES), range=[[1, 0], [7, 4], [3, 4], [2, 3]]),
            legend=None,
        ),
    )
    points = chosen.mark_point(size=55, filled=True, opacity=1).encode(
        y=y,
        tooltip=_tooltip(
            span="span:N", of="series:N", value="value:Q", lower="lower:Q", upper="upper:Q", n="n:Q"
        ),
    )
    pushed = (
        alt.Chart(alt.InlineData(values=pushes))
        .mark_rule(color="var(--push)", strokeWidth=1.5, strokeDash=[4, 3])
        .encode(x=_span_axis(spans), tooltip=_tooltip(pushed="candidate:N", span="span:N"))
    )
    return alt.layer(pushed, band, line, points).add_params(metric, slice_).properties(height=300)


def metric_per_slice(rows: list[Row]) -> alt.LayerChart:
    """One dot and 95 % interval a slice; the line is the whole's value."""
    order = [row["series"] for row in rows]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y(
            "series:N",
            title=None,
            scale=alt.Scale(domain=order),
            axis=alt.Axis(labelLimit=LABEL_LIMIT),
        ),
        tooltip=_tooltip(
            slice="series:N", value="value:Q", lower="lower:Q", upper="upper:Q", n="n:Q"
        ),
    )
    value = alt.X("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    whole = (
        alt.Chart(alt.InlineData(values=rows[:1]))
        .mark_rule(color="var(--muted)", strokeDash=[3, 3])
        .encode(x=value)
    )
    span = base.mark_rule(color="var(--accent)", strokeWidth=2, opacity=0.55).encode(
        x=alt.X("lower:Q", title=None, scale=alt.Scale(zero=False)), x2="upper:Q"
    )
    dot = base.mark_point(color="var(--accent)", filled=True, size=60, opacity=1).encode(x=value)
    return alt.layer(whole, span, dot).properties(height=alt.Step(24))


def drift_heat_map(spans: Sequence[str], drift: DriftMap, against: Sequence[str]) -> alt.LayerChart:
    """Features by spans; ``cell`` holds the row and column that were clicked or tapped."""
    chosen = alt.param(
        name="against",
        value=drift.start["against"],
        bind=alt.binding_radio(
            options=list(range(len(against))), labels=list(against), name="Compared with"
        ),
    )
    cell = alt.selection_point(
        name="cell",
        fields=["row", "column"],
        toggle=False,
        clear=False,
        empty=False,
        value=[{"row": drift.start["row"], "column": drift.start["column"]}],
    )
    base = (
        alt.Chart(alt.InlineData(values=drift.cells))
        .transform_filter("datum.against === against")
        .encode(
            x=_span_axis(spans, orient="top"),
            y=alt.Y(
                "feature:N",
                title=None,
                sort=drift.features,
                axis=alt.Axis(labelLimit=LABEL_LIMIT),
            ),
            tooltip=_tooltip(
                feature="feature:N", span="span:N", times_threshold="ratio:Q", verdict="level:N"
            ),
        )
    )
    scale = alt.Scale(domain=list(LEVELS), range=LEVEL_COLOURS)
    cells = base.mark_rect(
        cursor="pointer", cornerRadius=3, stroke="var(--surface)", strokeWidth=2
    ).encode(color=alt.Color("level:N", scale=scale, legend=None))
    outline = base.transform_filter(cell).mark_rect(
        filled=False, cornerRadius=3, stroke="var(--text)", strokeWidth=2.5
    )
    layers = [cells.add_params(cell), outline]
    if len(spans) <= 14:
        words = alt.Scale(domain=list(LEVELS), range=[f"var(--on{i})" for i in range(len(LEVELS))])
        layers.append(
            base.mark_text(cursor="pointer").encode(
                text="mark:N", color=alt.Color("level:N", scale=words, legend=None)
            )
        )
    return (
        alt.layer(*layers)
        .resolve_scale(color="independent")
        .add_params(chosen)
        .properties(height=alt.Step(30))
    )


def distributions() -> alt.Chart:
    """Two bars a bin; the page fills ``bins`` with rows of bin, side (0 or 1) and share."""
    return (
        alt.Chart(alt.NamedData(name="bins"))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("share:Q", title="share of rows", stack=None, axis=alt.Axis(format="%")),
            y=alt.Y("bin:N", title=None, sort=None, axis=alt.Axis(labelLimit=LABEL_LIMIT)),
            yOffset=alt.YOffset("side:O", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color(
                "side:O",
                scale=alt.Scale(domain=[0, 1], range=["var(--second)", "var(--accent)"]),
                legend=None,
            ),
            tooltip=_tooltip(bin="bin:N", share="share:Q"),
        )
        .properties(height=alt.Step(13), datasets={"bins": []})
    )


def contributions(rows: list[Row]) -> alt.LayerChart:
    """One bar an input: what it adds to the mean prediction, with its 95 % interval."""
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y(
            "feature:N",
            title=None,
            scale=alt.Scale(domain=[row["feature"] for row in rows]),
            axis=alt.Axis(labelLimit=LABEL_LIMIT),
        ),
        tooltip=_tooltip(
            input="feature:N",
            adds="change:Q",
            lower="lower:Q",
            upper="upper:Q",
            of_the_change="share:Q",
        ),
    )
    bar = base.mark_bar(cornerRadiusEnd=2).encode(
        x=alt.X("change:Q", title=None, axis=alt.Axis(tickCount=5, format=".2~r")),
        color=alt.condition(
            "datum.unexplained", alt.value("var(--c6)"), alt.value("var(--accent)")
        ),
    )
    interval = base.mark_rule(color="var(--text)", strokeWidth=1.5, opacity=0.7).encode(
        x=alt.X("lower:Q", title=None), x2="upper:Q"
    )
    return alt.layer(bar, interval).properties(height=alt.Step(24))


def error_course(rows: list[Row], change_points: list[Row]) -> alt.LayerChart:
    """The mean error with its 95 % band; a rule where a detector found a change."""
    time = alt.X(
        "time:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(grid=False, labelOverlap="greedy", labelSeparation=12, tickCount=6),
    )
    y = alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=time)
    band = base.mark_area(opacity=0.16, color="var(--accent)").encode(
        y=alt.Y("lower:Q", title=None), y2="upper:Q"
    )
    line = base.mark_line(strokeWidth=2, color="var(--accent)").encode(
        y=y,
        tooltip=_tooltip(
            time="time:T", mean_error="mean:Q", lower="lower:Q", upper="upper:Q", n="n:Q"
        ),
    )
    found = (
        alt.Chart(alt.InlineData(values=change_points))
        .mark_rule(color="var(--bad)", strokeWidth=2, strokeDash=[4, 3])
        .encode(x=time, tooltip=_tooltip(change_point="time:T", found_by="detector:N"))
    )
    return alt.layer(band, line, found).properties(height=190)


def requests_per_minute(spans: Sequence[str], rows: list[Row]) -> alt.Chart:
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(color="var(--accent)", cornerRadiusEnd=3)
        .encode(
            x=_span_axis(spans),
            y=alt.Y("requests:Q", title=None, axis=alt.Axis(tickCount=4)),
            tooltip=_tooltip(span="span:N", requests_per_minute="requests:Q"),
        )
        .properties(height=170)
    )


def latency(spans: Sequence[str], rows: list[Row]) -> alt.Chart:
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=alt.OverlayMarkDef(size=45, filled=True), strokeWidth=2)
        .encode(
            x=_span_axis(spans),
            y=alt.Y("ms:Q", title=None, axis=alt.Axis(tickCount=4)),
            color=alt.Color(
                "quantile:N",
                scale=alt.Scale(domain=["p50", "p90", "p99"], range=CATEGORIES[:3]),
                legend=None,
            ),
            tooltip=_tooltip(span="span:N", quantile="quantile:N", ms="ms:Q"),
        )
        .properties(height=170)
    )


def stacked_shares(spans: Sequence[str], categories: list[str], rows: list[Row]) -> alt.Chart:
    """Shares of all rows, in the order and colours of ``categories``."""
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=_span_axis(spans),
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%", tickCount=4)),
            color=alt.Color(
                "category:N",
                scale=alt.Scale(domain=categories, range=CATEGORIES[: len(categories)]),
                legend=None,
            ),
            order=alt.Order("place:Q"),
            tooltip=_tooltip(span="span:N", category="category:N", rows="count:Q", share="share:Q"),
        )
        .properties(height=170)
    )


def _choice(name: str, labels: list[str]) -> alt.BindRadioSelect:
    return alt.binding_select(options=list(range(len(labels))), labels=labels, name=name)
