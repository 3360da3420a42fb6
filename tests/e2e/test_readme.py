"""The README's claims that can be run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tfx_vigil.pipelines.config import load_config

README = Path(__file__).parents[2] / "README.md"


def block(language):
    (found,) = [
        code
        for name, code in re.findall(r"```(\w+)\n(.*?)```", README.read_text(), re.DOTALL)
        if name == language
    ]
    return found


@pytest.mark.e2e
def test_the_stock_pipeline_with_one_component_runs_as_it_stands(tmp_path):
    subprocess.run([sys.executable, "-c", block("python")], cwd=tmp_path, check=True)
    (path,) = tmp_path.glob("taxi/DriftValidator/report/*/report.json")
    report = json.loads(path.read_text())
    assert {c["slice"] for c in report["comparisons"]} >= {"overall", "payment_type=Cash"}
    assert not report["drift"], "eval and train are random halves of the same trips"


def test_the_explained_configuration_is_a_valid_one(tmp_path):
    (tmp_path / "vigil.yaml").write_text(block("yaml"))
    assert load_config(tmp_path / "vigil.yaml").model.name == "taxi-tips"
