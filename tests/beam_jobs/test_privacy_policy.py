import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError
from tfx_vigil.beam_jobs.parameters import to_json
from tfx_vigil.beam_jobs.privacy_methods import GeneralizeIp, Hmac, Keep, Redact
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.privacy_rules import idle_rules, overruled_rules
from tfx_vigil.beam_jobs.reports import OverruledRules

POLICY = {
    "fields": {
        "rider_email": {"method": "hmac"},
        "client_ip": {"method": "generalize", "kind": "ip"},
        "note": {"method": "redact"},
    },
    "keyset": "keys/keyset.json",
    "domain": "riders",
}


SCHEMA = """
feature { name: "home" type: BYTES annotation { tag: "PII" tag: "PLACE" } }
feature { name: "user_zip" type: BYTES annotation { tag: "PLACE" } }
feature { name: "badge" type: BYTES annotation { tag: "PERSON" } }
feature { name: "fare" type: FLOAT }
"""
HMAC = {"method": "hmac", "role": "subject_id"}
MIXED = {
    "fields": {"user_email": HMAC | {"encoding": "base32"}, "user_note": {"method": "redact"}},
    "patterns": {"user_id*": HMAC, "user_*": {"method": "generalize", "kind": "ip"}},
    "annotations": {
        "PERSON": HMAC,
        "PLACE": {"method": "redact", "role": "quasi_identifier"},
        "PII": {"method": "redact", "leave": "nothing"},
    },
    "keyset": "keys/keyset.json",
    "domain": "riders",
}


@pytest.fixture
def schema_file(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text(SCHEMA)
    return str(path)


@pytest.fixture
def mixed(schema_file):
    return PrivacyConfig(**MIXED, schema_file=schema_file)


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("user_note", "field"),
        ("user_id_2", "pattern user_id*"),
        ("user_zip", "pattern user_*"),
        ("home", "annotation PLACE"),
        ("badge", "annotation PERSON"),
        ("fare", None),
        ("User_note", None),
    ],
)
def test_the_first_rule_about_a_field_counts(mixed, field, rule):
    given = mixed.given(field)
    assert (given and given.rule) == rule
    spared = mixed.model_copy(update={"spared": (field,), "default": "redact"})
    assert spared.given(field).rule == (rule or "spared")
    assert spared.given("other") == ("default", Redact(leave="nothing"))


def test_subject_fields_are_found_by_every_kind_of_rule(mixed):
    assert mixed.subject_fields == {
        "user_email": Hmac(role="subject_id", encoding="base32"),
        "badge": Hmac(role="subject_id"),
    }
    assert mixed.subject_fields_among(["user_id_1", "user_note", "fare", "badge"]) == {
        "user_id_1": Hmac(role="subject_id"),
        "badge": Hmac(role="subject_id"),
    }


def test_overruled_and_idle_rules_are_told(mixed):
    fields = ["user_note", "user_zip", "home", "fare"]
    assert list(overruled_rules(mixed, fields)) == [
        OverruledRules(field="user_note", applied="field", overruled=["pattern user_*"]),
        OverruledRules(field="user_zip", applied="pattern user_*", overruled=["annotation PLACE"]),
        OverruledRules(field="home", applied="annotation PLACE", overruled=["annotation PII"]),
    ]
    assert idle_rules(mixed, fields) == [
        "field user_email",
        "pattern user_id*",
        "annotation PERSON",
    ]


def test_tags_once_read_travel_with_the_config(mixed, schema_file):
    assert mixed.method_of("home").role == "quasi_identifier"
    Path(schema_file).unlink()
    travelled = pickle.loads(pickle.dumps(mixed))
    assert travelled.method_of("home") == mixed.method_of("home")
    with pytest.raises(ValueError, match=r"schema\.pbtxt cannot be read"):
        PrivacyConfig(**MIXED, schema_file=schema_file).method_of("home")


def test_a_schema_file_that_is_none_is_named(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text("feature: 7 {")
    with pytest.raises(ValueError, match=r"schema\.pbtxt is no schema\.pbtxt"):
        PrivacyConfig(**MIXED, schema_file=str(path)).method_of("home")


def test_a_mapping_survives_json_and_gives_each_field_its_method():
    config = PrivacyConfig.model_validate_json(to_json(PrivacyConfig, POLICY))
    assert config == PrivacyConfig(**POLICY)
    assert config.method_of("rider_email") == Hmac()
    assert config.method_of("client_ip") == GeneralizeIp()
    assert config.method_of("note") == Redact()


@pytest.mark.parametrize(
    ("default", "method"),
    [("keep", Keep()), ("redact", Redact(leave="nothing")), ("error", None), (None, None)],
)
def test_default_is_for_unlisted_fields(default, method):
    config = PrivacyConfig(**POLICY, default=default)
    assert config.method_of("other") == method
    assert config.method_of("note") == Redact()


def test_a_key_is_needed_only_for_keyed_methods_by_whatever_rule(schema_file):
    assert PrivacyConfig(**POLICY).needs_key
    hmac, key = {"method": "hmac"}, {"keyset": "k.json", "domain": "riders"}
    assert PrivacyConfig(patterns={"*_id": hmac}, **key).needs_key
    assert PrivacyConfig(annotations={"PII": hmac}, schema_file=schema_file, **key).needs_key
    assert not PrivacyConfig(fields={"note": {"method": "redact"}}).needs_key
    assert PrivacyConfig(undeclared="pseudonymize", keyset="k", domain="d").needs_key
    with pytest.raises(ValidationError, match="needs keyset and domain"):
        PrivacyConfig(undeclared="pseudonymize")


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
        ({"patterns": {"user_*": {"method": "md5"}}}, r"patterns\.user_\*"),
        ({"annotations": {"PII": {"method": "keep"}}}, "schema_file need each other"),
        ({"schema_file": "schema.pbtxt"}, "schema_file need each other"),
        ({"patterns": {"*": {"method": "keep", "role": "owner"}}}, "owner"),
        ({"fields": {"a": {"method": "redact", "role": "subject_id"}}}, "not redact"),
        ({"fields": {"a": {"method": "keep", "role": "direct_identifier"}}}, "cannot be kept"),
        ({"min_group_rows": 0}, "min_group_rows"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValidationError, match=message):
        PrivacyConfig(**POLICY | change)
