from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.privacy_batch import load_keys
from tfx_vigil.beam_jobs.pseudonymize import run
from tfx_vigil.beam_jobs.subjects import register
from tfx_vigil.beam_jobs.subjects.lookup import Lookup
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.register import RegisterError, SubjectRegister

from .stored_rows import batch, parsed, policy, read, write

PEOPLE = ["ada", "bob", "cyd", "dan"]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keyset.json"
    keysets.create(str(path))
    return policy(path)


def registered(config, erased=(), restricted=()):
    return SubjectRegister(
        erased={marks_of(config, x).tag for x in erased},
        restricted={marks_of(config, x).tag for x in restricted},
    )


def test_a_register_is_read_as_it_was_saved(tmp_path):
    root = str(tmp_path / "history")
    assert register.load(root).is_empty
    assert register.load("").is_empty
    people = (
        SubjectRegister().with_erased("a", "b").with_restricted("c", "d").without_restricted("d")
    )
    register.save(root, people)
    assert register.load(root) == SubjectRegister(erased={"a", "b"}, restricted={"c"})
    register.save(root, people.with_erased("e"))
    assert register.load(root).erased == {"a", "b", "e"}
    assert [path.name for path in Path(root, "subjects").iterdir()] == ["register.json"]


@pytest.mark.parametrize("content", ["", "{", '{"erased": 7}', '{"people": []}'])
def test_a_damaged_register_is_never_taken_for_an_empty_one(tmp_path, content):
    register.save(str(tmp_path), SubjectRegister(erased={"a"}))
    Path(tmp_path, "subjects", "register.json").write_text(content)
    with pytest.raises(RegisterError, match="register of people"):
        register.load(str(tmp_path))


someone = st.none() | st.sampled_from(PEOPLE) | st.lists(st.sampled_from(PEOPLE), max_size=2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(someone, someone), min_size=1), st.sets(st.sampled_from(PEOPLE)))
def test_each_row_is_used_kept_aside_or_dropped_by_the_people_in_it(config, rows, erased):
    restricted = {"bob", "cyd"}
    rider, driver = zip(*rows, strict=True)
    columns = batch(rider=rider, driver=driver, n=range(len(rows)))
    people = registered(config, erased, restricted)

    used, aside, dropped = Lookup(config, people, load_keys(config, 1)).apart(columns)

    who = [
        {x for cell in row if cell for x in ([cell] if isinstance(cell, str) else cell)}
        for row in rows
    ]
    assert dropped == sum(bool(x & erased) for x in who)
    kept = [n for n, x in enumerate(who) if not x & erased]
    numbers = [[n for (n,) in part.column(2).to_pylist()] for part in (used, aside)]
    assert numbers == [
        [n for n in kept if not who[n] & restricted],
        [n for n in kept if who[n] & restricted],
    ]


def test_numbers_are_looked_up_as_their_text(config):
    lookup = Lookup(config, registered(config, ["17"]), load_keys(config, 1))
    assert lookup.apart(batch(rider=[17, 170, None, [1, 17]])).erased == 2


def test_a_large_register_costs_no_more(config):
    tags = {f"{n:032x}" for n in range(100_000)}
    people = registered(config, ["ada"]).with_erased(*tags)
    lookup = Lookup(config, people, load_keys(config, 1))
    assert lookup.apart(batch(rider=["ada", "bob"] * 2_000)).erased == 2_000


def test_a_late_duplicate_of_an_erased_person_is_dropped_and_a_restricted_ones_kept_aside(
    config, tmp_path
):
    rows = batch(rider=["ada", "bob", "cyd"], note=["a@example.com"] * 3)
    write(tmp_path / "raw" / "Split-labelled" / "d.gz", rows, rows)
    history = str(tmp_path / "history")
    register.save(history, registered(config, ["ada"], ["bob"]))
    keysets.rotate(config.keyset)

    report = run(config, str(tmp_path / "raw"), str(tmp_path / "out"), history_root=history)

    assert (report.rows_read, report.rows_written) == (6, 2)
    assert (report.rows_restricted, report.rows_erased) == (2, 2)
    assert [finding.values for finding in report.findings] == [4], "of rows written or kept aside"
    (aside,) = Path(tmp_path, "out", "Split-restricted").iterdir()
    assert aside.name == "labelled.data_tfrecord-00000-of-00001.gz"
    bob = marks_of(config, "bob").pseudonyms["rider"]
    stored = [row.features.feature["rider"].bytes_list.value[0] for row in parsed(read(aside))]
    assert len(stored) == 2
    assert {*stored} <= bob


def test_of_a_table_the_rows_of_both_are_left_out(config, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("rider,n\nada,1\nbob,2\ncyd,3\n")
    register.save(str(tmp_path), registered(config, ["ada"], ["bob"]))
    report = run(config, str(path), str(tmp_path / "out"), history_root=str(tmp_path))
    assert (report.rows_written, report.rows_restricted, report.rows_erased) == (1, 1, 1)
    assert [line.split(",")[1] for line in (tmp_path / "out" / "rows.csv").read_text().split()] == [
        '"n"',
        '"3"',
    ]


def test_a_damaged_register_stops_the_job_before_anything_is_written(config, tmp_path):
    write(tmp_path / "raw" / "Split-a" / "d.gz", batch(rider=["ada"]))
    register.save(str(tmp_path), SubjectRegister())
    Path(tmp_path, "subjects", "register.json").write_text("?")
    with pytest.raises(RegisterError):
        run(config, str(tmp_path / "raw"), str(tmp_path / "out"), history_root=str(tmp_path))
    assert not Path(tmp_path, "out").exists()
