import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_formats.contract import Parsed, Request, json_value
from tfx_vigil.beam_jobs.log_values import Malformed

requests = st.builds(
    lambda rows, answered, columns: Request(
        "r", 5, [{"a": n} for n in range(rows)], 7, columns, [0.5] * rows if answered else None, 3
    ),
    st.integers(0, 3),
    st.booleans(),
    st.dictionaries(st.sampled_from(["log_endpoint", "log_status", "log_latency_ms"]), st.text()),
)


@given(st.lists(requests, max_size=6))
def test_requests_together_are_what_they_are_one_by_one(several):
    single, together = Parsed(), Parsed()
    for index, request in enumerate(several):
        single.add(2 * index, request)
    together.add_all([2 * index for index in range(len(several))], several)
    assert together == single


def test_json_with_nan_is_otherwise_json():
    assert json_value(b'[NaN, Infinity, -Infinity, 1e2, 3, "\\u00e9\\ud83d\\ude00"]') == [
        None,
        float("inf"),
        float("-inf"),
        100.0,
        3,
        "é😀",
    ]
    assert json_value(f"[NaN, {10**30}]") == [None, 1e30]


@pytest.mark.parametrize(
    "text", [b'[NaN, "\\ud800"]', b"[NaN, " + b"1" * 400 + b"]", b"[NaN", b"[" * 9999 + b"NaN"]
)
def test_what_is_no_json_but_for_nan_is_malformed(text):
    with pytest.raises(Malformed, match=r"^not_json$"):
        json_value(text)
