"""TensorProtos made by hand from tensorflow/core/framework/tensor.proto; TensorFlow's own reading
of the same bytes says what is right.
"""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tfx_vigil.beam_jobs.log_formats.tensor_protos import MAX_REPEATED, read_tensor
from tfx_vigil.beam_jobs.log_values import Malformed

NUMBERS = [
    tf.float32,
    tf.float64,
    tf.float16,
    tf.bfloat16,
    tf.bool,
    tf.int8,
    tf.int16,
    tf.int32,
    tf.int64,
    tf.uint8,
    tf.uint16,
    tf.uint32,
    tf.uint64,
]


def tensor(dtype, shape, **fields):
    proto = tensor_pb2.TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum, **fields)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def by_tensorflow(proto):
    found = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype)).numpy()
    return found.ravel().tolist()


def read(proto):
    return read_tensor(proto, "inputs")


@pytest.mark.parametrize("dtype", NUMBERS, ids=lambda x: x.name)
@pytest.mark.parametrize("typed", [False, True])
def test_numbers_of_every_type_in_content_and_in_typed_lists(dtype, typed):
    values = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype.as_numpy_dtype)
    fields = typed_list(dtype, values.ravel()) if typed else {"tensor_content": values.tobytes()}
    proto = tensor(dtype, [2, 3], **fields)
    assert read(proto).shape == [2, 3]
    assert read(proto).values == values.ravel().tolist() == by_tensorflow(proto)
    assert read(proto).rows("inputs") == values.tolist()


def typed_list(dtype, values):
    if dtype in (tf.float16, tf.bfloat16):
        return {"half_val": values.view(np.uint16).tolist()}
    name = {
        tf.float32: "float",
        tf.float64: "double",
        tf.bool: "bool",
        tf.int64: "int64",
        tf.uint32: "uint32",
        tf.uint64: "uint64",
    }.get(dtype, "int")
    return {f"{name}_val": values.tolist()}


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": tf.float32, "float_val": [1.0, 2.0]},
        {"dtype": tf.float32, "float_val": [1.0, 2.0, 3.0, 4.0]},
        {"dtype": tf.float32},
        {"dtype": tf.bool},
        {"dtype": tf.int64, "int64_val": [7]},
        {"dtype": tf.float16, "half_val": [15360]},
        {"dtype": tf.bfloat16, "half_val": [16256]},
        {"dtype": tf.string, "string_val": [b"a"]},
        {"dtype": tf.string},
    ],
)
def test_a_short_list_goes_on_with_its_last_value(fields):
    proto = tensor(fields.pop("dtype"), [3], **fields)
    found = read(proto).values
    assert found == by_tensorflow(proto)
    assert list(map(type, found)) == list(map(type, by_tensorflow(proto)))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_strings_in_tensor_content(strings):
    lengths = b"".join(map(varint, map(len, strings)))
    proto = tensor(tf.string, [len(strings)], tensor_content=lengths + b"".join(strings))
    assert read(proto).values == by_tensorflow(proto) == strings


def varint(number):
    head = b""
    while number > 127:
        head, number = head + bytes([number & 127 | 128]), number >> 7
    return head + bytes([number])


def test_nan_is_missing_and_infinity_is_not():
    for proto in (
        tf.make_tensor_proto([math.nan, math.inf]),
        tensor(tf.float32, [2], float_val=[math.nan, math.inf]),
    ):
        assert read(proto).values == [None, math.inf]


def test_rows_of_texts_are_text_and_base64():
    assert read(tf.make_tensor_proto([[b"a"], [b"\xff"]])).rows("inputs") == ["a", "/w=="]


def test_no_dimensions_are_one_row_and_no_rows_are_none():
    assert read(tf.make_tensor_proto(0.5)).rows("inputs") == [0.5]
    assert read(tensor(tf.float32, [0, 3])).rows("inputs") == []


@pytest.mark.parametrize(
    "proto",
    [
        tensor(tf.float32, [3], tensor_content=b"\0\0\0\0"),
        tensor(tf.float32, [1], tensor_content=b"\0"),
        tensor(tf.string, [2], tensor_content=b"\5abc"),
        tensor(tf.string, [2], tensor_content=b"\1\1abc"),
        tensor(tf.string, [1 << 60], tensor_content=b"\1" * 9),
        tensor(tf.float32, [-1], float_val=[1.0]),
        tensor(tf.float32, [MAX_REPEATED + 1], float_val=[1.0]),
        tensor(tf.float32, [1 << 62, 1 << 62], float_val=[1.0]),
        tensor(tf.complex64, [1], scomplex_val=[1.0, 1.0]),
        tensor_pb2.TensorProto(),
        tensor_pb2.TensorProto(dtype=999),
        tensor(tf.float32, [1 << 60, 0]),
    ],
)
def test_tensors_that_do_not_fit_are_malformed(proto):
    with pytest.raises(Malformed) as error:
        read(proto).rows("inputs")
    assert error.value.reason == "bad_value:inputs"


protos = st.builds(
    tensor,
    st.sampled_from([*NUMBERS, tf.string, tf.qint8, tf.complex64]),
    st.lists(st.integers(-1, 4), max_size=3),
    tensor_content=st.binary(max_size=16),
    float_val=st.lists(st.floats(width=32), max_size=5),
    double_val=st.lists(st.floats(), max_size=5),
    int_val=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5),
    half_val=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5),
    string_val=st.lists(st.binary(), max_size=5),
    bool_val=st.lists(st.booleans(), max_size=5),
)


@settings(max_examples=500, deadline=None)
@given(protos)
def test_any_tensor_gives_its_values_or_is_malformed(proto):
    try:
        found = read(proto)
    except Malformed:
        return
    assert len(found.values) == math.prod(found.shape)
