"""Pseudonyms of all stored rows moved to the newest key version."""

import json

import yaml
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.rewrap_data import held_versions
from tfx_vigil.beam_jobs.subjects.leftovers import find_leftovers
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.pipelines.rewrap_stored import rewrap_stored
from tfx_vigil.pipelines.stored_data import stored_data
from typer.testing import CliRunner

from .people_history import FIRST, LABELLED, SERVED, SPANS, build, settings_of


def test_rewrapped_rows_need_no_old_key_and_their_people_are_still_found(tmp_path):
    from tfx_vigil.pipelines.cli import app

    world = build(tmp_path / "world", measured=False)
    config, privacy = world.config, world.config.pseudonymizer
    keysets.rotate(privacy.keyset)
    (world.folder / "vigil.yaml").write_text(yaml.safe_dump(settings_of(world.folder)))
    before = {span: (world.served(span), world.labelled(span)) for span in SPANS}
    options = ["--config", str(world.folder / "vigil.yaml"), "--json"]
    result = CliRunner().invoke(app, ["keys", "rewrap", *options], catch_exceptions=False)
    report = json.loads(result.stdout)
    assert report["rows"] == report["rows_changed"] == 2 * (SERVED + 2 * LABELLED)
    assert (report["version"], report["unreadable"]) == (3, [])

    files = stored_data(config, world.history).files
    assert {held.version for held in held_versions(privacy, files)} == {3}
    assert {span: (world.served(span), world.labelled(span)) for span in SPANS} == before
    keysets.destroy(privacy.keyset, 1)
    keysets.destroy(privacy.keyset, 2)
    assert len(find_leftovers(files, [marks_of(privacy, "ann")])) == 3
    assert world.history.record(FIRST).revised == []
    assert rewrap_stored(config).rows_changed == 0
