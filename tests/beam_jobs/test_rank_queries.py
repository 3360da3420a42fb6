"""Rankings, beside TFMA, scikit-learn and the plain formulas."""

import json

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import ndcg_score
from tensorflow_model_analysis.metrics import ndcg
from tfx_vigil.beam_jobs import evaluate_slices as job
from tfx_vigil.beam_jobs.accounting import AccountError
from tfx_vigil.beam_jobs.evaluation_config import RANKING, EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_plan import make_plan
from tfx_vigil.beam_jobs.metrics.slice_table import SliceTable
from tfx_vigil.beam_jobs.rank_queries import RANKINGS, rankings
from tfx_vigil.beam_jobs.reports import SliceReport, read_report
from tfx_vigil.beam_jobs.write_evaluation import Evaluation, write_evaluation

QUERIES = 120
CONFIG = EvaluationConfig(
    label="gain",
    prediction="score",
    task=RANKING,
    query="q",
    slices=[["country"]],
    min_slice_rows=20,
)


def rows(seed=1):
    """Columns of rows in no order; queries of 2 to 15 rows, one of ten without a relevant one."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(QUERIES), rng.integers(2, 16, QUERIES))
    gain = rng.integers(0, 4, len(query)) * (query % 10 != 0)
    gain[np.unique(query, return_index=True)[1]] += query[0] + (np.arange(QUERIES) % 10 != 0)
    score = gain + rng.normal(0, 2, len(query))
    order = rng.permutation(len(query))
    return query[order], score[order], gain[order].astype(float)


def by_formula(query, score, gain, most=None):
    values = {"ndcg": [], "ndcg_at_10": [], "mrr": []}
    for q in np.unique(query):
        s, g = score[query == q], gain[query == q]
        ranked, best = g[np.argsort(-s, kind="stable")], np.sort(g)[::-1]
        discount = 1 / np.log2(np.arange(len(g)) + 2)
        for name, k in (("ndcg", len(g)), ("ndcg_at_10", 10)):
            ideal = (best * discount)[:k].sum()
            values[name].append((ranked * discount)[:k].sum() / ideal if ideal else 0)
        found = np.flatnonzero(ranked > 0)
        values["mrr"].append(1 / (found[0] + 1) if len(found) else 0)
    return np.column_stack(list(values.values()))


def test_values_are_those_of_the_formulas():
    query, score, gain = rows()
    assert list(RANKINGS) == ["ndcg", "ndcg_at_10", "mrr"]
    assert rankings(query, score, gain) == pytest.approx(by_formula(query, score, gain))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12),
)
def test_ndcg_of_tied_scores_is_scikit_learns(pairs):
    gain, score = np.array(pairs, float).T
    found = rankings(np.zeros(len(gain), int), score, gain)[0]
    assert found[0] == pytest.approx(ndcg_score([gain], [score]), abs=1e-12)
    assert found[1] == pytest.approx(ndcg_score([gain], [score], k=10), abs=1e-12)


def test_a_tied_relevant_row_comes_last():
    found = rankings(np.zeros(3, int), np.array([0.5, 0.5, 0.1]), np.array([1.0, 0.0, 1.0]))
    assert found[0, 2] == 1 / 2


def lists(values, kind):
    return pa.array([None if v is None else [v] for v in values], pa.large_list(kind))


def batch():
    query, score, gain = rows()
    country = [None if q == 3 else (b"CH" if q % 2 else b"AT") for q in query]
    return pa.RecordBatch.from_pydict(
        {
            "q": lists([f"q{q}".encode() for q in query], pa.large_binary()),
            "score": lists(score, pa.float64()),
            "gain": lists(gain, pa.float32()),
            "country": lists(country, pa.large_binary()),
        }
    )


def evaluate(uri, batches, config=CONFIG):
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create(batches)
        source | job.EvaluateSlices(config, str(uri), str(uri))
    return read_report(str(uri), SliceReport)


def test_queries_are_evaluated_with_intervals_however_their_rows_lie(tmp_path):
    whole = batch()
    report = evaluate(tmp_path, [whole.slice(start, 100) for start in range(0, len(whole), 100)])
    query, score, gain = rows()
    values = by_formula(query, score, gain)
    relevant = np.array([gain[query == q].max() > 0 for q in range(QUERIES)])
    found = {(m.slice, m.metric): m for m in report.metrics}
    assert report.primary_metric == "ndcg"
    assert report.rows == len(query)
    assert report.queries_without_relevance == (~relevant).sum() > 0
    odd = np.arange(QUERIES) % 2 == 1
    for slice_, chosen in (
        ("overall", relevant),
        ("country=CH", relevant & odd & (np.arange(QUERIES) != 3)),
        ("country=AT", relevant & ~odd),
    ):
        for place, name in enumerate(RANKINGS):
            m = found[slice_, name]
            assert m.value == pytest.approx(values[chosen, place].mean())
            assert m.n == chosen.sum()
            error = values[chosen, place].std(ddof=1) / chosen.sum() ** 0.5
            assert 1.96 * error < m.value - m.lower < 5 * error
            assert m.value < m.upper <= 1
    assert tfma.load_eval_result(str(tmp_path)).slicing_metrics


def test_ndcg_is_tfmas(tmp_path):
    query, score, gain = rows()
    metric = ndcg.NDCG(gain_key="gain", top_k_list=[10])
    (computation,) = metric.computations(query_key="q", sub_keys=[])
    combiner = computation.combiner
    accumulator = combiner.create_accumulator()
    for q in np.unique(query):
        chosen = query == q
        inputs = tfma.metrics.StandardMetricInputs(
            {
                tfma.LABELS_KEY: gain[chosen],
                tfma.PREDICTIONS_KEY: score[chosen],
                "combined_features": {"q": query[chosen], "gain": gain[chosen]},
                tfma.FEATURES_KEY: {"q": query[chosen], "gain": gain[chosen]},
            }
        )
        accumulator = combiner.add_input(accumulator, inputs)
    (value,) = combiner.extract_output(accumulator).values()
    report = evaluate(tmp_path, [batch()])
    found = {m.metric: m.value for m in report.metrics if m.slice == "overall"}
    assert found["ndcg_at_10"] == pytest.approx(value)


def test_an_eval_configs_metrics_of_queries_are_left_to_tfma(tmp_path):
    arguments = json.dumps({"gain_key": "gain", "top_k_list": [10]})
    eval_config = {
        "model_specs": [{"label_key": "gain", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["country"]}],
        "metrics_specs": [
            {"query_key": "q", "metrics": [{"class_name": "NDCG", "config": arguments}]}
        ],
    }
    config = EvaluationConfig(task="regression", eval_config=eval_config, min_slice_rows=20)
    found = evaluate(tmp_path / "tfma", [batch()], config)
    ours = evaluate(tmp_path / "ours", [batch()])
    assert found.by_tfma == ["NDCG"]
    values = {m.slice: m.value for m in found.metrics}
    for m in ours.metrics:
        if m.metric == "ndcg_at_10":
            assert values[m.slice] == pytest.approx(m.value)


def test_rows_without_a_query_are_dropped_and_counted(tmp_path):
    whole = batch()
    columns = dict(zip(whole.schema.names, whole.columns, strict=True))
    names = columns["q"].to_pylist()
    columns["q"] = pa.array([None, *names[1:]], columns["q"].type)
    report = evaluate(tmp_path, [pa.RecordBatch.from_pydict(columns)])
    assert (report.dropped["missing_query"], report.rows) == (1, len(whole) - 1)


def test_rows_lost_on_the_way_to_their_query_fail_the_job(tmp_path):
    plan = make_plan(CONFIG, {"logged": "score"})
    evaluation = Evaluation(CONFIG, plan, {}, f"{tmp_path}/e", f"{tmp_path}/r")
    nothing = SliceTable(plan.needs()).statistics()
    with pytest.raises(AccountError, match="rows=2 but rows_ranked=1"):
        write_evaluation(evaluation, {"rows_read": 2, "rows": 2, "rows_ranked": 1}, nothing)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "query: name its column"),
        ({"query": "q", "weight": "w"}, "a ranking has none of them"),
        ({"query": "q", "task": "regression"}, "query: name its column"),
    ],
)
def test_what_a_ranking_needs_is_asked_for(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        EvaluationConfig(**{"label": "y", "task": RANKING} | settings)
