import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.examples import encode_examples, tf_records
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.pseudonymize import run
from tfx_vigil.beam_jobs.tables import list_columns

IPS = ["203.0.113.77", "203.0.113.9", "2001:db8:7:1::5", "198.51.100.3"]
KEEP, REDACT = {"method": "keep"}, {"method": "redact"}
RIDES = pa.table(
    {
        "rider_email": ["ada@example.org", "bob@example.org", "ada@example.org", "eve@example.org"],
        "rider_phone": ["+1 312 555 0142"] * 4,
        "client_ip": IPS,
        "fare": [1.5, 2.5, 1.5, 1.5],
        "note": ["fine"] * 4,
    }
)


@pytest.fixture
def config(tmp_path):
    keysets.create(str(tmp_path / "keyset.json"))
    return PrivacyConfig(
        fields={
            "client_ip": {"method": "generalize", "kind": "ip", "role": "quasi_identifier"},
            "rider_email": {"method": "hmac", "role": "subject_id"},
            "fare": KEEP | {"role": "sensitive"},
        },
        patterns={"rider_*": REDACT, "zip*": KEEP},
        default="keep",
        keyset=str(tmp_path / "keyset.json"),
        domain="riders",
        min_group_rows=2,
    )


@pytest.fixture
def examples(tmp_path):
    """Two splits of examples: the rides, and the last two of them."""
    [batch] = RIDES.to_batches()
    for split, rows in {"serving": batch, "labelled": batch.slice(2)}.items():
        folder = tmp_path / "in" / f"Split-{split}"
        folder.mkdir(parents=True)
        records = tf_records(encode_examples(list_columns("rides", rows)))
        (folder / "data_tfrecord").write_bytes(records)
    return str(tmp_path / "in")


def test_the_report_says_which_rule_treated_a_field_and_which_rules_did_nothing(
    config, examples, tmp_path
):
    report = run(config, examples, str(tmp_path / "out"))
    told = {(f.field, f.split): (f.rule, f.method, f.role) for f in report.fields}
    assert told["rider_email", "serving"] == ("field", "hmac", "subject_id")
    assert told["rider_phone", "labelled"] == ("pattern rider_*", "redact", None)
    assert told["note", "serving"] == ("default", "keep", None)
    assert [(o.field, o.applied, o.overruled) for o in report.overruled] == [
        ("rider_email", "field", ["pattern rider_*"])
    ]
    assert report.idle_rules == ["pattern zip*"]


def test_the_report_says_for_each_split_how_easily_rows_point_to_a_person(
    config, examples, tmp_path
):
    labelled, serving = run(config, examples, str(tmp_path / "out")).risk
    assert (labelled.split, labelled.k, labelled.unique) == ("labelled", 1, 1.0)
    assert (serving.split, serving.k, serving.classes, serving.rows) == ("serving", 1, 3, 4)
    assert [(c.rows, c.values) for c in serving.smallest] == [
        (1, None),
        (1, None),
        (2, "client_ip=203.0.113.0/24"),
    ]
    [fare] = serving.diversity
    assert (fare.field, fare.smallest, fare.classes_with_one_value) == ("fare", 1, 2)


def test_a_table_has_the_same_risk_as_examples(config, examples, tmp_path):
    parquet.write_table(RIDES, tmp_path / "serving.parquet", row_group_size=3)
    [risk] = run(config, str(tmp_path / "serving.parquet"), str(tmp_path / "table")).risk
    assert risk == run(config, examples, str(tmp_path / "out")).risk[1]


def test_a_combination_that_too_few_share_is_not_in_the_report(config, examples, tmp_path):
    run(config, examples, str(tmp_path / "out"))
    report = (tmp_path / "out" / "report.json").read_text()
    assert "203.0.113.0/24" in report
    assert "2001:db8:7::/48" not in report
    assert "198.51.100.0/24" not in report
