"""Which spans a retrained model learns from."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx_vigil.beam_jobs.drift_statistics.files import SplitStatistics, write_statistics
from tfx_vigil.beam_jobs.reports import Detail
from tfx_vigil.components.history import History, SpanRecord
from tfx_vigil.components.retrain_gate.decide_retrain import decide_retrain
from tfx_vigil.components.retrain_gate.evidence import read_past
from tfx_vigil.components.retrain_gate.plan_training import plan_training
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy
from tfx_vigil.components.retrain_gate.read_likeness import read_likenesses
from tfx_vigil.components.retrain_gate.span_likeness import Likeness, likeness
from tfx_vigil.components.retrain_gate.training_policy import TrainingPolicy

from .evidence import NOW, SPAN, drift
from .gate_evidence import days_ago, good, past

LABELLED = (("baseline", 10), ("a", 5), ("b", 0), ("c", 5))
ENDS = {"a": days_ago(90), "b": days_ago(60), "c": days_ago(30)}
BEFORE = past(labelled_rows=LABELLED, window_ends=ENDS)


@pytest.mark.parametrize(
    ("policy", "changed", "expected"),
    [
        ({"strategy": "all"}, None, ["baseline", "a", "c", SPAN]),
        ({"strategy": "window", "spans": 1}, None, [SPAN]),
        ({"strategy": "window", "spans": 2}, None, ["c", SPAN]),
        ({"strategy": "window", "spans": 9}, None, ["baseline", "a", "c", SPAN]),
        ({"strategy": "since_change_point"}, None, ["baseline", "a", "c", SPAN]),
        ({"strategy": "since_change_point"}, days_ago(40), ["c", SPAN]),
        ({"strategy": "since_change_point"}, days_ago(90), ["c", SPAN]),
        ({"strategy": "since_change_point"}, days_ago(91), ["a", "c", SPAN]),
        ({"strategy": "since_change_point"}, days_ago(3), [SPAN]),
    ],
)
def test_the_plan_names_the_spans_that_its_strategy_keeps(policy, changed, expected):
    plan = plan_training(TrainingPolicy(**policy), SPAN, BEFORE, changed)
    assert plan.spans == expected
    assert plan.weights == {}
    assert [use.span for use in plan.uses] == ["baseline", "a", "c"]
    assert [use.span for use in plan.uses if use.use == "discard"] == [
        span for span in ("baseline", "a", "c") if span not in expected
    ]


LIKE = Likeness(
    rows=500,
    divergence=0.01,
    most_moved="fare",
    kullback_leibler=0.02,
    kolmogorov_smirnov=0.05,
    separability=0.52,
    effective_share=0.95,
    regret=0.001,
    regret_error=0.002,
    loss=0.5,
)
OTHER_INPUTS = replace(LIKE, separability=0.8, effective_share=0.3)
OTHER_CONCEPT = replace(LIKE, regret=0.2, regret_error=0.01)


@pytest.mark.parametrize("strategy", ["similar", "importance_weighted"])
def test_the_good_is_kept_the_bad_discarded_and_what_differs_weighed(strategy):
    before = past(labelled_rows=(("a", 500), ("b", 500), ("c", 500), ("d", 20)))
    likenesses = {"a": OTHER_CONCEPT, "b": OTHER_INPUTS, "c": LIKE}
    plan = plan_training(TrainingPolicy(strategy=strategy), SPAN, before, None, likenesses)
    assert [use.use for use in plan.uses] == [
        "discard",
        "down_weight",
        "keep" if strategy == "similar" else "down_weight",
        "keep",
    ]
    assert plan.spans == ["b", "c", "d", SPAN]
    assert plan.weights == {"b": 0.3} | ({} if strategy == "similar" else {"c": 0.95})
    assert plan.weigh_rows == (strategy == "importance_weighted")
    assert "labels follow from inputs differently" in plan.uses[0].reason
    assert "most fare" in plan.uses[1].reason
    assert "too few labelled rows" in plan.uses[3].reason


@pytest.mark.parametrize("strategy", ["all", "window", "similar", "since_change_point"])
def test_nothing_is_learned_from_broken_data(strategy):
    before = past(labelled_rows=(("a", 500), ("c", 500)), broken=frozenset({"c"}), window_ends=ENDS)
    plan = plan_training(TrainingPolicy(strategy=strategy), SPAN, before, None, {"c": LIKE})
    assert "c" not in plan.spans
    assert (plan.uses[-1].use, "did not fit the schema" in plan.uses[-1].reason) == (
        "discard",
        True,
    )


def test_the_history_tells_which_data_was_broken(tmp_path):
    history = History(str(tmp_path))
    for span, errors in (("2014-01-01", 0), ("2014-02-01", 1)):
        report = drift("act", errors=errors).model_dump_json()
        record = SpanRecord(
            span=span, window_start=NOW, window_end=NOW, revision="", complete=True, action=""
        )
        history.write_span(
            record, lambda folder, text=report: Path(folder, "drift.json").write_text(text)
        )
    assert read_past(history, "2014-03-01", NOW).broken == {"2014-02-01"}


def test_the_baseline_counts_as_the_oldest_span():
    before = past(labelled_rows=(("baseline", 900), ("a", 500), ("c", 500)))
    likenesses = {"a": OTHER_CONCEPT, "c": LIKE}
    plan = plan_training(TrainingPolicy(strategy="similar"), SPAN, before, None, likenesses)
    assert plan.spans == ["c", SPAN]
    assert plan.uses[0].reason.startswith("judged as the oldest span compared, a: ")


def test_a_broken_span_judges_no_older_ones():
    before = past(labelled_rows=(("baseline", 900), ("a", 500), ("b", 500), ("c", 500)))
    before = replace(before, broken=frozenset({"b"}))
    likenesses = {"b": OTHER_CONCEPT, "c": LIKE}
    plan = plan_training(TrainingPolicy(), SPAN, before, None, likenesses)
    assert plan.spans == ["baseline", "a", "c", SPAN]
    assert plan.uses[0].reason.startswith("judged as the oldest span compared, c: ")


def test_spans_older_than_those_compared_are_judged_as_the_oldest_of_them():
    before = past(labelled_rows=(("a", 500), ("b", 500), ("c", 500)))
    likenesses = {"b": OTHER_CONCEPT, "c": LIKE}
    plan = plan_training(TrainingPolicy(), SPAN, before, None, likenesses)
    assert [use.use for use in plan.uses] == ["discard", "discard", "keep"]


def test_nothing_is_compared_before_a_trigger_asks():
    def compare():
        calls.append(1)
        return {}

    for reports, expected in ((good(), []), (good(drift=drift("act")), [1])):
        calls = []
        plan = decide_retrain(RetrainPolicy(), SPAN, reports, BEFORE, False, compare)[1]
        assert calls == expected
        told = "too few labelled rows" if expected else "nothing asks for retraining"
        assert all(told in use.reason for use in plan.uses)


def test_a_change_point_of_this_span_or_an_earlier_one_counts():
    policy = RetrainPolicy(training={"strategy": "since_change_point"})
    report = drift("act")
    changed = report.comparisons[0].model_copy(update={"detail": Detail(since=days_ago(50))})
    reports = good(drift=report.model_copy(update={"comparisons": [changed]}))
    for found, before, spans in [
        (reports, BEFORE, ["c", SPAN]),
        (good(), replace(BEFORE, change_point=days_ago(50)), ["c", SPAN]),
        (reports, replace(BEFORE, change_point=days_ago(10)), [SPAN]),
        (good(), BEFORE, ["baseline", "a", "c", SPAN]),
    ]:
        assert decide_retrain(policy, SPAN, found, before)[1].spans == spans


@given(
    strategy=st.sampled_from(["window", "all", "since_change_point", "similar"]),
    rows=st.lists(st.integers(0, 9), max_size=6),
    kept=st.integers(1, 6),
    days=st.none() | st.integers(0, 60),
)
def test_each_span_with_labels_has_one_use_and_this_span_comes_last(strategy, rows, kept, days):
    names = [f"s{i}" for i in range(len(rows))]
    before = past(
        labelled_rows=tuple(zip(names, rows, strict=True)),
        window_ends={name: days_ago(10 * (len(rows) - i)) for i, name in enumerate(names)},
    )
    changed = None if days is None else NOW - timedelta(days=days)
    plan = plan_training(TrainingPolicy(strategy=strategy, spans=kept), SPAN, before, changed)
    assert [use.span for use in plan.uses] == [n for n, r in zip(names, rows, strict=True) if r]
    used = [use.span for use in plan.uses if use.use != "discard"]
    assert plan.spans == [*used, SPAN]
    assert set(plan.weights) <= set(used)


def sample(seed, rows=2000, shift=0.0, flipped=False, real=False):
    """Labels follow from x and city; ``shift`` moves x, ``flipped`` turns its effect round."""
    random = np.random.default_rng(seed)
    x, city = random.normal(shift, 1, rows), random.integers(0, 3, rows)
    mean = (-1 if flipped else 1) * 1.5 * x + 0.5 * (city == 1)
    label = (
        mean + random.normal(size=rows) if real else random.random(rows) < 1 / (1 + np.exp(-mean))
    )
    return pa.table(
        {
            "x": x,
            "city": np.array(["Bern", "Basel", "Chur"])[city],
            "prediction": random.random(rows),
            "log_model_version": np.full(rows, "1"),
            "label": label.astype(np.float32),
        }
    )


def compared(earlier, current, features=()):
    return likeness(earlier, current, features, "label")


@pytest.mark.parametrize("real", [False, True])
def test_spans_of_one_distribution_are_alike(real):
    found = compared(sample(1, real=real), sample(2, real=real))
    assert found.separability < 0.55
    assert found.effective_share > 0.8
    assert found.divergence < 0.01
    assert found.kullback_leibler < 0.04
    assert found.kolmogorov_smirnov < 0.06
    assert found.regret - 2 * found.regret_error < 0.05 * found.loss


@pytest.mark.parametrize("real", [False, True])
def test_other_inputs_are_told_apart_but_teach_the_same(real):
    found = compared(sample(1, shift=1.0, real=real), sample(2, real=real))
    assert found.separability > 0.7
    assert found.effective_share < 0.8
    assert found.most_moved == "x"
    assert found.kullback_leibler > 0.2
    assert found.kolmogorov_smirnov > 0.3
    assert found.regret - 2 * found.regret_error < 0.05 * found.loss


@pytest.mark.parametrize("real", [False, True])
def test_another_relation_shows_in_the_regret_alone(real):
    found = compared(sample(1, flipped=True, real=real), sample(2, real=real))
    assert found.separability < 0.55
    assert found.regret - 2 * found.regret_error > 0.5 * found.loss


def test_few_rows_or_no_label_cannot_be_compared():
    assert compared(sample(1, rows=99), sample(2)) is None
    assert compared(sample(1).drop(["label"]), sample(2)) is None


def test_only_the_features_named_are_looked_at():
    moved = sample(1, shift=3.0)
    assert compared(moved, sample(2), ["city"]).separability < 0.55


def test_the_same_samples_give_the_same_numbers():
    assert compared(sample(1), sample(2)) == compared(sample(1), sample(2))


def test_spans_of_the_history_are_compared_by_their_samples(tmp_path):
    history, none = History(str(tmp_path / "history")), DatasetFeatureStatisticsList()
    for span, rows in (
        ("2014-01-01", sample(1, flipped=True)),
        ("2014-02-01", sample(2)),
        ("2014-03-01", None),
    ):

        def fill(folder, rows=rows):
            write_statistics(f"{folder}/statistics", "labelled", SplitStatistics(none, rows))

        record = SpanRecord(
            span=span, window_start=NOW, window_end=NOW, revision="", complete=True, action=""
        )
        history.write_span(record, fill)
    now = str(tmp_path / "now")
    write_statistics(now, "labelled", SplitStatistics(none, sample(3)))
    found = read_likenesses(TrainingPolicy(), history, "2014-04-01", now)
    assert set(found) == {"2014-01-01", "2014-02-01"}
    assert found["2014-01-01"].regret > 10 * abs(found["2014-02-01"].regret)
    newest = read_likenesses(TrainingPolicy(compared=2), history, "2014-04-01", now)
    assert set(newest) == {"2014-02-01"}
    assert read_likenesses(TrainingPolicy(strategy="all"), history, "2014-04-01", now) == {}
