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
