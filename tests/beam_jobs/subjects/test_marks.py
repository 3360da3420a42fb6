import pickle

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.subjects.marks import marks_of

from .stored_rows import batch, treat


@pytest.fixture
def config(tmp_path):
    def make(domain="riders", **fields):
        return PrivacyConfig(
            fields={"rider": {"method": "hmac", "role": "subject_id"}} | fields,
            patterns={"by_*": {"method": "aes_siv", "role": "subject_id"}},
            default="keep",
            keyset=f"{tmp_path}/keyset.json",
            domain=domain,
        )

    keysets.create(f"{tmp_path}/keyset.json")
    return make


def test_the_tag_outlives_key_versions_and_tells_domains_apart(config):
    before = marks_of(config(), "ada")
    keysets.rotate(config().keyset)
    after = marks_of(config(), "ada")
    assert before.tag == after.tag
    assert len({before.tag, marks_of(config(), "Ada").tag, marks_of(config("x"), "ada").tag}) == 3
    assert before.pseudonyms["rider"] < after.pseudonyms["rider"]
    assert len(after.pseudonyms["rider"]) == 2


@pytest.mark.parametrize("version", [1, 2])
def test_marks_are_what_the_job_makes_of_the_identifier_in_each_field(config, version):
    given = config(by_friend={"method": "hmac"}, card={"method": "fpe"})
    keysets.rotate(given.keyset)
    marks = marks_of(given, "1234567")
    row = batch(rider=["1234567"], by_car=[1234567], by_friend=["1234567"], card=["1234567"])
    (treated,) = treat(given, row, version).to_pylist()
    assert treated["rider"][0] in marks.pseudonyms["rider"]
    assert treated["by_car"][0].encode() in marks.pseudonyms["by_*"]
    assert marks.pseudonyms["by_friend"] == frozenset()
    assert treated["by_friend"][0] in marks.elsewhere["by_friend"]
    assert treated["card"][0] in marks.elsewhere["card"] - marks.mentions
    assert {treated["rider"][0], treated["by_car"][0].encode()} <= marks.mentions


def test_a_redacted_identifier_stands_for_nobody(config):
    assert marks_of(config(card={"method": "fpe"}), "12345").elsewhere["card"] == frozenset()


def test_marks_are_pickled_and_hold_nothing_raw(config):
    marks = marks_of(config(), "ada.lovelace")
    assert pickle.loads(pickle.dumps(marks)) == marks
    assert b"lovelace" not in pickle.dumps(marks)


def test_without_a_subject_field_nobody_can_be_found(tmp_path):
    with pytest.raises(ValueError, match="no field with the role subject_id"):
        marks_of(PrivacyConfig(default="keep"), "ada")
