import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.subjects.edit_files import edit_files
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.rectify import Rectify, treated_value

from .stored_rows import FIELDS, batch, parsed, policy, read, treat, write


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "keys" / "keyset.json"
    keysets.create(str(path))
    more = {
        "age": {"method": "generalize", "kind": "number", "width": 10},
        "secret": {"method": "redact", "leave": "nothing"},
        "born": {"method": "date_shift", "subject": "rider"},
        "weight": {"method": "noise", "epsilon": 1000, "lower": 0, "upper": 100},
    }
    return policy(path, fields=FIELDS | more)


def values(path, field):
    features = (example.features.feature[field] for example in parsed(read(path)))
    return [
        list(getattr(f, f.WhichOneof("kind")).value) if f.ByteSize() else None for f in features
    ]


@pytest.mark.parametrize(
    ("field", "old", "new", "stored"),
    [
        ("seats", [1, 2, 3, None], "7", [[7], [2], [7], None]),
        ("fare", [1.5, 2.5, [1.0, 2.0], []], "7.5", [[7.5], [2.5], [7.5], []]),
        ("city", ["Rome", "Oslo", "Rome", None], "Bari", [[b"Bari"], [b"Oslo"], [b"Bari"], None]),
        ("age", [31, 32, 49, None], "47", [[40], [30], [40], None]),
    ],
)
def test_a_value_is_replaced_in_the_persons_rows_that_have_one(
    config, tmp_path, field, old, new, stored
):
    rows = batch(rider=["ada", "bob", "ada", "ada"], other=["x", "y", None, "z"], **{field: old})
    path = write(tmp_path / "Split-labelled" / "d.gz", treat(config, rows))
    before = parsed(read(path))
    edit = Rectify([marks_of(config, "ada")], field, treated_value(config, "ada", field, new))

    (first,) = edit_files([path], edit)
    (second,) = edit_files([path], edit)

    assert values(path, field) == stored
    assert first.rows_changed == sum(
        a != b for a, b in zip(before, parsed(read(path)), strict=True)
    )
    assert (second.rows_kept, second.rows_changed) == (4, 0)
    assert values(path, "other") == [[b"x"], [b"y"], None, [b"z"]]


def test_a_subject_gets_the_pseudonym_of_the_new_identifier(config, tmp_path):
    path = write(tmp_path / "Split-a" / "d", treat(config, batch(rider=["ada", "bob"])))
    edit = Rectify([marks_of(config, "ada")], "rider", treated_value(config, "ada", "rider", "Ada"))
    edit_files([path], edit)
    (pseudonym,) = marks_of(config, "Ada").pseudonyms["rider"]
    assert values(path, "rider")[0] == [pseudonym]


def test_a_new_value_gets_its_subject_s_shift_and_noise_of_its_own(config):
    ada, bob = (treated_value(config, name, "born", "1980-05-06") for name in ("ada", "bob"))
    assert ada == treated_value(config, "ada", "born", "1980-05-06")
    assert len({ada, bob, "1980-05-06"}) == 3
    assert float(treated_value(config, "ada", "weight", "70")) == pytest.approx(70, abs=5)


def test_text_is_scanned_before_it_is_stored(config):
    assert treated_value(config, "ada", "city", "mail a@example.com") == "mail [EMAIL]"


def test_a_field_of_which_the_policy_keeps_nothing_cannot_be_rectified(config):
    with pytest.raises(ValueError, match="keeps nothing of field 'secret'"):
        treated_value(config, "ada", "secret", "x")


def test_a_value_of_another_type_is_refused_without_a_quote_and_nothing_is_written(
    config, tmp_path
):
    path = write(tmp_path / "Split-a" / "d", treat(config, batch(rider=["ada"], seats=[1])))
    edit = Rectify([marks_of(config, "ada")], "seats", "many")
    with pytest.raises(ValueError, match="field 'seats' holds int64") as error:
        edit_files([path], edit)
    assert "many" not in str(error.value)
    assert values(path, "seats") == [[1]]
