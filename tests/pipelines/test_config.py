import re
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs.privacy_methods import Keep
from tfx_vigil.pipelines import demo
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.yaml_file import ConfigError

DEMO = Path(demo.__file__).with_name("vigil.yaml")
MINIMAL = """\
model:
  name: tips
  features: {fare: float, area: int, company: string}
  serving_dir: serving
spans: {start: 2014-01-01}
logs:
  format: json_lines
  files: logs/*.jsonl
privacy: {default: keep}
runtime:
  pipeline_root: pipeline
  history_root: history
"""


@pytest.fixture
def load(tmp_path):
    """Loads MINIMAL, or what ``changes`` (old text, new text) make of it."""

    def load(*changes):
        text = MINIMAL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "vigil.yaml").write_text(text)
        return load_config(tmp_path / "vigil.yaml")

    return load


def test_the_demo_s_file_loads_with_its_paths_beside_it():
    config = load_config(DEMO)
    assert config.model.features.keys() == config.ingest.features.keys()
    assert config.model.serving_dir == str(DEMO.parent / "serving")
    assert config.evaluation.slices == [["payment_type"], ["trip_start_day"]]


def test_the_parts_get_their_parameters_from_one_place():
    config = load_config(DEMO)
    assert config.ingest.horizon_hours == 30 * 24
    assert config.ingest.ground_truth.columns == ["payment_type"]
    assert config.evaluation.min_slice_rows == 100
    assert config.drift_validator.splits == ["serving", "labelled"]
    assert config.drift_validator.slices == config.slices == config.evaluation.slices
    assert config.drift_validator.ground_truth == ["payment_type"]
    assert {"rider_email", "rider_phone", "client_ip"} < {*config.drift_validator.ignore}
    assert config.retrain_gate.push.unguarded == ["payment_type"]
    assert config.retrain_gate.guards.min_labelled_rows == 1000
    assert config.training_columns == [*config.model.features, "label", "payment_type"]
    assert config.monitored_columns == ["prediction", *config.training_columns]


@pytest.mark.parametrize(
    ("section", "bounds", "names"),
    [
        ("", (0.8, 1.25), []),
        ("metrics: {names: [auc]}\n", (0.8, 1.25), ["auc", "calibration"]),
        ("policy: {push: {calibration: null}}\nmetrics: {names: [auc]}\n", None, ["auc"]),
        ("policy: {push: {calibration: {min: 0.9}}}\n", (0.9, 1.25), []),
    ],
)
def test_a_candidate_s_calibration_is_measured_where_it_is_required(load, section, bounds, names):
    config = load(("runtime:", f"{section}runtime:"))
    required = config.retrain_gate.push.calibration
    assert (required and (required.min, required.max)) == bounds
    assert config.evaluation.metrics == names


def test_a_regression_is_asked_for_no_calibration(load):
    config = load(("name: tips", "name: tips\n  task: regression"))
    assert config.retrain_gate.push.calibration is None


def test_integer_features_are_codes(load):
    assert load().codes == load().drift_validator.codes == ["area"]


@pytest.mark.parametrize(
    ("old", "new", "written", "message"),
    [
        ("runtime:", "policy: {guards: {cool_down: 3}}\nruntime:", "cool_down",
         "policy.guards.cool_down: unknown key"),
        ("start: 2014-01-01}", "start: 2014-01-01, length: monthly}", "monthly",
         "spans.length: expected an ISO 8601 duration .*, found 'monthly'"),
        ("{default: keep}", "{fields: {email: {method: rot13}}}", "rot13",
         "privacy.fields.email: .*'rot13'.* expected tags: 'hmac', 'aes_siv'"),
        ("{default: keep}", "{fields: {ip: {method: generalize, kind: zip}}}", "zip",
         "privacy.fields.ip: .*'zip'.* expected tags: 'number', 'ip'"),
        ("{default: keep}", "{fields: {email: {method: hmac}}}", "privacy",
         r"privacy: a field with a keyed method \(hmac\) needs keyset and domain"),
        ("{default: keep}", "{fields: {email: {method: redact, role: subject_id}}}", "email",
         "privacy.fields.email: role subject_id needs a pseudonym"),
        ("{default: keep}", "\n  patterns:\n    'user_*': {method: redact, bits: 3}", "user_",
         r"privacy.patterns.user_\*.*bits: unknown key"),
        ("{default: keep}", "{fields: {fare: {method: keep}}}", "privacy",
         r"privacy: no rule is about \['area', 'company'\], which the pipeline needs"),
        ("{default: keep}", "\n  default: keep\n  fields: {company: {method: redact}}", "fields:",
         r"privacy.fields: after the policy .* cannot learn from company \(string: redact\)"),
        ("  files: logs/*.jsonl", "  files: logs/*.jsonl\n  ground_truth: {files: truth}", "logs:",
         "logs: ground_truth needs horizon_days"),
        ("fare: float", "fare: double", "double",
         "model.features.fare: Input should be 'int', 'float' or 'string', found 'double'"),
        ("  serving_dir: serving\n", "", "model:", "model.serving_dir: this key is required"),
        ("runtime:", "metrics: {names: [aucc]}\nruntime:", "aucc", r"metrics: no \['aucc'\]"),
        ("runtime:", "slices: [[area], [area]]\nruntime:", "slices", "slices: .* twice"),
        ("  files: logs/*.jsonl", "  files: logs/*.jsonl\n  horizon_days: 2\n"
         "  ground_truth: {files: t/*.jsonl, columns: [fare]}", "features:",
         "model.features: fare come with the label"),
        ("area: int", "label: int", "model:", r"these names are kept for .*\['label'\]"),
    ],
)  # fmt: skip
def test_errors_name_file_line_and_key(load, tmp_path, old, new, written, message):
    with pytest.raises(ConfigError) as error:
        load((old, new))
    path = tmp_path / "vigil.yaml"
    lines = path.read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if written in text)
    assert re.match(f"{re.escape(str(path))}:{line}: {message}", str(error.value))
    assert "history_root" not in str(error.value)  # what was found is one value, not the file


def test_paths_are_relative_to_the_file_and_uris_are_left_alone(load, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = load(
        ("serving_dir: serving", "serving_dir: gs://models/tips"),
        ("files: logs/*.jsonl", "files: [logs/*.jsonl, 's3://logs/{YYYY}/*.jsonl', /var/log/*]"),
        ("{default: keep}", "{default: keep, keyset: keys.json, domain: tips}\nbaseline: "
         "{training_data: gs://data/train, evaluation_data: data/eval.csv}"),
        ("history_root: history", "history_root: /history"),
    )  # fmt: skip
    assert config.model.serving_dir == "gs://models/tips"
    assert config.logs.files == [
        f"{tmp_path}/logs/*.jsonl",
        "s3://logs/{YYYY}/*.jsonl",
        "/var/log/*",
    ]
    assert config.privacy.keyset == f"{tmp_path}/keys.json"
    assert config.baseline.training_data == "gs://data/train"
    assert config.baseline.evaluation_data == f"{tmp_path}/data/eval.csv"
    assert config.baseline.model is None
    assert config.runtime.pipeline_root == f"{tmp_path}/pipeline"
    assert config.runtime.history_root == "/history"
    assert config.raw_data_root == f"{tmp_path}/pipeline/LogIngest"


def test_ground_truth_files_lie_beside_the_file_too(load, tmp_path):
    truth = "  files: logs/*.jsonl\n  horizon_days: 2\n  ground_truth: {files: truth/*.jsonl}"
    config = load(("  files: logs/*.jsonl", truth))
    assert config.ingest.ground_truth.files == [f"{tmp_path}/truth/*.jsonl"]
    assert config.ingest.horizon_hours == 48


def test_a_policy_without_default_spares_the_columns_of_log_ingest(load):
    rules = "fields: {fare: {method: keep}}, patterns: {'[ac]*': {method: keep}}"
    config = load(("{default: keep}", "{" + rules + "}"))
    treated = config.pseudonymizer
    for column in ("prediction", "label", "log_event_time", "fare"):
        assert treated.method_of(column) == Keep()
    assert treated.method_of("rider") is None


def test_patterns_and_default_may_treat_the_columns_of_log_ingest_only_if_they_say_so(load):
    rules = "patterns: {'log_*': {method: redact, leave: nothing}}, default: keep"
    treated = load(("{default: keep}", "{" + rules + "}")).pseudonymizer
    assert treated.method_of("log_request_id").method == "redact"
    assert treated.method_of("label") == Keep()


def test_a_schema_of_annotations_lies_beside_the_file_and_is_read_by_the_job_only(load, tmp_path):
    rules = "{annotations: {PII: {method: redact}}, schema_file: schema.pbtxt}"
    config = load(("{default: keep}", rules))
    assert config.privacy.schema_file == f"{tmp_path}/schema.pbtxt"


def test_the_hierarchy_of_a_category_lies_beside_the_file_too(load, tmp_path):
    category = "{method: generalize, kind: category, hierarchy: tree.csv}"
    rules = f"{{default: keep, fields: {{company: {category}}}, patterns: {{'zip*': {category}}}}}"
    privacy = load(("{default: keep}", rules)).privacy
    assert privacy.method_of("company").hierarchy == f"{tmp_path}/tree.csv"
    assert privacy.method_of("zip_code").hierarchy == f"{tmp_path}/tree.csv"


@pytest.mark.parametrize(
    ("rule", "works"),
    [
        ("hash_bucket, buckets: 9, output: text", True),
        ("hash_bucket, buckets: 9", False),
        ("generalize, kind: postcode", True),
        ("noise, epsilon: 1, lower: 0, upper: 1", False),
        ("aes_siv", False),
        ("mask", False),
    ],
)
def test_a_string_feature_may_be_coarser_but_not_a_pseudonym(load, rule, works):
    keys = "keyset: keys.json, domain: tips, default: keep"
    change = ("{default: keep}", f"{{{keys}, fields: {{company: {{method: {rule}}}}}}}")
    if works:
        assert load(change).privacy.fields
    else:
        with pytest.raises(ConfigError, match=r"cannot learn from company \(string: "):
            load(change)


def test_a_column_that_the_model_slices_by_is_compared_though_it_has_a_rule(load):
    rules = "{default: keep, fields: {area: {method: keep, role: quasi_identifier}}}"
    assert not load(("{default: keep}", rules)).drift_validator.ignores("area")


def test_a_model_feature_that_the_default_would_redact_is_an_error(load):
    with pytest.raises(ConfigError, match=r"cannot learn from .*area \(int: redact\)"):
        load(
            (
                "privacy: {default: keep}",
                "privacy: {default: redact, fields: {fare: {method: keep}}}",
            )
        )
