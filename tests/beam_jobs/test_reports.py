"""Report documents as they lie on disk, those of earlier versions too."""

from __future__ import annotations

from tfx_vigil.beam_jobs.red_flags import red_flags
from tfx_vigil.beam_jobs.reports import FILE_NAME, FileCounts, IngestReport, read_report
from tfx_vigil.components.retrain_gate.data_guards import readable_logs
from tfx_vigil.components.retrain_gate.evidence import Reports

INGEST_BEFORE_FLAGS = """{
 "schema_version": 1,
 "format": "kserve",
 "window_start": "2014-01-01T00:00:00Z",
 "window_end": "2014-02-01T00:00:00Z",
 "counts": {
  "records_read": 20,
  "records_ok": 19,
  "records_dead_lettered": 1,
  "rows": 30,
  "rows_written": 26,
  "rows_duplicate": 2,
  "rows_outside_window": 1,
  "rows_rejected": 1,
  "labels_read": 9,
  "labels_joined": 5,
  "labels_late": 1,
  "labels_orphan": 1,
  "labels_repeated": 1,
  "labels_outside_window": 1
 },
 "files": [
  {
   "file": "logs/a.jsonl",
   "records_read": 12,
   "records_dead_lettered": 1
  },
  {
   "file": "logs/b.jsonl",
   "records_read": 8,
   "records_dead_lettered": 0
  }
 ],
 "dead_letter_reasons": {
  "not_json": 1
 },
 "requests_per_minute": 0.5,
 "latency_ms": {
  "p50": 11.5,
  "p90": 20.0,
  "p99": 31.0
 },
 "statuses": {
  "200": 26
 },
 "model_versions": {
  "1": 26
 },
 "label_delay_hours": null
}"""


def test_an_ingest_report_of_before_red_flags_still_loads(tmp_path):
    (tmp_path / FILE_NAME).write_text(INGEST_BEFORE_FLAGS)
    report = read_report(str(tmp_path), IngestReport)
    assert report.files == [
        FileCounts(file="logs/a.jsonl", records_read=12, records_dead_lettered=1),
        FileCounts(file="logs/b.jsonl", records_read=8),
    ]
    assert (report.counts.labels_joined, report.counts.labels_corrected) == (5, 0)
    assert (report.traffic, report.clocks, report.red_flags) == ([], [], [])
    assert red_flags(report, [report]) == []
    guard = readable_logs(0.05, Reports(ingest=report))
    assert (guard.outcome, guard.reason) == (True, "5.00% of 20 records could not be read")
