import pytest
from pydantic import ValidationError
from tfx_vigil.beam_jobs.parameters import to_json
from tfx_vigil.beam_jobs.privacy_methods import GeneralizeIp, Hmac, Keep, Redact
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig

POLICY = {
    "fields": {
        "rider_email": {"method": "hmac"},
        "client_ip": {"method": "generalize", "kind": "ip"},
        "note": {"method": "redact"},
    },
    "keyset": "keys/keyset.json",
    "domain": "riders",
}


def test_a_mapping_survives_json_and_gives_each_field_its_method():
    config = PrivacyConfig.model_validate_json(to_json(PrivacyConfig, POLICY))
    assert config == PrivacyConfig(**POLICY)
    assert config.method_of("rider_email") == Hmac()
    assert config.method_of("client_ip") == GeneralizeIp()
    assert config.method_of("note") == Redact()


@pytest.mark.parametrize(
    ("default", "method"),
    [("keep", Keep()), ("redact", Redact(leave="nothing")), ("error", None)],
)
def test_default_is_for_unlisted_fields(default, method):
    config = PrivacyConfig(**POLICY, default=default)
    assert config.method_of("other") == method
    assert config.method_of("note") == Redact()


def test_a_key_is_needed_only_for_hmac():
    assert PrivacyConfig(**POLICY).needs_key
    assert not PrivacyConfig(fields={"note": {"method": "redact"}}).needs_key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keyset": None}, "needs keyset and domain"),
        ({"domain": None}, "needs keyset and domain"),
        ({"domain": "a\0b"}, "domain"),
        ({"phone_region": "Germany"}, "no region"),
        ({"fields": {"a": {"method": "hmac", "bits": 8}}}, r"fields\.a\.hmac\.bits"),
        ({"fields": {"a": {"method": "md5"}}}, "fields.a"),
        ({"feilds": {}}, "feilds"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValidationError, match=message):
        PrivacyConfig(**POLICY | change)
