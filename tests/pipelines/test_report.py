"""The report page on a history of taxi trips: six spans, two retrainings, one of them pushed."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

import pytest
from tfx_vigil.beam_jobs import reports as documents
from tfx_vigil.components.history import History, Revised, SpanRecord
from tfx_vigil.pipelines.report import gather, text

from .report_page import Page, write
from .synthetic_history import (
    AUC,
    FEATURES,
    FIRST_MODEL,
    SLICES,
    SPANS,
    build_history,
    hostile,
    same,
)


@pytest.fixture(scope="module")
def taxi(tmp_path_factory) -> tuple[str, Page]:
    folder = tmp_path_factory.mktemp("taxi")
    root = build_history(folder / "history")
    return write(root, folder, title="Taxi tips", first_model=FIRST_MODEL)


def test_headline_names_model_metric_and_number_of_spans(taxi):
    _, page = taxi
    assert "fine_tuned pushed after span 2014-04" in page.text
    assert "/models/pushed/1400000003" in page.text
    assert "auc 0.856 [0.847, 0.865], 95 % interval" in page.text
    assert "Spans recorded 6" in page.text
    assert "Span 2014-06: The model in service stays; something needs watching." in page.text


def test_each_span_is_one_row_that_opens_to_its_rules(taxi):
    _, page = taxi
    assert page.tags["details"] == len(SPANS)
    assert "20,220 serving" in page.text
    assert "6,000 labelled" in page.text
    assert "2014-04-01 to 2014-05-01" in page.text
    assert "auc is 0.7920 [0.7830, 0.8010] on 6000 rows, it was 0.8610" in page.text
    assert page.text.count("readable_logs guard") == len(SPANS)
    assert "asked: dead letters <= 5.0% of records · records_read = 18,200" in page.text


def test_each_decision_is_a_page_of_its_own_and_links_to_its_evidence(taxi):
    _, page = taxi
    named = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    linked = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    decisions = {f"#decision-{number}" for number in range(1, len(SPANS) + 1)}
    assert decisions | {"#traffic", "#drift", "#metric", "#privacy"} <= linked
    assert linked <= {f"#{name}" for name in named}
    assert len(named) == len(set(named))
    assert "The decision about span 2014-04, 2014-04-01 to 2014-05-01 Retrained" in page.text
    assert "Why: drift severity is act (prediction, fare, payment_type, all rows); auc" in page.text


def test_what_would_have_changed_a_decision_is_said(taxi):
    _, page = taxi
    assert page.text.count("What would have changed it: Had ") >= len(SPANS)
    assert "Had the upper end of the interval of auc been below 0.841 instead of" in page.text


def test_retraining_shows_candidates_and_push_decision(taxi):
    _, page = taxi
    assert page.text.count("fine_tuned against the model in service, on 1,800 held-out rows") == 2
    assert "auc overall 6,000 0.833 0.792 +0.041 [+0.032, +0.050] better" in page.text
    assert "no clear difference" in page.text
    assert "first model, never replaced auc 6,000 0.792 [0.783, 0.801] +0.000" in page.text
    assert "fine_tuned: better_overall requirement" in page.text
    assert "Retrained, but no candidate may be pushed: the model in service stays." in page.text


def test_metric_chart_holds_every_slice_the_first_model_and_the_push(taxi):
    _, page = taxi
    spec = page.data["charts"]["metric"]
    pushes, rows = sorted(spec["datasets"].values(), key=len)
    assert pushes == [{"span": "2014-04", "candidate": "fine_tuned"}]
    assert {row["slice"] for row in rows} == set(range(len(SLICES)))
    first = [row for row in rows if row["series"] == gather.FIRST_MODEL]
    assert [row["value"] for row in first] == [m.value for m in FIRST_MODEL.values()]
    estimated = [row for row in rows if row["series"] == gather.ESTIMATED]
    assert len(estimated) == 4 * len(SPANS)
    bound = {p["name"]: p["bind"] for p in spec["params"] if "bind" in p}
    assert bound["metric"]["labels"] == ["auc", "brier", "example_count"]
    assert bound["slice"]["labels"] == ["overall", *sorted(set(SLICES) - {"overall"})]


def test_slices_found_are_shown_with_size_effect_and_interval(taxi):
    _, page = taxi
    assert page.text.count("Slices found by searching") == 1
    assert "1,234 slices of single features and pairs, on 6,000 rows: 1 with a mean" in page.text
    assert "hour 420 7 % 0.610 0.410 0.200 [0.120, 0.280] 3.4 % 19 <= hour and 2 more" in page.text
    assert "Not searched: rider (no value that enough rows share" in page.text


def test_estimates_are_shown_as_such_with_bands_doubts_and_checks(taxi):
    _, page = taxi
    assert page.text.count("Estimates of span 2014-06, before the labels come") == 1
    assert "Not measured: 20,220 requests" in page.text
    assert "Scores no longer mean what they meant." in page.text
    assert "overall auc 20,220 0.846 [0.826, 0.866] overall brier" in page.text
    assert "payment_type=Cash auc 9,000 0.846" in page.text
    assert "payment_type=Cash brier" not in page.text
    assert "auc 3,000 0.846 [0.826, 0.866] 0.876 outside the band" in page.text
    assert "3 slices without an estimate." in page.text
    for told in ("agrees with the band", "outside the band", "700 of 20,220"):
        assert told in page.text


def test_heat_map_has_a_cell_a_comparison_and_its_distribution_behind_it(taxi):
    _, page = taxi
    (cells,) = page.data["charts"]["drift"]["datasets"].values()
    assert len(cells) == len(FEATURES) * (2 * len(SPANS) - 1) + 2 * len(SPANS)
    worst = max(cells, key=lambda cell: cell["ratio"] or 0)
    assert (worst["row"], worst["span"], worst["level"]) == (0, "2014-04", gather.OVER_TWICE)
    behind = page.data["cells"]["{against}/{row}/{column}".format(**worst)]
    assert behind["title"] == f"{worst['feature']}, span 2014-04"
    assert ["threshold", "0.020 (practical floor)"] in behind["facts"]
    assert [row[0] for row in behind["shares"]] == FEATURES[worst["feature"]]
    assert sum(row[1] for row in behind["shares"]) == pytest.approx(1, abs=0.001)


def test_findings_come_first_with_cause_action_and_persistence(taxi):
    html, page = taxi
    assert "Found in span 2014-06 watch A classifier tells the rows from those of" in page.text
    assert "most by payment_type and fare. Watch the next span." in page.text
    assert "Errors rose from 0.21 to 0.26 at 2014-06-10 07:00." in page.text
    assert "No input drifted on all rows: what inputs say about the label may" in page.text
    assert "against reference spans · 1.2 times its threshold · since 2014-06-10 07:00" in page.text
    assert html.index("Found in span") < html.index("Comparisons of span")


def test_what_moved_the_prediction_and_when_errors_changed_is_drawn(taxi):
    _, page = taxi
    assert "The mean prediction went from 0.410 (previous span) to 0.460." in page.text
    bars = next(iter(page.data["charts"]["contributions"]["datasets"].values()))
    assert [bar["feature"] for bar in bars][:2] == ["payment_type", "fare"]
    assert bars[-1]["feature"] == gather.UNEXPLAINED
    assert sum(bar["change"] for bar in bars) == pytest.approx(0.05)
    rule, course = sorted(page.data["charts"]["errors"]["datasets"].values(), key=len)
    assert rule == [{"time": "2014-06-10T07:00:00+00:00", "detector": "change point"}]
    assert [point["time"] for point in course] == sorted(point["time"] for point in course)


def test_traffic_account_and_privacy_are_tables(taxi):
    _, page = taxi
    assert "repeated outside corrected contradictory 2014-06" in page.text
    assert "2014-01 18,200 18,186 14 18,210 18,150 41 12 7 6,150 6,000 90 35 20 5 18 4" in page.text
    assert "window had ended: 2 records of span 2014-06." in page.text
    assert "Statuses other than 200" in page.text
    assert "redact: 24,140, shift_dates: 24,140, tokenize: 24,140" in page.text
    assert "comment serving email_address 17 redacted" in page.text
    assert "taxi_id serving subject id tokenize field 12,070 3" in page.text
    assert "2014-06 24,180 24,150 18 12 redact" in page.text


def test_the_rules_and_the_risk_of_treated_rows_are_told_in_words(taxi):
    _, page = taxi
    assert "Rules that are about no field of span 2014-06: pattern rider_*." in page.text
    assert "about taxi_id: “field” was applied, annotation PII not." in page.text
    assert (
        "2014-06 serving trip_start, pickup_area 12,070 840 1 0.42 % 3.1 % 8.7 % (10)" in page.text
    )
    assert "payment_type: 1 (classes with one value: 61)" in page.text
    assert "serving trip_start 0 % 0.42 %" in page.text
    assert "serving 1 not told: fewer than 10 rows serving 10" in page.text
    assert "serving 10 trip_start=2014-06-01, pickup_area=8" in page.text
    assert "ENUM_TYPE_UNEXPECTED_STRING_VALUES" in page.text


def test_page_is_small_and_loads_nothing(taxi):
    html, page = taxi
    assert len(html) < 2_500_000
    assert not page.tags.keys() & {"link", "img", "iframe", "object", "embed", "base"}
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in page.styles
    assert "@import" not in page.styles
    ours = [page.scripts[0], page.scripts[2], page.styles]
    addresses = {a for s in ours for a in re.findall(r"https?://[^\"']+", s)}
    assert all(a.startswith("https://vega.github.io/schema/") for a in addresses)
    (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv")]
    assert policy.startswith("default-src 'none';")


def test_empty_history_gives_a_page_that_says_so(tmp_path):
    (tmp_path / "history").mkdir()
    _, page = write(str(tmp_path / "history"), tmp_path)
    assert "No span has been recorded yet." in page.text
    assert not page.scripts
    assert "How to read this page" in page.text


def test_missing_reports_are_named_and_unknown_is_not_called_good(tmp_path):
    history = History(str(tmp_path / "history"))
    start = datetime(2014, 1, 1, tzinfo=timezone.utc)
    record = SpanRecord(
        span="1",
        window_start=start,
        window_end=start + timedelta(hours=6),
        revision="",
        complete=True,
        action="none",
    )
    history.write_span(record, lambda folder: None)
    _, page = write(history.root, tmp_path, first_model={"1": FIRST_MODEL[SPANS[0]]})
    for sentence in (
        "Quality is unknown, not good.",
        "which does not mean that nothing drifted",
        "traffic, latency and the account of records are unknown",
        "No span has a privacy report",
        "The span has no decision of the gate.",
        "the history has no baseline model and no push",
        "2014-01-01 00:00 to 2014-01-01 06:00",
    ):
        assert sentence in page.text
    assert page.data["charts"] == {}


def test_span_without_labels_leaves_a_gap_and_says_so(tmp_path):
    root = build_history(tmp_path / "history", spans=SPANS[:3])
    history = History(root)
    path = Path(history.path(history.record(SPANS[1]), "slices.json"))
    report = documents.SliceReport.model_validate_json(path.read_text())
    nothing = {"metrics": [], "rows": 0, "small_slices": {"overall": 0}, "estimates": None}
    bare = report.model_copy(update=nothing)
    path.write_text(bare.model_dump_json())
    _, page = write(root, tmp_path)
    assert "0 labelled" in page.text
    assert "no labels" in page.text
    (rows,) = filter(None, page.data["charts"]["metric"]["datasets"].values())
    whole = [row for row in rows if row["metric"] == row["slice"] == 0]
    measured = [row["value"] for row in whole if row["series"] == gather.IN_SERVICE]
    assert measured == [AUC[0], None, AUC[2]]
    estimated = [row["span"] for row in whole if row["series"] == gather.ESTIMATED]
    assert estimated == [SPANS[0], SPANS[2]]


def test_interrupted_retraining_is_shown_as_unfinished(tmp_path):
    root = build_history(tmp_path / "history", spans=SPANS[:4], last_unfinished=True)
    _, page = write(root, tmp_path)
    assert "unfinished Span 2014-04: Retraining was asked for and has not finished." in page.text
    assert "No candidate has been recorded" in page.text
    assert "the first model never replaced" in page.text


def test_only_the_newest_spans_are_drawn_and_all_are_counted(tmp_path):
    root = build_history(tmp_path / "history")
    _, page = write(root, tmp_path, most_spans=2)
    assert page.tags["details"] == 2
    assert "Spans recorded 6 1 push; the newest 2 are shown" in page.text


def test_hostile_text_stays_text(tmp_path, taxi):
    root = build_history(tmp_path / "history", hostile)
    html, page = write(root, tmp_path, title=hostile("title"))
    assert hostile("payment_type") in page.text
    ours, theirs = page.tags - Counter(), taxi[1].tags
    assert ours.keys() == theirs.keys()
    assert ours["script"] == theirs["script"] == 3
    assert not [a for _, a in page.elements if "onerror" in a]
    assert "<!--" not in html
    assert html.count("</script") == 3
    assert hostile("fare") in page.data["charts"]["drift"]["layer"][0]["encoding"]["y"]["sort"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (15002, "15,002"),
        (0.84213, "0.842"),
        (12.345, "12.35"),
        (-1234.6, "−1,235"),
        (0.00012, "0.00012"),
        (0.0, "0.000"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_numbers_are_short(value, shown):
    assert text.number(value) == shown


def test_a_metric_without_a_number_does_not_break_the_page(tmp_path):
    root = build_history(tmp_path / "history", spans=SPANS[:1])
    broken = {SPANS[0]: FIRST_MODEL[SPANS[0]].model_copy(update={"value": math.nan})}
    _, page = write(root, tmp_path, first_model=broken)
    values = [r for rows in page.data["charts"]["metric"]["datasets"].values() for r in rows]
    assert [r["value"] for r in values if r["series"] == gather.FIRST_MODEL] == [None]


PROBE = """<script>
addEventListener("load", async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const root = document.documentElement, title = document.getElementById("cell-title");
  while (!root.dataset.drawn && !root.dataset.failed) await wait(50);
  const before = title.textContent, start = document.title;
  const cell = document.querySelector('[data-chart="drift"] .mark-rect path');
  const at = cell.getBoundingClientRect();
  const mouse = { bubbles: true, clientX: at.x + 4, clientY: at.y + 4 };
  cell.dispatchEvent(new MouseEvent("pointermove", mouse));
  cell.dispatchEvent(new MouseEvent("mousemove", mouse));
  cell.dispatchEvent(new MouseEvent("click", mouse));
  for (const row of document.querySelectorAll("details")) row.open = true;
  await wait(300);
  const tooltip = document.getElementById("vg-tooltip-element");
  parent.postMessage({
    before, after: title.textContent, start, end: document.title, failed: root.dataset.failed,
    tooltip: tooltip && tooltip.textContent, images: document.images.length,
    bars: document.querySelectorAll('[data-chart="shares"] .mark-rect path').length,
    width: root.scrollWidth, room: innerWidth,
  }, "*");
});
</script>"""
FRAME = """<body>
<script>addEventListener("message", (e) => document.body.replaceChildren(JSON.stringify(e.data)))
</script>
<iframe src="probed.html" style="width:390px;height:9000px;border:0"></iframe>
</body>"""
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
    "--virtual-time-budget=20000",
    "--dump-dom",
]


def browse(path: Path, profile: Path) -> str:
    """The page's DOM after its scripts have run in headless Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "this test needs chromium on the PATH: apt-get install -y chromium"
    command = [browser, *CHROMIUM_FLAGS, f"--user-data-dir={profile}", f"file://{quote(str(path))}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.browser
@pytest.mark.parametrize("name", [same, hostile])
def test_browser_draws_every_chart_under_the_content_security_policy(tmp_path, name):
    root = build_history(tmp_path / "history", name)
    _, page = write(root, tmp_path, title="Taxi tips", first_model=FIRST_MODEL)
    drawn = Page(browse(tmp_path / "out" / "report.html", tmp_path / "profile"))
    marks = next(a for tag, a in drawn.elements if tag == "html")
    assert "data-failed" not in marks
    assert int(marks["data-drawn"]) == len(page.data["charts"]) == drawn.tags["svg"] == 10
    assert "img" not in drawn.tags
    assert "Taxi tips" in drawn.text


@pytest.mark.browser
@pytest.mark.parametrize("name", [same, hostile])
def test_phone_shows_a_tapped_cell_scrolls_nowhere_sideways_and_runs_nothing(tmp_path, name):
    root = build_history(tmp_path / "history", name)
    html, _ = write(root, tmp_path, title="Taxi tips", first_model=FIRST_MODEL)
    unprotected = re.sub(r"<meta http-equiv.*?>", "", html).removesuffix("</body>\n</html>") + PROBE
    (tmp_path / "probed.html").write_text(unprotected, "utf-8")
    (tmp_path / "frame.html").write_text(FRAME, "utf-8")
    dom = browse(tmp_path / "frame.html", tmp_path / "profile")
    seen = json.loads(Page(dom).text)
    assert "failed" not in seen
    assert seen["start"] == seen["end"] == "Taxi tips"
    assert seen["images"] == 0
    assert seen["before"].endswith("span 2014-06")
    assert seen["after"].endswith("span 2014-01")
    assert any(name(feature) in seen["tooltip"] for feature in FEATURES)
    assert seen["bars"] >= 4
    assert seen["width"] <= seen["room"] == 390


def test_what_was_made_anew_since_a_person_asked_is_said_in_one_line(tmp_path):
    history = History(build_history(tmp_path / "history", spans=SPANS[:1]))
    time = datetime(2026, 3, 1, tzinfo=timezone.utc)
    note = Revised(time=time, request="erase", receipt=7)
    history.revise(SPANS[0], lambda folder: ["statistics", "drift"], note)
    _, page = write(history.root, tmp_path)
    assert (
        "Made anew after this decision, 2026-03-01, since a person asked for it "
        "(erase, receipt 7): statistics, drift."
    ) in page.text
