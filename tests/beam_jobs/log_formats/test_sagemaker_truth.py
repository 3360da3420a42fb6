"""Records made by hand from SageMaker's definition of ground truth."""

import base64
import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_formats.sagemaker_truth import arrival, parse_sagemaker_truth
from tfx_vigil.beam_jobs.log_values import Malformed

from .sagemaker_writer import write_truth

HOUR = 1_607_090_400_000_000


def truth(data, encoding="CSV", event_id="aaaa-bbbb-cccc"):
    return {
        "groundTruthData": {"data": data, "encoding": encoding},
        "eventMetadata": {"eventId": event_id},
        "eventVersion": "0",
    }


def labels(data, encoding="CSV"):
    found = parse_sagemaker_truth(truth(data, encoding))
    assert {request_id for request_id, _, _ in found} == {"aaaa-bbbb-cccc"}
    return {row: label for _, row, label in found}


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        ("1", "CSV", {0: 1}),
        ("1\n0\n", "CSV", {0: 1, 1: 0}),
        ("1\r\n0", "CSV", {0: 1, 1: 0}),
        ("1\n\n0\n", "CSV", {0: 1, 2: 0}),
        ('fraud\n"a, b"\n', "CSV", {0: "fraud", 1: "a, b"}),
        ("0.5", "JSON", {0: 0.5}),
        ("true", "JSON", {0: True}),
        ('[1, null, "x"]', "JSON", {0: 1, 2: "x"}),
        ('{"label": 1}', "JSON", {0: 1}),
        ('[{"label": 1}, {"label": 0}]', "JSON", {0: 1, 1: 0}),
    ],
)
def test_labels_of_csv_and_json(data, encoding, expected):
    assert labels(data, encoding) == expected
    assert labels(base64.b64encode(data.encode()).decode(), "BASE64") == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, "missing:groundTruthData"),
        ({"groundTruthData": 5}, "bad_value:groundTruthData"),
        (truth(None), "missing:data"),
        (truth(1), "bad_value:groundTruthData"),
        (truth("1", None), "missing:encoding"),
        (truth("1", "XML"), "bad_value:groundTruthData"),
        (truth("1,2"), "bad_value:groundTruthData"),
        (truth('"1'), "bad_value:groundTruthData"),
        (truth("{", "JSON"), "bad_value:groundTruthData"),
        (truth("[[1]]", "JSON"), "bad_value:groundTruthData"),
        (truth('{"a": 1, "b": 2}', "JSON"), "bad_value:groundTruthData"),
        (truth("!", "BASE64"), "bad_value:groundTruthData"),
        (truth(""), "missing:groundTruthData"),
        (truth("null", "JSON"), "missing:groundTruthData"),
        (truth("1", event_id=None), "missing:eventId"),
        (truth("1", event_id=[]), "bad_value:eventId"),
        (truth("1") | {"eventMetadata": None}, "missing:eventMetadata"),
    ],
)
def test_malformed_records_say_which_field(record, expected):
    with pytest.raises(Malformed) as error:
        parse_sagemaker_truth(record)
    assert error.value.reason == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://bucket/truth/2020/12/04/14/labels.jsonl", HOUR),
        ("2020/12/04/14/labels.jsonl.gz", HOUR),
        ("/x/2019/01/01/00/2020/12/04/14/part/labels.jsonl", HOUR),
        ("/x/2020/12/04/labels.jsonl", None),
        ("/x/12020/12/04/14/labels.jsonl", None),
        ("/x/2020/13/04/14/labels.jsonl", None),
        ("/x/2020/12/04/24/labels.jsonl", None),
        ("labels.jsonl", None),
    ],
)
def test_labels_arrive_at_the_beginning_of_the_hour_in_their_path(path, expected):
    assert arrival(path) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(), x, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    json_values | st.text() | json_values.map(json.dumps),
    st.sampled_from(["CSV", "JSON", "BASE64"]),
    json_values,
)
def test_any_record_is_read_or_malformed(data, encoding, event_id):
    with contextlib.suppress(Malformed):
        parse_sagemaker_truth(truth(data, encoding, event_id))


@settings(deadline=None)
@given(st.text())
def test_any_path_has_an_hour_or_none(path):
    arrival(path)


def test_the_files_of_the_writer(tmp_path):
    write_truth(tmp_path, [("r1", HOUR + 5, [1, 0]), ("r2", HOUR, ["yes"])])
    (path,) = tmp_path.rglob("*.jsonl")
    assert arrival(str(path)) == HOUR
    records = map(json.loads, path.read_text().splitlines())
    found = [x for record in records for x in parse_sagemaker_truth(record)]
    assert found == [("r1", 0, 1), ("r1", 1, 0), ("r2", 0, "yes")]
