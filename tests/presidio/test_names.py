"""The real presidio-analyzer with a spaCy pipeline of rules: no model can be downloaded in CI."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.presidio
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TEXTS = {
    "Ada Lovelace lives in Chicago": "[NAME] lives in [PLACE]",
    "Ada Lovelace <ada@example.com>, ACME": "[NAME] <[EMAIL]>, ACME",
    "\udcff\udc80 Chicago [IP]": "\udcff\udc80 [PLACE] [IP]",
    "Ada 203.0.113.7 Lovelace": "Ada [IP] Lovelace",
    "": "",
    "nobody": "nobody",
}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presidio")
    (folder / "tfx_vigil").symlink_to(ROOT)
    make = ROOT / "requirements/environment.sh"
    subprocess.run([make, "presidio", "3.10", "3.12", "3.11"], check=True)
    output = subprocess.run(
        [ROOT / ".uv/presidio/bin/python", HERE / "scan_names.py", folder / "model"],
        input=json.dumps([*TEXTS]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(folder)},
    ).stdout
    return json.loads(output)


def test_names_and_places_are_found_beside_the_other_kinds(scanned):
    assert scanned["texts"] == [*TEXTS.values()]
    assert scanned["found"] == {"NAME": [0, 1], "PLACE": [0, 2], "EMAIL": [1], "IP": [3]}


def test_a_model_that_is_not_installed_is_named(scanned):
    assert "no spaCy model 'no_such_model'" in scanned["missing"]
