import re
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.subjects.edit_files import FileResult, edit_files
from tfx_vigil.beam_jobs.subjects.erase import Erase
from tfx_vigil.beam_jobs.subjects.marks import marks_of

from .stored_rows import batch, parsed, policy, read, treat, write


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "keys" / "keyset.json"
    keysets.create(str(path))
    return policy(path)


def rides(config, version=1):
    return treat(
        config,
        batch(
            rider=["ada", "bob", ["bob", "ada"], None, "cyd"],
            driver=["dan", "ada", "dan", "dan", "dan"],
            referrer=["bob", "bob", None, "ada", "bob"],
            fare=[1.5, 2.5, None, [], 4.5],
            seats=[1, None, 3, 4, [1, 2]],
        ),
        version,
    )


def test_erase_removes_the_rows_of_a_person_and_their_mentions_under_every_key_version(
    config, tmp_path
):
    keysets.rotate(config.keyset)
    path = write(tmp_path / "a" / "Split-labelled" / "d.gz", rides(config, 1), rides(config, 2))
    before = parsed(read(path))
    other = write(
        tmp_path / "a" / "Split-serving" / "d", rides(config).slice(4), rides(config).slice(4)
    )
    stamp = Path(other).stat().st_mtime_ns

    results = edit_files([path, other], Erase([marks_of(config, "ada")]))

    assert results == [FileResult(path, 10, 4, 6, 2), FileResult(other, 2, 2, 0, 0)]
    assert Path(other).stat().st_mtime_ns == stamp
    after = parsed(read(path))
    assert [after[1], after[3]] == [before[4], before[9]]
    assert after[0].features.feature["referrer"].bytes_list.value[:] == [b"[REDACTED]"]
    assert after[0].features.feature["seats"] == before[3].features.feature["seats"]
    assert after[0].features.feature["fare"] == before[3].features.feature["fare"]
    assert list(Path(tmp_path, "a").iterdir()) == [Path(path).parent, Path(other).parent]


def test_a_person_named_in_texts_of_others_is_made_anonymous_there(config, tmp_path):
    config = policy(config.keyset, undeclared="pseudonymize")
    ada, bob = "ada@example.com", "bob@example.com"
    rows = batch(
        rider=["cyd", "cyd", "cyd"],
        note=[f"ask {ada} or {bob}", [f"{ada}, {ada}", "no one"], b"\xff bob@example.com"],
        n=[1, 2, 3],
    )
    path = write(tmp_path / "Split-a" / "d.gz", treat(config, rows))
    before = [row.features.feature["note"].bytes_list.value for row in parsed(read(path))]
    (result,) = edit_files([path], Erase([marks_of(config, ada)]))

    assert (result.rows_removed, result.rows_changed) == (0, 2)
    after = parsed(read(path))
    notes = [row.features.feature["note"].bytes_list.value for row in after]
    (named,) = re.findall(rb"or (.*)", before[0][0])
    assert list(notes[0]) == [b"ask [EMAIL] or " + named]
    assert list(notes[1]) == [b"[EMAIL], [EMAIL]", b"no one"]
    assert notes[2] == before[2]
    assert [row.features.feature["n"].int64_list.value[0] for row in after] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("{0}", "[REDACTED]"),
        ("{0} called", "[REDACTED] called"),
        ("by {0}", "by [REDACTED]"),
        ("[{0}]", "[[REDACTED]]"),
        ("[EMAIL:{0}]\n[PHONE:{1}]", "[EMAIL]\n[PHONE:{1}]"),
        ("{1}", "{1}"),
    ],
)
def test_wherever_a_pseudonym_stands_in_kept_text_it_goes(config, tmp_path, text, cleaned):
    (ada,) = marks_of(config, "ada").pseudonyms["driver"]
    (bob,) = marks_of(config, "bob").pseudonyms["driver"]
    rows = batch(note=[text.format(ada.decode(), bob.decode())])
    path = write(tmp_path / "Split-a" / "d", rows)
    edit_files([path], Erase([marks_of(config, "ada")]))
    (row,) = parsed(read(path))
    expected = cleaned.format("", bob.decode()).encode()
    assert list(row.features.feature["note"].bytes_list.value) == [expected]
