"""PredictionLogs made by hand from tensorflow_serving/apis/prediction_log.proto and its parts."""

import contextlib
import pickle

import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import prediction_log_pb2
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.log_formats.prediction_log import PredictionLogs
from tfx_vigil.beam_jobs.log_values import Malformed

from .calls import Call
from .logged_records import records_of
from .prediction_log_writer import to_example, to_log, write

TRIP = {"fare": 12.5, "hour": 19, "company": "Taxi ünited"}
GOLDEN = """
log_metadata {
  model_spec { name: "taxi" version { value: 7 } signature_name: "serving_default" }
  sampling_config { sampling_rate: 0.125 } saved_model_tags: "serve"
  timestamp_secs: 1795203600 dc: "aa" request_origin: "web" }
predict_log {
  request { model_spec { name: "taxi" version { value: 7 } signature_name: "serving_default" }
    inputs { key: "examples" value { dtype: DT_STRING tensor_shape { dim { size: 1 } } } } }
  response { outputs { key: "outputs" value { dtype: DT_FLOAT
    tensor_shape { dim { size: 1 } dim { size: 1 } } float_val: 0.75 } } } }
"""
ANSWER = 'response { outputs { key: "score" value { dtype: DT_FLOAT float_val: 0.5 } } }'


def parse(log, **config):
    """Alone and in a chunk with another log, with the same outcome."""
    config = IngestConfig(format="prediction_log", logs="x", **config)
    parser = pickle.loads(pickle.dumps(PredictionLogs(config)))
    record = log if type(log) is bytes else log.SerializeToString()
    together = parser.parse_all([record, record])
    if 0 in together.bad:
        with pytest.raises(Malformed, match=f"^{together.bad[0]}$"):
            parser.parse(record)
        raise Malformed(together.bad[0])
    request = parser.parse(record)
    rows = list(map(without_missing, request.rows))
    assert list(map(without_missing, together.rows)) == rows * 2
    assert together.predictions == (request.predictions or [None] * len(rows)) * 2
    return request._replace(rows=rows)


def without_missing(row):
    return {name: value for name, value in row.items() if value is not None}


def golden(*rows):
    log = text_format.Parse(GOLDEN, prediction_log_pb2.PredictionLog())
    examples = log.predict_log.request.inputs["examples"]
    for row in rows or [TRIP]:
        examples.string_val.append(to_example(row).SerializeToString())
    return log


def textual(kind, call):
    return text_format.Parse(f"{kind} {{ {call} }}", prediction_log_pb2.PredictionLog())


def predict(answer=ANSWER, **tensors):
    log = textual("predict_log", answer)
    for name, tensor in tensors.items():
        log.predict_log.request.inputs[name].CopyFrom(tensor)
    return log


def reason(log, **config):
    with pytest.raises(Malformed) as error:
        parse(log, **config)
    return error.value.reason


def test_a_log_of_a_serialized_example():
    request = parse(golden())
    assert request.rows == [TRIP]
    assert type(request.rows[0]["hour"]) is int
    assert (request.request_id, request.time) == (None, 1_795_203_600_000_000)
    assert request.predictions == [0.75]
    assert request.columns == {"log_model_version": "7", "log_sampling_weight": 8.0}


def test_the_digest_is_the_contents():
    record = golden().SerializeToString()
    other = golden({"fare": 1.0})
    assert parse(record).digest == parse(record).digest != parse(other).digest


def test_what_bulk_inferrer_leaves_out_is_none():
    log = golden()
    log.ClearField("log_metadata")
    log.predict_log.request.ClearField("model_spec")
    request = parse(log)
    assert (request.time, request.columns, request.rows) == (None, {}, [TRIP])


def test_a_request_without_a_response_has_no_predictions():
    log = golden()
    log.predict_log.ClearField("response")
    assert parse(log).predictions is None


@pytest.mark.parametrize("shape", [[], [2], [2, 1]])
def test_examples_are_found_in_any_input_of_any_shape(shape):
    log = golden(TRIP, {"fare": 1.0}) if shape else golden()
    inputs = log.predict_log.request.inputs
    tensor = inputs["raw"]
    tensor.CopyFrom(inputs["examples"])
    del inputs["examples"]
    tensor.tensor_shape.ClearField("dim")
    for size in shape:
        tensor.tensor_shape.dim.add().size = size
    answer = log.predict_log.response.outputs["outputs"]
    answer.tensor_shape.dim[0].size = len(tensor.string_val)
    assert parse(log).rows == ([TRIP, {"fare": 1.0}] if shape else [TRIP])


def test_features_of_several_no_and_undecodable_values():
    example = to_example({"none": 1.0, "nan": float("nan")})
    example.features.feature["many"].int64_list.value.extend([1, 2])
    example.features.feature["texts"].bytes_list.value.extend([b"a", b"b"])
    example.features.feature["none"].float_list.ClearField("value")
    example.features.feature["kindless"].SetInParent()
    example.features.feature["binary"].bytes_list.value.append(b"\xff\x00")
    log = golden()
    log.predict_log.request.inputs["examples"].string_val[:] = [example.SerializeToString()]
    (row,) = parse(log).rows
    assert row == {"many": [1, 2], "texts": ["a", "b"], "binary": "/wA="}


def test_a_feature_may_have_another_type_in_each_log():
    parser = PredictionLogs(IngestConfig(format="prediction_log", logs="x"))
    logs = [golden({"a": 1}), golden({"a": 2.5}), golden({"a": "x"})]
    parsed = parser.parse_all([log.SerializeToString() for log in logs])
    assert parsed.rows == [{"a": 1}, {"a": 2.5}, {"a": "x"}]


@pytest.mark.parametrize("text", [b"\nsmall", b"\n\x05hello", b"", b"\n\x02\n\x09", b"cash"])
def test_texts_are_no_examples(text):
    log = predict(payment=tf.make_tensor_proto([text]))
    assert parse(log).rows == [{"payment": text.decode()}]


def test_an_example_without_features_is_a_row():
    log = predict(examples=tf.make_tensor_proto([b"\n\x00"]))
    assert parse(log).rows == [{}]


def test_plain_tensors_are_columns():
    log = predict(
        'response { outputs { key: "p" value { dtype: DT_FLOAT '
        "tensor_shape { dim { size: 2 } } float_val: [0.5, 0.25] } } }",
        age=tf.make_tensor_proto([[41], [29]]),
        country=tf.make_tensor_proto(["CH", "DE"]),
        pair=tf.make_tensor_proto([[1.0, 2.0], [3.0, 4.0]]),
        member=tf.make_tensor_proto([True, False]),
        temperature=tf.make_tensor_proto(0.5),
    )
    request = parse(log)
    assert request.predictions == [0.5, 0.25]
    assert request.rows == [
        {"age": 41, "country": "CH", "pair": [1.0, 2.0], "member": True, "temperature": 0.5},
        {"age": 29, "country": "DE", "pair": [3.0, 4.0], "member": False, "temperature": 0.5},
    ]


def test_tensors_beside_examples_are_columns_too():
    log = golden()
    log.predict_log.request.inputs["threshold"].CopyFrom(tf.make_tensor_proto(0.25))
    assert parse(log).rows == [TRIP | {"threshold": 0.25}]


def test_the_columns_of_one_tensor_are_named():
    log = predict(x=tf.make_tensor_proto([[1, 2]]))
    assert parse(log).rows == [{"x": [1, 2]}]
    assert parse(log, feature_names=["a", "b"]).rows == [{"a": 1, "b": 2}]
    assert reason(log, feature_names=["a"]) == "bad_value:feature_names"


@pytest.mark.parametrize(
    ("name", "expected"), [("p", 0.5), ("classes", [0.25, 0.75]), ("deep", [1.0, 2.0, 3.0, 4.0])]
)
def test_the_named_output_is_the_prediction(name, expected):
    log = golden()
    outputs = log.predict_log.response.outputs
    del outputs["outputs"]
    outputs["p"].CopyFrom(tf.make_tensor_proto([[0.5]]))
    outputs["classes"].CopyFrom(tf.make_tensor_proto([[0.25, 0.75]]))
    outputs["deep"].CopyFrom(tf.make_tensor_proto([[[1.0, 2.0], [3.0, 4.0]]]))
    assert parse(log, prediction=name).predictions == [expected]
    assert reason(log) == reason(log, prediction="no") == "missing:prediction"


CLASSES = """
request { input { example_list { examples { features {
  feature { key: "fare" value { float_list { value: 12.5 } } } } } } } }
response { model_spec { version_label: "stable" } result { classifications {
  classes { label: "no" score: 0.25 } classes { label: "yes" score: 0.75 } } } }
"""


@pytest.mark.parametrize(("name", "expected"), [(None, [0.25, 0.75]), ("yes", 0.75)])
def test_a_classification(name, expected):
    request = parse(textual("classify_log", CLASSES), prediction=name)
    assert request.rows == [{"fare": 12.5}]
    assert request.predictions == [expected]
    assert request.columns == {"log_model_version": "stable"}


def test_a_class_that_is_not_there_is_missing():
    assert reason(textual("classify_log", CLASSES), prediction="maybe") == "missing:prediction"


REGRESSION = """
request { input { example_list_with_context {
  context { features { feature { key: "city" value { bytes_list { value: "Basel" } } }
                       feature { key: "hour" value { int64_list { value: 3 } } } } }
  examples { features { feature { key: "fare" value { float_list { value: 12.5 } } } } }
  examples { features { feature { key: "hour" value { int64_list { value: 4 } } } } } } } }
response { result { regressions { value: 1.5 } regressions { value: 2.5 } } }
"""


def test_a_regression_with_a_context_for_all_its_examples():
    request = parse(textual("regress_log", REGRESSION))
    assert request.rows == [
        {"city": "Basel", "hour": 3, "fare": 12.5},
        {"city": "Basel", "hour": 4},
    ]
    assert request.predictions == [1.5, 2.5]


@pytest.mark.parametrize(
    ("specs", "version"),
    [
        (("version { value: 3 }", "version { value: 2 }", ""), "3"),
        (("", "version { value: 2 }", "version { value: 1 }"), "2"),
        (("", "", "version { value: 1 }"), "1"),
        (('version_label: "b"', "version { value: 2 }", ""), "2"),
        (('version_label: "b"', "", ""), "b"),
        (("", "", ""), None),
    ],
)
def test_the_model_version(specs, version):
    log = golden()
    for place, spec in zip(
        (log.predict_log.response, log.predict_log.request, log.log_metadata), specs, strict=True
    ):
        place.ClearField("model_spec")
        text_format.Parse(spec, place.model_spec)
    assert parse(log).columns.get("log_model_version") == version


@pytest.mark.parametrize(("rate", "weight"), [(0.5, 2.0), (1.0, 1.0), (0, None), (2.0, None)])
def test_a_sampling_rate_is_a_weight(rate, weight):
    log = golden()
    log.log_metadata.sampling_config.sampling_rate = rate
    assert parse(log).columns.get("log_sampling_weight") == weight


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 5e-324])
def test_what_is_no_sampling_rate_is_no_weight(rate):
    log = golden()
    log.log_metadata.sampling_config.sampling_rate = rate
    assert "log_sampling_weight" not in parse(log).columns


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (b"", "missing:log_type"),
        (b"{}", "not_proto"),
        (textual("multi_inference_log", ""), "unsupported_log:multi_inference_log"),
        (textual("session_run_log", ""), "unsupported_log:session_run_log"),
        (textual("predict_streamed_log", ""), "unsupported_log:predict_streamed_log"),
        (textual("predict_log", ""), "missing:inputs"),
        (textual("classify_log", ""), "missing:input"),
        (predict(a=tf.make_tensor_proto([1.0, 2.0])), "prediction_count"),
        (
            predict(a=tf.make_tensor_proto([1]), b=tf.make_tensor_proto([1, 2])),
            "bad_value:inputs",
        ),
        (
            predict(ANSWER.replace("0.5", "nan"), a=tf.make_tensor_proto([1])),
            "bad_value:prediction",
        ),
    ],
)
def test_malformed_records_say_which_field(log, expected):
    assert reason(log) == expected


def test_a_json_record_is_no_prediction_log():
    parser = PredictionLogs(IngestConfig(format="prediction_log", logs="x"))
    assert parser.parse_all([{"predict_log": {}}]).bad == {0: "not_proto"}


@pytest.mark.parametrize("seconds", [-1, 253_402_300_800])
def test_times_out_of_range_are_malformed(seconds):
    log = golden()
    log.log_metadata.timestamp_secs = seconds
    assert reason(log) == "bad_time:timestamp_secs"


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
names = st.text(min_size=1).filter(lambda x: x.isprintable())
rows = st.dictionaries(names, st.one_of(floats, st.text(), st.integers(-(2**63), 2**63 - 1)))


@settings(deadline=None)
@given(st.lists(st.tuples(rows, floats), min_size=1, max_size=6))
def test_examples_of_any_features_come_back(calls):
    calls = [Call("", 0, "1", [row], [score]) for row, score in calls]
    parser = PredictionLogs(IngestConfig(format="prediction_log", logs="x"))
    records = [to_log(call).SerializeToString() for call in calls if call.rows[0]]
    parsed = parser.parse_all(records)
    assert list(map(without_missing, parsed.rows)) == [c.rows[0] for c in calls if c.rows[0]]
    assert [parser.parse(x).rows for x in records] == [c.rows for c in calls if c.rows[0]]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_read_and_never_crash(data):
    log = data.draw(
        st.sampled_from(
            [golden(), textual("regress_log", REGRESSION), textual("classify_log", CLASSES)]
        )
    )
    record = bytearray(log.SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    record = bytes(record[: data.draw(st.integers(0, len(record)))])
    with contextlib.suppress(Malformed):
        parse(record)


def test_the_files_of_the_writer(tmp_path):
    rows = [{"fare": 12.5, "company": "A"}, {"fare": 0.25, "company": "B"}]
    calls = [Call("r1", 10_000_000, "3", rows, [0.5, 0.75]), Call("r2", 0, "b", rows[:1], [1.0])]
    for tensors in (False, True):
        config = IngestConfig(**write(tmp_path, calls, tensors))
        records = records_of(tmp_path.iterdir(), "prediction_log")
        parsed = PredictionLogs(config).parse_all(records)
        assert parsed.rows == [*rows, rows[0]]
        assert parsed.predictions == [0.5, 0.75, 1.0]
        assert parsed.times == [10_000_000, None]
        assert parsed.columns == {"log_model_version": ["3", "b"]}
