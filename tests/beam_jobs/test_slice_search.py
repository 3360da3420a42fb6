from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom
from tfx_vigil.beam_jobs.engine import job_options
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.reports import SlicesFound
from tfx_vigil.beam_jobs.slice_search import SliceSearchConfig
from tfx_vigil.beam_jobs.slice_search.candidates import Contrast, Losses, cross
from tfx_vigil.beam_jobs.slice_search.find_slices import FindSlices
from tfx_vigil.beam_jobs.slice_search.null_tails import Population
from tfx_vigil.beam_jobs.slice_search.partitions import partition
from tfx_vigil.beam_jobs.slice_search.row_sample import SampleRows
from tfx_vigil.beam_jobs.slice_search.search import search_slices
from tfx_vigil.beam_jobs.tables import list_columns

MIN_ROWS = 30


def table(**columns):
    arrays = [pa.array(values) for values in columns.values()]
    return list_columns("test", pa.RecordBatch.from_arrays(arrays, list(columns)))


def features(generator, rows, numbers=2, categories=2):
    made = {f"x{i}": generator.lognormal(size=rows) for i in range(numbers)}
    made |= {f"c{i}": generator.choice(list("abcdef"), rows) for i in range(categories)}
    return table(**made)


def partitions(batch, min_rows=MIN_ROWS):
    found = (partition(name, batch.column(name), 4, 50, min_rows) for name in batch.schema.names)
    return [part for part in found if part]


# Losses drawn at random


def test_tails_are_those_of_random_draws_for_skewed_losses():
    generator = np.random.default_rng(0)
    losses = generator.lognormal(0, 1.5, 200)
    population = Population.of(losses)
    for rows in (10, 40, 150):
        drawn = generator.permuted(np.tile(losses, (40_000, 1)), axis=1)[:, :rows].sum(axis=1)
        for tail in (0.01, 0.002):
            point = np.quantile(drawn, 1 - tail)
            (found,) = population.upper_tails(np.array([rows]), np.array([point]))
            assert found == pytest.approx(tail, rel=0.25)


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 400), st.data())
def test_tails_of_wrong_or_right_are_exact(rows, data):
    wrong = data.draw(st.integers(1, rows - 1))
    drawn = data.draw(st.integers(1, rows - 1))
    hits = data.draw(st.integers(max(0, drawn + wrong - rows), min(drawn, wrong)))
    losses = np.repeat([1.0, 0.0], [wrong, rows - wrong])
    (tail,) = Population.of(losses).upper_tails(np.array([drawn]), np.array([float(hits)]))
    assert tail == pytest.approx(hypergeom.sf(hits - 1, rows, wrong, drawn))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 195), st.sampled_from(["skewed", "counts", "rare"]))
def test_tails_fall_with_the_sum_and_stay_probabilities(seed, rows, kind):
    """Where one loss outweighs all others they have a step, as high as its chance to be drawn."""
    generator = np.random.default_rng(seed)
    losses = {
        "skewed": generator.lognormal(0, 2, 200),
        "counts": generator.poisson(0.4, 200).astype(float),
        "rare": np.where(generator.random(200) < 0.01, 16, generator.random(200) / 100),
    }[kind]
    population = Population.of(losses)
    most = np.sort(losses)[-rows:].sum()
    sums = np.linspace(population.mean * rows, most * 0.9, 50)
    tails = population.upper_tails(np.full(50, rows), sums)
    assert ((tails >= 0) & (tails <= 1)).all()
    far = population.scores(np.full(50, rows), sums - population.step / 2) > 2
    lowest = np.minimum.accumulate(tails[far])[:-1]
    near_a_step = lowest > rows / 200 / 5
    assert (tails[far][1:] <= np.where(near_a_step, 5, 1.001) * lowest).all()


def test_a_noisier_slice_with_the_same_mean_is_not_worse():
    generator = np.random.default_rng(5)
    alarms = 0
    for _ in range(400):
        losses = generator.exponential(size=1000)
        losses[:50] = generator.normal(1, 4, 50)
        contrast = Contrast.of(Losses.of(losses[:50]), Population.of(losses), Losses.of(losses))
        alarms += contrast.p_values[0] <= 0.05
    assert alarms <= 20 + 3 * 20**0.5


# Conditions on a feature


def test_a_category_is_taken_value_by_value_and_rare_values_together():
    batch = table(city=["Bern"] * 50 + ["Chur"] * 40 + ["Genf"] * 20 + ["Sion"] * 15 + [None] * 35)
    found = partition("city", batch.column("city"), 4, 50, MIN_ROWS)
    sizes = {name: found.holds(i).sum() for i, name in enumerate(found.conditions)}
    assert sizes == {
        "city=Bern": 50,
        "city=Chur": 40,
        "city is a rare value": 35,
        "city is missing": 35,
    }


def test_a_number_is_cut_into_ranges_and_ranges_of_ranges():
    values = [float(i) for i in range(1, 401)] + [None] * 10
    found = partition("miles", table(miles=values).column("miles"), 4, 50, MIN_ROWS)
    sizes = {name: found.holds(i).sum() for i, name in enumerate(found.conditions)}
    assert sizes == {
        "miles < 200.5": 200,
        "200.5 <= miles": 200,
        "miles < 100.8": 100,
        "100.8 <= miles < 200.5": 100,
        "200.5 <= miles < 300.2": 100,
        "300.2 <= miles": 100,
    }


def test_few_whole_numbers_are_taken_value_by_value_and_identifiers_not_at_all():
    batch = table(hour=np.arange(300) % 3, user=[f"u{i}" for i in range(300)], same=[1.0] * 300)
    assert partition("hour", batch.column("hour"), 4, 50, MIN_ROWS).conditions == (
        "hour=0",
        "hour=1",
        "hour=2",
    )
    assert partition("user", batch.column("user"), 4, 50, MIN_ROWS) is None
    assert partition("same", batch.column("same"), 4, 50, MIN_ROWS) is None


def test_crossed_losses_are_those_of_the_rows():
    generator = np.random.default_rng(2)
    one, other = partitions(features(generator, 500))[1:3]
    losses = generator.random(500)
    crossed = cross(losses, one, other)
    for i in range(len(one.conditions)):
        for j in range(len(other.conditions)):
            inside = losses[one.holds(i) & other.holds(j)]
            place = i * len(other.conditions) + j
            assert crossed.rows[place] == len(inside)
            assert crossed.means[place] == pytest.approx(inside.mean())
            assert crossed.variances[place] == pytest.approx(inside.var(ddof=1))


# The search


def test_a_planted_pair_is_found_alone_among_hundreds_of_candidates():
    generator = np.random.default_rng(3)
    for _ in range(5):
        parts = partitions(features(generator, 4000))
        bad = parts[0].holds(2) & parts[2].holds(1)
        losses = generator.exponential(size=4000) * np.where(bad, 2.5, 1)
        search = search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS)
        assert 0.025 < bad.mean() < 0.05
        assert search.tests > 200
        (found,) = search.found
        assert found.conditions == (parts[0].conditions[2], parts[2].conditions[1])
        assert found.rows == bad.sum()
        assert found.lower > 0
        assert (parts[2].conditions[1],) in found.same


def test_two_planted_slices_are_two_findings():
    generator = np.random.default_rng(4)
    parts = partitions(features(generator, 6000))
    first, second = parts[2].holds(0), parts[3].holds(4)
    losses = generator.exponential(size=6000) * np.where(first | second, 1.8, 1)
    found = search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS).found
    assert {each.conditions for each in found} == {
        (parts[2].conditions[0],),
        (parts[3].conditions[4],),
    }


@pytest.mark.parametrize("kind", ["skewed", "wrong"])
def test_nothing_is_found_where_nothing_is_planted(kind):
    generator = np.random.default_rng(6)
    parts = partitions(features(generator, 800))
    config = SliceSearchConfig(minimum_effect=0)
    invented = 0
    for _ in range(200):
        if kind == "skewed":
            losses = generator.lognormal(-1, 1.5, 800)
        else:
            losses = (generator.random(800) < 0.1).astype(float)
        invented += bool(search_slices(losses, parts, config, MIN_ROWS).found)
    assert invented <= 0.05 * 200


def test_a_slice_that_is_hardly_worse_is_not_material():
    generator = np.random.default_rng(7)
    parts = partitions(features(generator, 20_000))
    losses = generator.exponential(size=20_000) + 0.15 * parts[2].holds(0)
    of_any_size = SliceSearchConfig(minimum_effect=0)
    assert search_slices(losses, parts, of_any_size, MIN_ROWS).found
    assert not search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS).found


def test_pairs_beyond_the_budget_count_as_tested_and_the_promising_come_first():
    generator = np.random.default_rng(8)
    parts = partitions(features(generator, 4000))
    bad = parts[0].holds(2) & parts[2].holds(1)
    losses = generator.exponential(size=4000) * np.where(bad, 2.5, 1)
    whole = search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS)
    one = search_slices(losses, parts, SliceSearchConfig(most_pairs=1), MIN_ROWS)
    assert (one.pairs, one.pairs_left_out) == (1, whole.pairs - 1)
    assert one.tests >= whole.tests
    assert [found.conditions for found in one.found] == [found.conditions for found in whole.found]


# Rows in groups


def of_users(seed, users=300, each=20, bad=0.0):
    """Rows of users, each of one town and with losses of their own; ``bad``: more in town a."""
    generator = np.random.default_rng(seed)
    towns = generator.choice(list("abcdef"), users)
    habits = generator.exponential(size=users) + bad * (towns == "a")
    user = np.repeat(np.arange(users), each)
    losses = habits[user] + generator.exponential(0.5, users * each)
    batch = table(town=towns[user], hour=generator.integers(0, 6, users * each))
    return losses, partitions(batch), user


def test_rows_of_users_give_false_findings_unless_they_are_taken_together():
    alone, together = 0, 0
    for seed in range(60):
        losses, parts, user = of_users(seed)
        alone += bool(search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS).found)
        together += bool(search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS, user).found)
    assert alone > 15
    assert together <= 6  # 0.05 of 60, and what chance adds once in a hundred times


def test_a_slice_of_users_is_found_with_an_interval_that_is_as_wide_as_users_differ():
    losses, parts, user = of_users(3, bad=1.5)
    (alone,) = search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS).found
    (found,) = search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS, user).found
    assert found.conditions == alone.conditions == ("town=a",)
    assert found.upper - found.lower > 2 * (alone.upper - alone.lower)
    assert 0 < found.lower < 1.5 < found.upper


def test_one_user_is_no_finding():
    losses, parts, user = of_users(4, bad=1.5)
    town = parts[0].holds(parts[0].conditions.index("town=a"))
    user = np.where(town, user.max() + 1, user)
    assert not search_slices(losses, parts, SliceSearchConfig(), MIN_ROWS, user).found


# The Beam job


def labelled(rows=3000):
    generator = np.random.default_rng(9)
    city = generator.choice(["Bern", "Chur", "Genf"], rows)
    hour = generator.integers(0, 4, rows)
    score = generator.random(rows).astype(np.float32)
    chance = np.where((city == "Chur") & (hour == 2), 1 - score, score)
    label = (generator.random(rows) < chance).astype(float)
    return table(
        city=city,
        hour=hour,
        log_row=np.arange(rows),
        user=np.where(city == "Chur", "chris", np.arange(rows).astype(str)),
        prediction=score,
        label=[None if i % 100 == 0 else y for i, y in enumerate(label.tolist())],
        codes=[[1, 2]] * rows,
    )


SEARCHES = {
    "all": SliceSearchConfig(),
    "sample": SliceSearchConfig(most_rows=500, features=["city", "zip"]),
    "unlabelled": SliceSearchConfig(),
    "by user": SliceSearchConfig(),
    "of the user": SliceSearchConfig(features=["city", "user"]),
}


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """What each search finds in batches of the same rows, the last in rows without labels."""
    folder, whole = tmp_path_factory.mktemp("found"), labelled()
    batches = [whole.slice(start, 700) for start in range(0, whole.num_rows, 700)]
    evaluation = EvaluationConfig(label="label", min_slice_rows=MIN_ROWS)
    with beam.Pipeline(options=job_options()) as pipeline:
        for name, search in SEARCHES.items():
            changes = {"unlabelled": {"label": "no such column"}, "by user": {"group_by": "user"}}
            changes["of the user"] = changes["by user"]
            config = evaluation.model_copy(update=changes.get(name, {}))
            path = str(folder / name)
            _ = (
                pipeline
                | f"Create {name}" >> beam.Create(batches)
                | f"Find {name}" >> FindSlices(config, search, "logged", "prediction", ("label",))
                | f"Write {name}"
                >> beam.Map(lambda found, path=path: Path(path).write_text(found.model_dump_json()))
            )
    return {name: SlicesFound.model_validate_json((folder / name).read_text()) for name in SEARCHES}


def test_the_job_finds_the_slice_in_batches_of_rows(documents):
    document = documents["all"]
    (finding,) = document.findings
    assert finding.slice == "city=Chur, hour=2"
    assert finding.features == ["city", "hour"]
    assert finding.lower > 0
    assert document.rows == document.rows_searched == 2970
    assert document.loss == "log_loss"
    assert document.not_searched == {"codes": "several values in a row"}


def test_the_job_searches_a_sample_of_many_rows_and_only_the_features_asked_for(documents):
    document = documents["sample"]
    assert (document.rows, document.rows_searched) == (2970, 500)
    assert document.not_searched == {"zip": "no such column"}


def test_the_job_without_labels_finds_nothing(documents):
    assert (documents["unlabelled"].rows, documents["unlabelled"].findings) == (0, [])


def test_the_job_takes_the_rows_of_a_user_together(documents):
    document = documents["by user"]
    assert (document.rows, document.findings) == (2970, [])
    assert "user" not in document.not_searched


def test_the_job_says_why_it_does_not_search_what_rows_are_grouped_by(documents):
    assert documents["of the user"].not_searched == {"user": "its rows are taken together"}


def test_a_sample_of_parts_is_that_of_the_whole():
    combine = SampleRows(50)
    losses = np.random.default_rng(10).random((4, 100))
    batch = table(x=list(range(100)))

    def sample(parts):
        accumulator = combine.create_accumulator()
        for part in parts:
            combine.add_input(accumulator, (batch, losses[part]))
        return accumulator

    whole = combine.extract_output(sample(range(4)))
    parts = [sample([3, 0]), sample([2]), sample([1])]
    merged = combine.extract_output(combine.merge_accumulators(parts))
    assert whole.seen == merged.seen == 400
    assert whole.held == merged.held == 50
    assert sorted(whole.rows()[1]) == sorted(merged.rows()[1])
