import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.privacy_methods import Keep

from .treating import operate


def test_keep_leaves_values_and_refuses_what_cannot_be_scanned():
    assert operate(Keep(), [1.5, 2.5]) == [1.5, 2.5]
    with pytest.raises(ValueError, match="flatten or redact"):
        Keep().validate_type(pa.struct([("a", pa.string())]))
