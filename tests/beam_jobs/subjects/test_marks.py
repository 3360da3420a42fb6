import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.subjects.marks import marks_of


def test_a_redacted_identifier_stands_for_nobody(tmp_path):
    keysets.create(f"{tmp_path}/keyset.json")
    config = PrivacyConfig(
        fields={"card": {"method": "fpe", "role": "subject_id"}},
        keyset=f"{tmp_path}/keyset.json",
        domain="riders",
    )
    with pytest.raises(ValueError, match="no subject field"):
        marks_of(config, "12345")
    [pseudonym] = marks_of(config, "123456").pseudonyms["card"]
    assert pseudonym.isdigit()
