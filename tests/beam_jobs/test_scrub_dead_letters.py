import base64
import gzip
import json
import traceback

import apache_beam as beam
import pytest
from tfx_vigil.beam_jobs.scrub_dead_letters import scrub_dead_letters

EMAIL = "ada@example.com"


def write(folder, name, lines):
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / name, "wt") as file:
        file.writelines(f"{line}\n" for line in lines)


def letter(offset, reason="not JSON"):
    record = base64.b64encode(f"{EMAIL} {offset}".encode()).decode()
    return json.dumps({"file": "a.log", "offset": offset, "reason": reason, "bytes": record})


def scrub(tmp_path):
    with beam.Pipeline() as pipeline:
        scrub_dead_letters(pipeline, f"{tmp_path}/in", f"{tmp_path}/out")
    lines = []
    for path in (tmp_path / "out").glob("dead_letters-*.jsonl.gz"):
        lines += gzip.decompress(path.read_bytes()).splitlines()
    return [json.loads(line) for line in lines]


def test_every_letter_keeps_file_offset_and_reason_and_nothing_else(tmp_path):
    write(tmp_path / "in", "dead_letters-00000-of-00002.jsonl.gz", map(letter, range(50)))
    write(tmp_path / "in", "dead_letters-00001-of-00002.jsonl.gz", [letter(50, f"bad {EMAIL}")])
    letters = sorted(scrub(tmp_path), key=lambda found: found["offset"])
    assert letters[:50] == [
        {"file": "a.log", "offset": offset, "reason": "not JSON"} for offset in range(50)
    ]
    assert letters[50]["reason"] == "bad [EMAIL]"


def test_no_dead_letters_are_no_error(tmp_path):
    (tmp_path / "in").mkdir()
    assert scrub(tmp_path) == []


@pytest.mark.parametrize("line", [f'"{EMAIL}"', f"{EMAIL}", '{"file": "x"}', letter(EMAIL)])
def test_a_line_that_is_no_letter_fails_without_a_quote(tmp_path, line, caplog):
    write(tmp_path / "in", "dead_letters-00000-of-00001.jsonl.gz", [line])
    with pytest.raises(ValueError, match="not a JSON object of file, offset") as error:
        scrub(tmp_path)
    said = "".join(traceback.format_exception(error.value)) + caplog.text
    assert EMAIL not in said
