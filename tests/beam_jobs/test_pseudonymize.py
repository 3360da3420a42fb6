import gzip
import json
import logging
import traceback
from functools import partial
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.accounting import AccountError
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.keysets import KeysetError
from tfx_vigil.beam_jobs.privacy_account import PrivacyError, privacy_report
from tfx_vigil.beam_jobs.privacy_batch import BatchTreatment
from tfx_vigil.beam_jobs.privacy_measures import Measure
from tfx_vigil.beam_jobs.privacy_methods import Hmac
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.pseudonymize import main, pseudonymize, run
from tfx_vigil.beam_jobs.reports import PrivacyReport, ScanFinding, read_report

EMAIL, PHONE, IP = "ada.lovelace@example.com", "+1 312 555 0142", "203.0.113.77"
NOTE_EMAIL = "grace.hopper@example.org"
RAW = [text.encode() for text in (EMAIL, PHONE, IP, NOTE_EMAIL)]
FIELDS = {
    "rider_email": {"method": "hmac"},
    "rider_phone": {"method": "hmac"},
    "client_ip": {"method": "generalize", "kind": "ip"},
}
BYTES, INTS, FLOATS = (
    pa.large_list(kind) for kind in (pa.large_binary(), pa.int64(), pa.float32())
)


def column(values, kind):
    return pa.array([v if isinstance(v, list | None) else [v] for v in values], kind)


def rows(n):
    """Columns of n rows: two riders in turn, the last row without personal data."""
    return {
        "rider_email": column([EMAIL, "bob@example.com"] * (n // 2) + [None] * (n % 2), BYTES),
        "rider_phone": column([PHONE, "+1 415 555 0199"] * (n // 2) + [None] * (n % 2), BYTES),
        "client_ip": column([IP, "2001:db8:7:1::5"] * (n // 2) + [None] * (n % 2), BYTES),
        "also_email": column([[EMAIL, "bob@example.com"]] * (n - 1) + [[]], BYTES),
        "label": column(["fine", f"ask {NOTE_EMAIL}"] * (n // 2) + [None] * (n % 2), BYTES),
        "log_request_id": column([f"r{i}@host.io" for i in range(n)], BYTES),
        "user_number": column(range(n), INTS),
        "fare": column([1.5] * n, FLOATS),
    }


def batch_of(columns):
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def write_examples(path, columns):
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for example in encode_examples(batch_of(columns)):
            writer.write(example)


def read_rows(split_folder):
    files = sorted(map(str, Path(split_folder).glob("*")))
    examples = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return ExamplesToRecordBatchDecoder().DecodeBatch(examples).to_pydict()


def content(folder):
    """All bytes under a folder, unpacked."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in files
    )


def everything_said(error, caplog):
    return "".join([*traceback.format_exception(error.value), caplog.text]).encode()


def make_config(key_path, **given):
    usual = {
        "fields": FIELDS | {"also_email": {"method": "hmac"}},
        "domain": "riders",
        "default": "keep",
        "scan_exempt": ["log_request_id"],
    }
    return PrivacyConfig(keyset=key_path, **usual | given)


@pytest.fixture
def config(key_path):
    return partial(make_config, key_path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_examples(folder / "Split-serving" / "data.gz", rows(101))
    write_examples(folder / "Split-labelled" / "data.gz", rows(10))
    return str(folder)


@pytest.fixture(scope="module")
def one_file(data):
    """Ten rows; run() makes the split ``all`` of it."""
    return f"{data}/Split-labelled/data.gz"


@pytest.fixture(scope="module")
def treated(data, tmp_path_factory):
    """The output folder of a run with the usual policy."""
    folder = tmp_path_factory.mktemp("treated")
    key_path = str(folder / "keyset.json")
    keysets.create(key_path)
    run(make_config(key_path), data, str(folder / "out"))
    return folder / "out"


def test_each_declared_field_is_treated_and_all_rows_come_out(treated):
    report = read_report(str(treated), PrivacyReport)
    assert (report.rows_read, report.rows_written) == (111, 111)
    treated = read_rows(treated / "Split-serving")
    assert len(treated["fare"]) == 101
    pseudonyms = {value for row in treated["rider_email"][:100] for value in row}
    assert len(pseudonyms) == 2
    assert all(text.startswith(b"v1.") and len(text) == 35 for text in pseudonyms)
    assert treated["client_ip"][:2] == [[b"203.0.113.0/24"], [b"2001:db8:7::/48"]]
    assert treated["label"][:2] == [[b"fine"], [b"ask [EMAIL]"]]
    assert treated["log_request_id"][0] == [b"r0@host.io"]
    assert treated["user_number"][7] == [7]
    assert [treated[name][100] for name in ("rider_email", "client_ip", "label")] == [None] * 3


def test_lists_keep_their_order_and_lengths(treated):
    treated = read_rows(treated / "Split-serving")
    [ada], [bob] = treated["rider_email"][:2]
    assert treated["also_email"][:100] == [[ada, bob]] * 100
    assert treated["also_email"][100] == []


def test_a_value_has_one_pseudonym_over_fields_splits_and_runs(data, config, tmp_path):
    run(config(), data, str(tmp_path / "a"))
    run(config(), data, str(tmp_path / "b"))
    seen = {
        (read_rows(tmp_path / out / f"Split-{split}")[field][0][0])
        for out in "ab"
        for split in ("serving", "labelled")
        for field in ("rider_email", "also_email")
    }
    assert len(seen) == 1


def test_another_domain_or_key_version_gives_other_pseudonyms(one_file, config, tmp_path, key_path):
    run(config(), one_file, str(tmp_path / "a"))
    run(config(domain="drivers"), one_file, str(tmp_path / "b"))
    keysets.rotate(key_path)
    report = run(config(), one_file, str(tmp_path / "c"))
    a, b, c = (read_rows(tmp_path / out / "Split-all")["rider_email"][0][0] for out in "abc")
    assert len({a[3:], b[3:], c[3:]}) == 3
    assert (a[:3], b[:3], c[:3]) == (b"v1.", b"v1.", b"v2.")
    assert report.key_version == 2


def test_the_key_version_is_the_one_of_the_job_s_start(data, config, tmp_path, key_path):
    with beam.Pipeline() as pipeline:
        pseudonymize(pipeline, config(), data, ["serving"], f"{tmp_path}/out", f"{tmp_path}/report")
        keysets.rotate(key_path)
    assert read_rows(tmp_path / "out" / "Split-serving")["rider_email"][0][0][:3] == b"v1."
    assert read_report(f"{tmp_path}/report", PrivacyReport).key_version == 1


def test_the_key_is_not_in_the_pipeline(data, config, tmp_path, key_path):
    pipeline = beam.Pipeline()
    pseudonymize(pipeline, config(), data, ["serving"], f"{tmp_path}/out", f"{tmp_path}/report")
    proto = pipeline.to_runner_api().SerializeToString()
    key = keysets.load(key_path).key(1).material
    secret = json.loads(Path(key_path).read_text())["versions"][0]["key"]
    assert key not in proto
    assert secret.encode() not in proto


def test_the_report_counts_values_per_field_and_split(data, config, tmp_path):
    fields = FIELDS | {"absent": {"method": "redact"}, "also_email": {"method": "hmac"}}
    report = run(config(fields=fields), data, str(tmp_path / "out"))
    counted = {(f.field, f.split): (f.method, f.values, f.key_version) for f in report.fields}
    assert counted["rider_email", "serving"] == ("hmac", 100, 1)
    assert counted["also_email", "labelled"] == ("hmac", 18, 1)
    assert counted["client_ip", "serving"] == ("generalize", 100, None)
    assert counted["fare", "labelled"] == ("keep", 10, None)
    assert counted["absent", "serving"] == ("redact", 0, None)
    findings = {(f.field, f.split): (f.kind, f.values, f.action) for f in report.findings}
    assert findings == {
        ("label", "serving"): ("EMAIL", 50, "redacted"),
        ("label", "labelled"): ("EMAIL", 5, "redacted"),
    }
    assert not report.input_purged


def test_integers_get_the_pseudonym_of_their_text(config, tmp_path):
    columns = {"id": column([42], INTS), "text": column(["42"], BYTES)}
    write_examples(tmp_path / "in" / "Split-all" / "data.gz", columns)
    policy = config(fields={name: {"method": "hmac"} for name in columns})
    run(policy, str(tmp_path / "in"), str(tmp_path / "out"))
    treated = read_rows(tmp_path / "out" / "Split-all")
    assert treated["id"] == treated["text"]


def test_default_redact_leaves_unlisted_fields_out(one_file, config, tmp_path):
    run(config(default="redact"), one_file, str(tmp_path / "out"))
    assert set(read_rows(tmp_path / "out" / "Split-all")) == {*FIELDS, "also_email"}


@pytest.mark.parametrize("default", [None, "error"])
def test_all_fields_without_a_rule_are_named_at_once(default, one_file, config, tmp_path):
    with pytest.raises(RuntimeError) as error:
        run(config(default=default), one_file, str(tmp_path / "out"))
    assert "fare, label, log_request_id, user_number" in str(error.value)
    assert not list((tmp_path / "out").glob("Split-*"))


def test_fields_missing_in_a_whole_batch_are_no_error(config, tmp_path):
    columns = rows(3) | {"label": column([None] * 3, BYTES)}
    write_examples(tmp_path / "in" / "Split-all" / "data.gz", columns)
    report = run(config(), str(tmp_path / "in"), str(tmp_path / "out"))
    assert report.rows_written == 3


def test_an_empty_split_stays_empty(config, tmp_path):
    folder = tmp_path / "in" / "Split-labelled"
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data.gz"), "GZIP"):
        pass
    report = run(config(), str(tmp_path / "in"), str(tmp_path / "out"))
    assert report.rows_written == 0
    assert list((tmp_path / "out" / "Split-labelled").iterdir())
    assert content(tmp_path / "out" / "Split-labelled") == b""


def test_no_raw_value_is_in_outputs_or_logs(one_file, config, tmp_path, caplog, capfd):
    caplog.set_level(logging.INFO)
    assert all(raw in content(Path(one_file).parent) for raw in RAW)
    run(config(), one_file, str(tmp_path / "out"))
    said = content(tmp_path / "out") + "".join([caplog.text, *capfd.readouterr()]).encode()
    assert not [raw for raw in RAW if raw in said]


def test_undeclared_identifiers_get_the_pseudonym_of_declared_ones(config, tmp_path):
    columns = rows(4) | {"label": column([f"ask {EMAIL}"] * 4, BYTES)}
    write_examples(tmp_path / "in" / "Split-all" / "data.gz", columns)
    report = run(config(undeclared="pseudonymize"), str(tmp_path / "in"), str(tmp_path / "out"))
    treated = read_rows(tmp_path / "out" / "Split-all")
    ((pseudonym,), *_) = treated["rider_email"]
    assert treated["label"] == [[b"ask [EMAIL:%s]" % pseudonym]] * 4
    assert {finding.action for finding in report.findings} == {"pseudonymized"}
    assert report.key_version == 1


def test_fail_counts_all_findings_and_says_no_value(data, config, tmp_path, caplog):
    with pytest.raises(RuntimeError) as error:
        run(config(undeclared="fail"), data, str(tmp_path / "out"))
    assert "label (labelled): 5 values with EMAIL" in str(error.value)
    assert "label (serving): 50 values with EMAIL" in str(error.value)
    said = everything_said(error, caplog) + content(tmp_path / "out")
    assert not [raw for raw in RAW if raw in said]
    report = read_report(str(tmp_path / "out"), PrivacyReport)
    assert {finding.action for finding in report.findings} == {"failed"}
    assert not list((tmp_path / "out").glob("Split-*"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fare": {"method": "hmac"}}, "field 'fare': hmac needs text or integers"),
        ({"user_number": {"method": "redact"}}, "leave: nothing"),
        ({"user_number": {"method": "generalize", "kind": "time"}}, "needs a unit"),
    ],
)
def test_a_method_that_does_not_suit_is_named_with_its_field(config, fields, message):
    with pytest.raises(PrivacyError, match=message) as error:
        BatchTreatment(config(fields=fields), "serving", None).treat(batch_of(rows(3)))
    assert not [raw for raw in RAW if raw in str(error.value).encode()]


def test_an_error_inside_a_method_quotes_no_value(config, monkeypatch):
    def explode(self, values, mac):
        raise ValueError(f"cannot treat {values.to_pylist()}")

    monkeypatch.setattr(Hmac, "operate", explode)
    with pytest.raises(PrivacyError, match="hmac failed with ValueError") as error:
        BatchTreatment(config(), "serving", None).treat(batch_of(rows(3)))
    said = "".join(traceback.format_exception(error.value)).encode()
    assert not [raw for raw in RAW if raw in said]


@pytest.fixture
def misnamed(tmp_path):
    columns = {"a": column([1, 2], INTS), EMAIL: column([1, None], INTS)}
    write_examples(tmp_path / "in" / "Split-all" / "data.gz", columns)
    return str(tmp_path / "in")


def test_a_field_named_by_an_identifier_is_left_out_and_reported(config, misnamed, tmp_path):
    report = run(config(), misnamed, str(tmp_path / "out"))
    assert report.findings == [
        ScanFinding(field="[EMAIL]", split="all", kind="EMAIL", values=1, action="left_out")
    ]
    assert [field.field for field in report.fields if field.values] == ["a"]
    assert report.rows_written == 2


def test_a_field_named_by_an_identifier_fails_a_job_that_fails_on_identifiers(
    config, misnamed, tmp_path
):
    with pytest.raises(RuntimeError, match=r"\[EMAIL\] \(all\): 1 values with EMAIL") as error:
        run(config(undeclared="fail"), misnamed, str(tmp_path / "out"))
    assert EMAIL not in "".join(traceback.format_exception(error.value))


def test_without_a_usable_keyset_nothing_is_written(one_file, config, tmp_path, key_path):
    Path(key_path).chmod(0o644)
    with pytest.raises(KeysetError, match="chmod 600"):
        run(config(), one_file, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_stock_tfdv_reads_the_output(treated):
    statistics = tfdv.generate_statistics_from_tfrecord(f"{treated}/Split-serving/*")
    [dataset] = statistics.datasets
    assert dataset.num_examples == 101
    features = {feature.path.step[0]: feature for feature in dataset.features}
    assert features["rider_email"].string_stats.unique == 2
    assert features["rider_email"].string_stats.common_stats.num_missing == 1


def test_one_tfrecord_file_is_a_split(one_file, config, tmp_path):
    report = run(config(), one_file, str(tmp_path / "out"))
    assert report.rows_written == 10
    assert len(read_rows(tmp_path / "out" / "Split-all")["fare"]) == 10


def test_a_missing_input_is_named(config, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run(config(), str(tmp_path / "nowhere"), str(tmp_path / "out"))


def test_an_earlier_result_is_neither_mixed_with_nor_deleted(one_file, config, tmp_path, key_path):
    run(config(), one_file, str(tmp_path / "out"))
    before = content(tmp_path / "out")
    Path(key_path).unlink()
    with pytest.raises(FileExistsError, match="another folder"):
        run(config(), one_file, str(tmp_path / "out"))
    assert content(tmp_path / "out") == before


def test_rows_that_go_missing_fail_the_job(config):
    counts = {Measure("all", "rows_read"): 3, Measure("all", "rows_written"): 2}
    with pytest.raises(AccountError, match=r"rows_read\[all\]=3 but rows_written\[all\]=2"):
        privacy_report(counts, config(), ["all"], 1)


def test_main_reads_a_config_and_prints_the_report(one_file, config, tmp_path, capsys):
    path = tmp_path / "policy.json"
    path.write_text(config().model_dump_json())
    main(["--config", str(path), "--input", one_file, "--output", str(tmp_path / "out")])
    assert PrivacyReport.model_validate_json(capsys.readouterr().out).rows_read == 10


TABLE = {
    "rider_email": [EMAIL, None, "bob@example.com"],
    "client_ip": [IP, "", "2001:db8:7:1::5"],
    "label": ["fine", f"ask {NOTE_EMAIL}\nagain", None],
    "fare": [1.50, 2.25, 3.0],
}


def test_parquet_comes_back_as_parquet(config, tmp_path):
    table = pa.table(
        TABLE
        | {
            "user_number": [1, 2, 3],
            "kind": pa.array(["a", EMAIL, "a"]).dictionary_encode(),
            "seen": pa.array([0, 1, 2], pa.timestamp("us")),
            "tags": [["x", EMAIL], [], None],
        }
    )
    parquet.write_table(table, tmp_path / "rides.parquet", row_group_size=2)
    fields = FIELDS | {"user_number": {"method": "hmac"}, "tags": {"method": "hmac"}}
    report = run(config(fields=fields), str(tmp_path / "rides.parquet"), str(tmp_path / "out"))
    treated = parquet.read_table(tmp_path / "out" / "rides.parquet")
    assert treated.schema.field("user_number").type == pa.string()
    assert treated.schema.field("seen").type == pa.timestamp("us")
    result = treated.to_pydict()
    assert result["client_ip"] == ["203.0.113.0/24", "[REDACTED]", "2001:db8:7::/48"]
    assert result["label"] == ["fine", "ask [EMAIL]\nagain", None]
    assert result["kind"] == ["a", "[EMAIL]", "a"]
    assert result["rider_email"][1] is None
    assert result["tags"][0][1] == result["rider_email"][0]
    assert result["tags"][1:] == [[], None]
    assert (report.rows_read, report.rows_written) == (3, 3)
    assert {finding.field for finding in report.findings} == {"label", "kind"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report.json", "rides.parquet"]


def test_csv_comes_back_as_csv_with_kept_text_unchanged(config, tmp_path):
    (tmp_path / "rides.csv").write_text(
        "rider_email,fare,age,label,zip\n"
        f'{EMAIL},1.50,37,"ask {NOTE_EMAIL}\nagain",00501\n'
        ",2,,fine,60601\n"
    )
    fields = {"rider_email": {"method": "hmac"}}
    fields["age"] = {"method": "generalize", "kind": "number", "width": 10}
    report = run(config(fields=fields), str(tmp_path / "rides.csv"), str(tmp_path / "out"))
    treated = csv.read_csv(
        tmp_path / "out" / "rides.csv",
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(["fare", "age", "zip"], pa.string()),
            strings_can_be_null=True,
        ),
    ).to_pydict()
    assert treated["fare"] == ["1.50", "2"]
    assert treated["zip"] == ["00501", "60601"]
    assert treated["age"] == ["30", None]
    assert treated["label"] == ["ask [EMAIL]\nagain", "fine"]
    assert treated["rider_email"][0].startswith("v1.")
    assert treated["rider_email"][1] is None
    assert report.rows_written == 2


def test_a_table_without_rows_keeps_its_header(config, tmp_path):
    (tmp_path / "rides.csv").write_text("rider_email,fare\n")
    report = run(config(), str(tmp_path / "rides.csv"), str(tmp_path / "out"))
    assert report.rows_written == 0
    assert (tmp_path / "out" / "rides.csv").read_text() == '"rider_email","fare"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"a,b\n1,2\n{EMAIL},4,5\n", "Expected 2 columns, got 3"),
        (f"{EMAIL},17\nbob,18\n", "name of field 0"),
        ("", "header row"),
    ],
)
def test_malformed_csv_fails_without_a_quote_and_leaves_no_file(config, tmp_path, text, message):
    (tmp_path / "rides.csv").write_text(text)
    with pytest.raises(RuntimeError, match=message) as error:
        run(config(), str(tmp_path / "rides.csv"), str(tmp_path / "out"))
    assert EMAIL not in "".join(traceback.format_exception(error.value))
    assert not list(tmp_path.glob("out/*"))


def test_nested_parquet_must_be_redacted(config, tmp_path):
    table = pa.table({"who": [{"mail": EMAIL}], "fare": [1.0]})
    parquet.write_table(table, tmp_path / "rides.parquet")
    path, out = str(tmp_path / "rides.parquet"), str(tmp_path / "out")
    with pytest.raises(RuntimeError, match=r"'who'.*flatten or redact"):
        run(config(), path, out)
    run(config(fields={"who": {"method": "redact", "leave": "nothing"}}), path, out)
    assert parquet.read_table(tmp_path / "out" / "rides.parquet").column_names == ["fare"]
