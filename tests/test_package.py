"""What others rely on: cheap imports, importable artifact types, and the floors of the house."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tfx_vigil
from tfx.types import Artifact
from tfx_vigil import components
from tfx_vigil.components import artifacts

ROOT = Path(tfx_vigil.__file__).parent
LAYERS = ["beam_jobs", "components", "pipelines", "kubeflow"]
SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
ARTIFACTS = [
    kind
    for _, kind in inspect.getmembers(artifacts, inspect.isclass)
    if issubclass(kind, Artifact) and kind is not Artifact
]
KUBEFLOW_TYPE = re.compile(r"[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}")


def imported_by(statement):
    """Top-level modules that ``statement`` loads in a fresh interpreter."""
    code = f"import json, sys; {statement}; print(json.dumps([*sys.modules]))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(ran.stdout)}


@pytest.mark.parametrize("statement", ["import tfx_vigil", "import tfx_vigil.components"])
def test_the_package_alone_loads_no_heavy_module(statement):
    loaded = imported_by(statement)
    assert "tfx_vigil" in loaded
    assert not loaded & {"tfx", "tensorflow", "apache_beam", "pyarrow", "numpy"}


def test_asking_for_help_loads_no_heavy_module():
    assert not imported_by("import tfx_vigil.pipelines.cli") & {"tfx", "tensorflow", "apache_beam"}


@pytest.mark.parametrize("kind", ARTIFACTS, ids=lambda kind: kind.__name__)
def test_an_artifact_type_is_what_kubeflow_and_tfx_ask_for(kind):
    assert KUBEFLOW_TYPE.fullmatch(kind.TYPE_NAME)
    package, _, name = kind.TYPE_NAME.partition(".")
    assert package == "tfx_vigil"
    assert getattr(tfx_vigil, name) is kind
    assert not kind.PROPERTIES


def test_a_name_that_is_no_artifact_type_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"tfx_vigil.*'Nonsense'"):
        _ = tfx_vigil.Nonsense
    with pytest.raises(AttributeError, match=r"components.*'Nonsense'"):
        _ = components.Nonsense


@pytest.mark.parametrize("name", components.__all__)
def test_every_component_is_importable_by_its_name_and_documented(name):
    component = getattr(components, name)
    assert component.__name__ == name
    assert component.__doc__


def imports(path, root=ROOT):
    """Absolute names of what the file imports, at its top or inside a function."""
    package = ["tfx_vigil", *path.relative_to(root).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_floor_leans_on_one_above_it(path):
    floor = LAYERS.index(path.relative_to(ROOT).parts[0])
    above = tuple(f"tfx_vigil.{layer}." for layer in LAYERS[floor + 1 :])
    forbidden = (*above, "tfx.") if floor == 0 else above
    assert not [name for name in imports(path) if f"{name}.".startswith(forbidden)]


def test_imports_are_told_whatever_their_form(tmp_path):
    (tmp_path / "beam_jobs" / "inner").mkdir(parents=True)
    source = tmp_path / "beam_jobs" / "inner" / "job.py"
    source.write_text(
        "import tfx.orchestration\n"
        "def f():\n"
        "    from ...components import history\n"
        "    from .. import slices\n"
        "    from . import other\n"
        "    from tfx_vigil import pipelines\n"
    )
    assert list(imports(source, tmp_path)) == [
        "tfx.orchestration",
        "tfx_vigil.components.history",
        "tfx_vigil.beam_jobs.slices",
        "tfx_vigil.beam_jobs.inner.other",
        "tfx_vigil.pipelines",
    ]
