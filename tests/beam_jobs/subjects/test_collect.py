import json

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.subjects.collect import HeldRow, collect_rows, reversed_rows
from tfx_vigil.beam_jobs.subjects.marks import marks_of

from .stored_rows import batch, policy, treat, write


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "keys" / "keyset.json"
    keysets.create(str(path))
    return policy(path)


def test_all_rows_of_a_person_come_with_their_place_and_nobody_elses(config, tmp_path):
    keysets.rotate(config.keyset)
    rows = batch(
        rider=["ada", "bob", ["bob", "ada"]], fare=[1.5, 2.5, None], note=[b"\xff", "x", []]
    )
    labelled = write(tmp_path / "Split-labelled" / "d.gz", treat(config, rows, 1))
    aside = write(tmp_path / "restricted" / "labelled.d.gz", treat(config, rows, 2))
    nobody = write(tmp_path / "Split-serving" / "d", treat(config, rows.slice(1, 1)))

    held = collect_rows([aside, nobody, labelled], [marks_of(config, "ada")])

    assert [(row.file, row.split, row.restricted) for row in held] == [
        (labelled, "labelled", False),
        (labelled, "labelled", False),
        (aside, "labelled", True),
        (aside, "labelled", True),
    ]
    assert (held[0].row["fare"], held[0].row["note"]) == (1.5, "base64:/w==")
    assert set(held[1].row) == {"rider", "note"}
    assert held[1].row["note"] == []
    assert held[1].row["rider"][1] == held[0].row["rider"] != held[2].row["rider"]
    json.dumps(held)
    assert list(reversed_rows(config, "ada", held)) == held, "an hmac has no way back"
    assert isinstance(held[0], HeldRow)


def test_reversible_pseudonyms_are_undone_with_the_key_version_of_their_row(config, tmp_path):
    more = {
        "phone": {"method": "fpe"},
        "mail": {"method": "aes_siv"},
        "friend": {"method": "aes_siv", "role": "subject_id"},
    }
    config = policy(config.keyset, fields=config.fields | more)
    keysets.rotate(config.keyset)
    columns = {
        "rider": ["ada", None],
        "friend": ["bob", "ada"],
        "phone": ["312-555-0142", ["555-0199-1", "12"]],
        "mail": ["a@x.org", None],
        "n": [1, 2],
    }
    paths = [
        write(tmp_path / "Split-a" / f"d{version}", treat(config, batch(**columns), version))
        for version in (1, 2)
    ]
    held = collect_rows(paths, [marks_of(config, "ada")])
    assert not {"312-555-0142", "a@x.org", "bob"} & {str(x) for h in held for x in h.row.values()}
    for first, second in (
        reversed_rows(config, "ada", held[:2]),
        reversed_rows(config, "ada", held[2:]),
    ):
        assert {k: first.row[k] for k in ("friend", "phone", "mail", "n")} == {
            "friend": "bob",
            "phone": "312-555-0142",
            "mail": "a@x.org",
            "n": 1,
        }
        assert second.row == {"friend": "ada", "phone": ["555-0199-1", "[REDACTED]"], "n": 2}
