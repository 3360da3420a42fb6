import base64
import gzip
import json
import tempfile
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_account import dead_letter
from tfx_vigil.beam_jobs.subjects.dead_letters import erase_letters
from tfx_vigil.beam_jobs.subjects.edit_files import FileResult

ADA = "ada.lovelace+x@example.com"


def write(folder, *records):
    path = Path(folder) / "dead_letter" / "dead_letters-00000-of-00001.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [dead_letter("a.log", i, record, "not_json") + "\n" for i, record in enumerate(records)]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return str(path)


def kept(path):
    return [
        json.loads(line)["offset"] for line in gzip.decompress(Path(path).read_bytes()).splitlines()
    ]


def test_letters_with_the_identifier_in_any_encoding_are_dropped(tmp_path):
    escaped = "".join(f"\\u{ord(c):04x}" for c in ADA)
    theirs = [
        f'{{"email": "{ADA}"'.encode(),
        f'{{"email": "{escaped}"'.encode(),
        ADA.upper().encode(),
        quote(ADA, safe="").encode(),
        b"?q=1&email=" + quote_plus(quote(ADA, safe=""), safe="").encode(),
        base64.b64encode(ADA.encode()),
        *(base64.b64encode(b"x" * n + b'{"user":"' + ADA.encode() + b'"}') for n in range(3)),
        base64.urlsafe_b64encode(b"??>>" + ADA.encode()),
        json.dumps({"body": json.dumps({"user": escaped})}).encode(),
    ]
    others = [b"x" + ADA.encode(), b"bob@example.com", b"", b"\xff\x00", base64.b64encode(b"bob")]
    path = write(tmp_path, *theirs, *others)

    (first,) = erase_letters([path], [ADA])
    stamp = Path(path).stat().st_mtime_ns
    (second,) = erase_letters([path], [ADA])

    assert first == FileResult(path, 16, 5, 11, 0)
    assert kept(path) == [11, 12, 13, 14, 15]
    assert second == FileResult(path, 5, 5, 0, 0)
    assert Path(path).stat().st_mtime_ns == stamp
    assert [p.name for p in tmp_path.iterdir()] == ["dead_letter"]


def test_a_short_identifier_is_sought_as_a_word_of_its_own(tmp_path):
    path = write(tmp_path, b'{"rider": 17}', b'{"rider": 170}', b"MTc=", b"xMTcw", b"rider=17&x")
    erase_letters([path], ["17"])
    assert kept(path) == [1, 3]


def test_the_file_keeps_its_mode(tmp_path):
    path = write(tmp_path, b"ada", b"bob")
    Path(path).chmod(0o600)
    erase_letters([path], ["ada"])
    assert (Path(path).stat().st_mode & 0o777, kept(path)) == (0o600, [1])


@pytest.mark.parametrize("line", [b"[1]", b'{"file": "a"}', b"ada", b'{"bytes": 7}'])
def test_a_line_that_is_no_letter_is_an_error_that_quotes_nothing(tmp_path, line):
    path = write(tmp_path, b"ada")
    Path(path).write_bytes(before := Path(path).read_bytes() + gzip.compress(line + b"\n"))
    with pytest.raises(ValueError, match="no dead letter") as error:
        erase_letters([path], ["ada"])
    assert "ada" not in str(error.value).replace(str(tmp_path), "")
    assert Path(path).read_bytes() == before


def test_no_identifier_is_not_every_letter(tmp_path):
    with pytest.raises(ValueError, match="empty identifier"):
        erase_letters([write(tmp_path, b"x")], [""])


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=7).filter(str.strip), st.binary(max_size=5))
def test_whatever_the_identifier_it_is_found_in_each_encoding(identifier, before):
    raw = identifier.encode()
    records = [
        b"<" + raw + b">",
        json.dumps(identifier).encode(),
        quote(identifier, safe="").encode(),
        base64.b64encode(before + raw),
        base64.urlsafe_b64encode(before + raw + b"xx"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        (result,) = erase_letters([write(folder, *records)], [identifier])
    assert result.rows_removed == 5
