"""``tfx-vigil subject`` as a person uses it."""

import csv
import json
import stat

import pytest
import yaml
from tfx_vigil.beam_jobs.subjects.receipts import Receipts
from typer.testing import CliRunner

from .people_history import FIRST, LABELLED, SERVED, build, settings_of

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = build(tmp_path_factory.mktemp("cli") / "world", measured=False)
    (world.folder / "vigil.yaml").write_text(yaml.safe_dump(settings_of(world.folder)))
    return world


def tfx_vigil(world, *arguments, typed="ann\n"):
    from tfx_vigil.pipelines.cli import app

    config = ["--config", str(world.folder / "vigil.yaml")]
    result = RUNNER.invoke(app, ["subject", *arguments, *config], input=typed)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_access_hands_out_everything_to_its_owner_only(world, tmp_path):
    out = tmp_path / "out"
    result = tfx_vigil(world, "access", "--output", str(out))
    assert "Handed out" in result.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in out.iterdir()} == dict.fromkeys(
        ("access.json", "rows.json", "rows.csv"), 0o600
    )
    document = json.loads((out / "access.json").read_text())
    assert document["rows"] == json.loads((out / "rows.json").read_text())
    assert len(document["rows"]) == (SERVED + LABELLED) // 4
    copies = sum(len(row["held_in"]) for row in document["rows"])
    assert copies == (SERVED + 2 * LABELLED) // 4
    assert {row["company"] for row in document["rows"]} == {"Blue"}
    assert len(document["pseudonyms"]["rider"]) == 2
    assert [m["learned_from"] for m in document["models"]] == [[FIRST]]
    assert (document["erased"], document["restricted"]) == (False, False)
    for key in ("purposes", "categories", "recipients", "kept_for", "source", "rights"):
        assert document[key]
    with open(out / "rows.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(document["rows"])
    assert {row["company"] for row in table} == {"Blue"}


def test_export_hands_out_the_rows_and_each_request_leaves_a_receipt(world, tmp_path):
    identifier = tmp_path / "person.txt"
    identifier.write_text("ann\n")
    out = tmp_path / "export"
    result = tfx_vigil(world, "export", "-o", str(out), "--id-file", str(identifier), "--json")
    receipt = json.loads(result.stdout)
    assert sorted(p.name for p in out.iterdir()) == ["rows.csv", "rows.json"]
    assert (receipt["request"], receipt["held"][0]["done"]) == ("export", "handed out")
    listed = json.loads(tfx_vigil(world, "receipts", "--verify", "--json").stdout)
    assert listed[-1] == receipt
    assert "signatures hold" in tfx_vigil(world, "receipts", "--verify").stdout


def test_a_dry_run_touches_nothing_and_a_stranger_is_no_error(world):
    before = Receipts(world.history.root).head()
    shown = json.loads(tfx_vigil(world, "erase", "--dry-run", "--json").stdout)
    assert {held["rows"] for held in shown} >= {LABELLED // 4, (SERVED + LABELLED) // 4}
    assert "Nothing of this person" in tfx_vigil(world, "erase", "--dry-run", typed="zoe\n").stdout
    assert Receipts(world.history.root).head() == before
    assert not (world.folder / "history" / "subjects" / "register.json").exists()


@pytest.mark.parametrize("typed", ["", "\n"])
def test_without_an_identifier_nothing_is_done(world, typed):
    from tfx_vigil.pipelines.yaml_file import ConfigError

    with pytest.raises(ConfigError, match="the identifier"):
        tfx_vigil(world, "erase", typed=typed)
