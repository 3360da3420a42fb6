import gzip
import json
import tempfile
from pathlib import Path

import pytest
from tfx.types import standard_artifacts
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.ingest_logs import NoLogs
from tfx_vigil.beam_jobs.keysets import KeysetError
from tfx_vigil.beam_jobs.reports import IngestReport, PrivacyReport, read_report
from tfx_vigil.components import ProtectedIngest, artifacts
from tfx_vigil.components.protected_ingest.executor import Executor

EMAIL = "ada@example.com"
WINDOW = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"}
PRIVACY = {
    "fields": {"rider": {"method": "hmac"}},
    "default": "keep",
    "keyset": "env:KEYS",
    "domain": "riders",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A log of five requests and a damaged one, a keyset in the environment, an own TMPDIR."""
    rows = [
        {
            "request_id": str(n),
            "event_time": f"2026-01-01T0{n}:00:00Z",
            "prediction": 0.5,
            "rider": EMAIL,
        }
        for n in range(5)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join([*map(json.dumps, rows), '{"rider": "' + EMAIL]))
    keysets.create(str(tmp_path / "keyset.json"))
    monkeypatch.setenv("KEYS", (tmp_path / "keyset.json").read_text())
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    return tmp_path


def ingest(place, window=WINDOW, raw_root=""):
    outputs = {
        "examples": standard_artifacts.Examples(),
        "ingest_report": artifacts.IngestReport(),
        "privacy_report": artifacts.PrivacyReport(),
        "dead_letters": artifacts.DeadLetters(),
    }
    for name, artifact in outputs.items():
        artifact.uri = str(place / "out" / name)
        Path(artifact.uri).mkdir(parents=True, exist_ok=True)
    config = {"format": "json_lines", "logs": f"{place}/log.jsonl", "max_dead_letter_share": 0.5}
    node = ProtectedIngest(config, PRIVACY, **window, raw_root=raw_root)
    Executor().Do({}, {name: [a] for name, a in outputs.items()}, node.exec_properties)
    return outputs


def bytes_below(folder):
    files = [p for p in Path(folder).rglob("*") if p.is_file()]
    return b"".join(
        gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in files
    )


def test_rows_come_out_protected_and_both_reports_account_for_them(place):
    outputs = ingest(place)
    assert read_report(outputs["ingest_report"].uri, IngestReport).counts.rows_written == 5
    assert read_report(outputs["privacy_report"].uri, PrivacyReport).rows_written == 5
    assert outputs["examples"].split_names == '["serving", "labelled"]'
    assert outputs["dead_letters"].get_int_custom_property("dead_letters") in (0, 1)
    assert EMAIL.encode() not in bytes_below(place / "out")


@pytest.mark.parametrize("raw_root", ["", "raw"])
def test_nothing_raw_is_left_after_success(place, raw_root):
    ingest(place, raw_root=raw_root and str(place / raw_root))
    assert not (place / "raw").exists()
    assert EMAIL.encode() not in bytes_below(place / "temp")


@pytest.mark.parametrize("raw_root", ["", "raw"])
def test_nothing_raw_is_left_when_protection_fails(place, monkeypatch, raw_root):
    monkeypatch.delenv("KEYS")
    with pytest.raises(KeysetError, match="env:KEYS: this environment variable"):
        ingest(place, raw_root=raw_root and str(place / raw_root))
    assert not (place / "raw").exists()
    assert EMAIL.encode() not in bytes_below(place / "temp")
    assert EMAIL.encode() not in bytes_below(place / "out")


def test_what_a_killed_run_left_in_the_raw_folder_is_removed_first(place):
    left = place / "raw" / "examples" / "Split-serving" / "old"
    left.parent.mkdir(parents=True)
    left.write_text(EMAIL)
    outputs = ingest(place, raw_root=str(place / "raw"))
    assert read_report(outputs["privacy_report"].uri, PrivacyReport).rows_read == 5
    assert not left.exists()


def test_only_the_owner_can_look_into_the_raw_folder(place, monkeypatch):
    seen = {}

    def watch(*_, output_uri, **__):
        folder = Path(output_uri).parent
        seen[folder] = oct(folder.stat().st_mode & 0o777)
        raise NoLogs("seen")

    monkeypatch.setattr("tfx_vigil.beam_jobs.ingest_logs.ingest_logs", watch)
    with pytest.raises(NoLogs, match="seen"):
        ingest(place)
    [(folder, mode)] = seen.items()
    assert mode == "0o700"
    assert not folder.exists()


def test_an_empty_window_is_an_error(place):
    window = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2025-01-02T00:00:00Z"}
    with pytest.raises(NoLogs):
        ingest(place, window)
