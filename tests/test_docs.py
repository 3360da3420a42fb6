"""What docs/privacy.md shows is what the code takes and has."""

import re
from pathlib import Path

import pytest
import yaml
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.reports import SplitRisk
from tfx_vigil.pipelines.cli import app
from tfx_vigil.pipelines.config import load_config
from typer.main import get_command

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "privacy.md").read_text()
VIGIL_YAML = """\
model:
  name: tips
  features: {fare: float, area: int, company: string}
  serving_dir: serving
spans: {start: 2014-01-01}
logs: {format: json_lines, files: logs/*.jsonl}
runtime: {pipeline_root: pipeline, history_root: history}
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def table(first_cell):
    """The first cells of the rows of the table whose header begins with ``first_cell``."""
    lines = TEXT[TEXT.index(f"| {first_cell} |") :].splitlines()[2:]
    rows = [line for line in lines[: lines.index("")] if line.startswith("|")]
    return [row.split("|")[1].strip() for row in rows]


@pytest.mark.parametrize("block", blocks("yaml"))
def test_each_policy_loads_as_part_of_a_vigil_yaml(tmp_path, block):
    (tmp_path / "vigil.yaml").write_text(VIGIL_YAML + block)
    privacy = load_config(tmp_path / "vigil.yaml").privacy
    assert privacy.fields or privacy.annotations


def test_the_first_policy_treats_the_fields_as_the_page_says():
    config = PrivacyConfig(**yaml.safe_load(blocks("yaml")[0])["privacy"])
    assert [*config.subject_fields] == ["rider_email"]
    assert config.given("driver_comment").rule == "pattern *_comment"
    assert config.method_of("device_serial").role == "direct_identifier"
    assert config.method_of("a_new_field") is None


def test_every_method_has_its_line():
    named = {re.search("`(.*?)`", cell)[1] for cell in table("method")}
    schema = str(PrivacyConfig.model_json_schema()["$defs"])
    known = set(re.findall(r"'method': \{'const': '(\w+)'", schema))
    assert named == known


def test_every_role_and_every_figure_of_risk_has_its_line():
    roles = {cell.strip("`") for cell in table("role")}
    assert roles == {"direct_identifier", "quasi_identifier", "sensitive", "subject_id"}
    figures = {name for cell in table("figure") for name in re.findall("`(.*?)`", cell)}
    assert figures < SplitRisk.model_fields.keys()


def test_every_command_that_is_named_exists():
    commands = get_command(app).commands
    for group, name in re.findall(r"tfx-vigil (keys|subject) (\w+)", TEXT):
        assert name in commands[group].commands, (group, name)


def test_links_of_the_page_lead_to_its_headings_and_to_files():
    headings = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#(.*?)\)", TEXT)) <= anchors
    for path in re.findall(r"`((?:beam_jobs|benchmarks)/[\w./]+)`", TEXT):
        assert (ROOT / path).exists(), path
