"""Schemas written by hand from the definition of tensorflow_metadata.v0.Schema."""

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from pydantic import ValidationError
from tfx_vigil.beam_jobs.data_contract import DataContract, FieldRule
from tfx_vigil.beam_jobs.data_contract_rules import InvalidContract, rules_of


@pytest.fixture
def rules(tmp_path):
    def read(text, **fields):
        path = tmp_path / "schema.pbtxt"
        path.write_text(text)
        return rules_of(DataContract(schema_file=str(path), fields=fields))

    return read


def feature(text):
    return f'feature {{ name: "x" {text} }}'


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", {}),
        ("type: INT", {"kind": "int"}),
        ("type: FLOAT", {"kind": "float"}),
        ("type: BYTES", {"kind": "string"}),
        ("type: STRUCT", {}),
        ("presence { min_fraction: 1 }", {"required": True}),
        ("presence { min_fraction: 1 min_count: 1 }", {"required": True}),
        ("presence { min_count: 1 }", {}),
        ("presence { min_fraction: 0.99 min_count: 1 }", {}),
        ("group_presence { required: true }", {}),
        ("type: INT int_domain { min: -1 max: 7 }", {"kind": "int", "min": -1, "max": 7}),
        ("type: INT int_domain { max: 0 }", {"kind": "int", "max": 0}),
        ("type: INT int_domain { is_categorical: true }", {"kind": "int"}),
        ("type: FLOAT float_domain { min: 0.5 max: inf }", {"kind": "float", "min": 0.5}),
        ("type: FLOAT float_domain { disallow_nan: true }", {"kind": "float"}),
        ("type: BYTES int_domain { min: 0 max: 7 }", {"kind": "string"}),
        (
            'type: BYTES string_domain { value: "a" value: "b" }',
            {"kind": "string", "values": ["a", "b"]},
        ),
        ("type: BYTES string_domain { }", {"kind": "string"}),
        (
            'type: BYTES string_domain { value: "a" } '
            "distribution_constraints { min_domain_mass: 0.9 }",
            {"kind": "string"},
        ),
        ("type: INT bool_domain { }", {"kind": "int", "values": [0, 1]}),
        ("type: FLOAT bool_domain { }", {"kind": "float", "values": [0, 1]}),
        (
            'type: BYTES bool_domain { true_value: "yes" false_value: "no" }',
            {"kind": "string", "values": ["yes", "no"]},
        ),
        ('type: BYTES bool_domain { true_value: "yes" }', {"kind": "string"}),
        ("natural_language_domain { }", {}),
        ("value_count { min: 1 max: 3 }", {"min_values": 1, "max_values": 3}),
        ("value_count { min: 1 }", {"min_values": 1}),
        ("shape { }", {"min_values": 1, "max_values": 1}),
        ("shape { dim { size: 2 } dim { size: 3 } }", {"min_values": 6, "max_values": 6}),
        ("shape { dim { name: 'any' } }", {}),
        (
            "value_counts { value_count { min: 1 max: 2 } value_count { min: 3 max: 4 } }",
            {"min_values": 3, "max_values": 8},
        ),
        (
            "value_counts { value_count { min: 2 max: 2 } value_count { min: 3 } }",
            {"min_values": 6},
        ),
    ],
)
def test_what_a_feature_of_a_schema_promises(rules, text, rule):
    found = rules(feature(text))["x"]
    expected = FieldRule(**rule)
    assert found.model_copy(update={"min_values": found.min_values or None}) == expected


@pytest.mark.parametrize(
    "stage",
    [
        "deprecated: true",
        "lifecycle_stage: DEPRECATED",
        "lifecycle_stage: PLANNED",
        "lifecycle_stage: ALPHA",
        "lifecycle_stage: DEBUG_ONLY",
        "lifecycle_stage: DISABLED",
    ],
)
def test_nothing_is_promised_of_features_out_of_use(rules, stage):
    assert rules(feature(f"type: INT presence {{ min_fraction: 1 }} {stage}")) == {}


@pytest.mark.parametrize("stage", ["BETA", "PRODUCTION"])
def test_features_in_use_are_checked(rules, stage):
    assert rules(feature(f"type: INT lifecycle_stage: {stage}"))["x"].kind == "int"


@pytest.mark.parametrize("where", ['not_in_environment: "SERVING"', 'in_environment: "TRAINING"'])
def test_a_feature_that_an_environment_lacks_is_not_required(rules, where):
    environments = 'default_environment: "TRAINING" default_environment: "SERVING"'
    found = rules(
        environments
        + feature(f"type: INT presence {{ min_fraction: 1 }} {where}")
        + 'feature { name: "y" presence { min_fraction: 1 } }'
    )
    assert found == {"x": FieldRule(kind="int"), "y": FieldRule(required=True)}


def test_domains_may_lie_beside_the_features(rules):
    found = rules(
        """
        feature { name: "pay" type: BYTES domain: "payments" }
        feature { name: "age" type: INT domain: "years" }
        feature { name: "fare" type: FLOAT domain: "money" }
        string_domain { name: "payments" value: "cash" }
        int_domain { name: "years" min: 0 max: 150 }
        float_domain { name: "money" min: 0 }
        """
    )
    assert found == {
        "pay": FieldRule(kind="string", values=["cash"]),
        "age": FieldRule(kind="int", min=0, max=150),
        "fare": FieldRule(kind="float", min=0),
    }


def test_a_field_stands_in_place_of_the_schemas_rule(rules):
    text = feature("type: INT presence { min_fraction: 1 } int_domain { max: 3 }")
    found = rules(text, x=FieldRule(kind="int"), z=FieldRule(required=True))
    assert found == {"x": FieldRule(kind="int"), "z": FieldRule(required=True)}


def test_fields_need_no_schema():
    fields = {"x": FieldRule(kind="int", min=1)}
    assert rules_of(DataContract(fields=fields)) == fields
    assert rules_of(DataContract()) == {}


def test_a_contract_survives_its_json():
    contract = DataContract(
        fields={"x": FieldRule(min=2**53 + 1, values=[3]), "y": FieldRule(kind="float", max=0.1)}
    )
    assert DataContract.model_validate_json(contract.model_dump_json()) == contract


def test_columns_of_a_schema_that_are_no_features_have_no_rule(rules):
    assert rules('feature { name: "label" } feature { name: "log_row" }') == {}


def test_the_schema_that_tfdv_infers_of_a_table(rules):
    import pandas as pd

    table = pd.DataFrame({"fare": [1.5, 2.0] * 20, "n": [1, 2] * 20, "pay": ["cash", "card"] * 20})
    schema = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(table))
    one = {"required": True, "min_values": 1, "max_values": 1}
    assert rules(text_format.MessageToString(schema)) == {
        "fare": FieldRule(kind="float", **one),
        "n": FieldRule(kind="int", **one),
        "pay": FieldRule(kind="string", values=["card", "cash"], **one),
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "has no feature"),
        ("feature { nam: 'x' }", 'no field named "nam"'),
        ("feature { name: 'x' type: NUMBER }", "NUMBER"),
        ("feature { }", "feature '': each feature needs a name of its own"),
        (feature("") + feature(""), "feature 'x': each feature needs a name of its own"),
        (feature("type: BYTES domain: 'pay'"), "feature 'x': there is no domain 'pay'"),
        (feature("int_domain { min: 3 max: 2 }"), "feature 'x': .*min 3 is over max 2"),
        (feature("value_count { min: 3 max: 2 }"), "min_values 3 is over max_values 2"),
        (feature("type: INT string_domain { value: 'a' }"), "feature 'x': .*must be integers"),
    ],
)
def test_a_schema_that_is_wrong_is_refused_with_the_reason(rules, text, what):
    with pytest.raises(InvalidContract, match=rf"(?s)schema\.pbtxt.*{what}"):
        rules(text)


def test_a_schema_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "schema.pb").write_bytes(b"\x0a\x80\xff")
    for path, what in (("absent.pbtxt", "cannot be read"), ("schema.pb", "cannot be read")):
        with pytest.raises(InvalidContract, match=rf"{path} {what}"):
            rules_of(DataContract(schema_file=str(tmp_path / path)))
    with pytest.raises(InvalidContract, match="cannot be read"):
        rules_of(DataContract(schema_file=str(tmp_path)))
    with pytest.raises(InvalidContract, match="cannot be read"):
        rules_of(DataContract(schema_file="nowhere://schema.pbtxt"))


def test_a_rule_for_a_column_of_the_ingest_is_refused():
    with pytest.raises(InvalidContract, match="log_row"):
        rules_of(DataContract(fields={"log_row": FieldRule()}))


@pytest.mark.parametrize(
    "rule",
    [
        {"min": 2, "max": 1},
        {"min": float("nan")},
        {"min": float("-inf")},
        {"min_values": 2, "max_values": 1},
        {"kind": "string", "max": 1},
        {"kind": "int", "values": ["a"]},
        {"min": 1, "values": ["a"]},
        {"values": []},
        {"minimum": 1},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(rule):
    with pytest.raises(ValidationError):
        FieldRule(**rule)
