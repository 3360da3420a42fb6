import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.privacy_methods import Redact

from .treating import TEXT_TYPES


def test_redact_replaces_text_of_any_type_and_refuses_numbers():
    for kind in TEXT_TYPES:
        array = pa.array([b"a", b""], pa.binary()).cast(kind)
        treated = Redact().operate(array, None)
        assert treated.type == kind
        assert treated.cast(pa.string()).to_pylist() == ["[REDACTED]", "[REDACTED]"]
    with pytest.raises(ValueError, match="leave: nothing"):
        Redact().validate_type(pa.int64())


def test_a_field_that_leaves_nothing_is_dropped():
    assert Redact(leave="nothing").drops_field
    assert not Redact().drops_field
