import pytest
from pydantic import BaseModel, ConfigDict, Field
from tfx_vigil.pipelines.yaml_file import ConfigError, load


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    margin: float = Field(ge=0)


class Policy(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    rules: list[Rule] = []


def write(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return path


def test_a_fitting_file_becomes_the_model(tmp_path):
    path = write(tmp_path, "name: daily\nrules:\n  - margin: 0.1\n")
    assert load(path, Policy) == Policy(name="daily", rules=[Rule(margin=0.1)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nrules:\n  - margin: 1\n    margn: 2\n", r"yaml:4: rules.0.margn: unknown key"),
        ("name: a\nrules:\n  - margin: -1\n", r"yaml:3: rules.0.margin: .*greater.*found -1"),
        ("rules: []\n", r"yaml:1: name: this key is required"),
        ("name: a\nname: b\n", r"yaml:2: name: the key is given twice"),
        ("name: [a\n", r"yaml:2: not YAML"),
        ("- a\n", r"yaml:1: expected keys and values"),
        ("", r"yaml:1: expected keys and values"),
    ],
)
def test_errors_name_file_line_and_key(tmp_path, text, expected):
    with pytest.raises(ConfigError, match=expected):
        load(write(tmp_path, text), Policy)


def test_every_problem_is_named_at_once(tmp_path):
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, "nme: a\nrules:\n  - margin: x\n"), Policy)
    assert len(str(error.value).splitlines()) == 3


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: No such file"):
        load(tmp_path / "absent.yaml", Policy)
