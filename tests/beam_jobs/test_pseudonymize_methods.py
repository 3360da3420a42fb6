"""All methods in one job, over tf.Examples."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.pseudonymize import run

ROWS = {
    "rider": ["ada", "bob", "ada", None],
    "mail": ["ada@example.com", "bob@example.com", "ada@example.com", None],
    "card": ["4111-1111-1111-1111", "123", "4111-1111-1111-1111", "5500 0000 0000 0004"],
    "phone": ["+1 312 555 0142"] * 4,
    "zip": ["60614", "10115", "SW1A 1AA", "?"],
    "job": ["nurse", "cook", "astronaut", "nurse"],
    "born": ["1980-05-06", "1990-01-01", "1980-05-09", "1985-12-24"],
    "seen": [1_714_998_645, 1_714_998_646, 1_715_084_000, 1_714_998_647],
    "company": ["Flash Cab", "Sun Taxi", "Flash Cab", "Flash Cab"],
    "fare": [5, 10, 15, 20],
    "note": ["fine", "late", "fine", "late"],
}
KINDS = {"seen": pa.int64(), "fare": pa.int64()}


@pytest.fixture(scope="module")
def treated(tmp_path_factory):
    """The rows as dicts of lists, treated, and the folder of the output."""
    folder = tmp_path_factory.mktemp("methods")
    (folder / "jobs.csv").write_text("child,parent\nnurse,health\ncook,services\n")
    keysets.create(f"{folder}/keyset.json")
    config = PrivacyConfig(
        keyset=f"{folder}/keyset.json",
        domain="riders",
        default="keep",
        fields={
            "rider": {"method": "hmac", "role": "subject_id"},
            "mail": {"method": "aes_siv", "encoding": "base32"},
            "card": {"method": "fpe"},
            "phone": {"method": "mask", "keep_last": 4},
            "zip": {"method": "generalize", "kind": "postcode"},
            "job": {
                "method": "generalize",
                "kind": "category",
                "hierarchy": f"{folder}/jobs.csv",
            },
            "born": {"method": "date_shift", "subject": "rider", "max_days": 30},
            "seen": {"method": "date_shift", "subject": "rider", "max_days": 30, "unit": "s"},
            "company": {"method": "hash_bucket", "buckets": 64},
            "fare": {"method": "noise", "epsilon": 0.01, "lower": 0, "upper": 100},
            "note": {"method": "redact", "leave": "nothing"},
        },
    )
    columns = [
        pa.array(
            [None if value is None else [value] for value in values],
            pa.large_list(KINDS.get(name, pa.large_string())),
        )
        for name, values in ROWS.items()
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=list(ROWS))
    with tf.io.TFRecordWriter(f"{folder}/in.gz", "GZIP") as writer:
        for example in encode_examples(batch):
            writer.write(example)
    run(config, f"{folder}/in.gz", f"{folder}/out")
    files = sorted(map(str, Path(folder, "out", "Split-all").glob("*")))
    examples = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return ExamplesToRecordBatchDecoder().DecodeBatch(examples).to_pylist()


def texts(treated, name):
    return [row[name] and [value.decode() for value in row[name]] for row in treated]


def test_pseudonyms_stay_joinable(treated):
    for name in ("rider", "mail"):
        ada, bob, again, nobody = texts(treated, name)
        assert ada == again != bob
        assert re.fullmatch(r"v1\.[a-z0-9]+", ada[0])
        assert nobody is None
    card, short, again, other = [cell[0] for cell in texts(treated, "card")]
    assert card == again != "4111-1111-1111-1111"
    assert re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{4}", card)
    assert short == "[REDACTED]"
    assert re.fullmatch(r"\d{4} \d{4} \d{4} \d{4}", other)


def test_values_become_coarser(treated):
    assert texts(treated, "phone") == [["***********0142"]] * 4
    assert texts(treated, "zip") == [["606"], ["101"], ["SW1"], ["[REDACTED]"]]
    assert texts(treated, "job") == [["health"], ["services"], ["[REDACTED]"], ["health"]]
    assert all(0 <= row["company"][0] < 64 for row in treated)
    assert all("note" not in row for row in treated)


def test_times_of_a_subject_keep_their_distance_and_a_row_without_one_keeps_no_time(treated):
    ada, bob, again, nobody = (row["seen"] for row in treated)
    assert again[0] - ada[0] == 1_715_084_000 - 1_714_998_645
    assert 86_400 <= abs(ada[0] - 1_714_998_645) <= 30 * 86_400
    assert bob[0] != 1_714_998_646
    assert nobody == []
    first, _, later, unknown = texts(treated, "born")
    assert first != ["1980-05-06"]
    assert int(later[0][-2:]) - int(first[0][-2:]) in (3, -27, -28)
    assert unknown == ["[REDACTED]"]


def test_numbers_get_noise(treated):
    assert [row["fare"] for row in treated] != [[5], [10], [15], [20]]


@pytest.mark.parametrize("name", ["rides.csv", "rides"])
def test_a_missing_hierarchy_is_named_and_nothing_is_written(tmp_path, name):
    (tmp_path / name).write_text("job\nnurse\n")
    job = {"method": "generalize", "kind": "category", "hierarchy": f"{tmp_path}/jobs.csv"}
    with pytest.raises(ValueError, match=r"jobs\.csv: cannot read this hierarchy"):
        run(PrivacyConfig(fields={"job": job}), f"{tmp_path}/{name}", f"{tmp_path}/out")
    assert not (tmp_path / "out").exists()
