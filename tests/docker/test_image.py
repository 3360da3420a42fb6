"""What the image holds, and that it runs the way a cluster runs it."""

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
on_docker = pytest.mark.docker


def pins(lock: str) -> dict[str, str]:
    """Name -> version of a lock, for Python 3.13 on Linux."""
    from packaging.requirements import Requirement

    python = {"python_version": "3.13", "python_full_version": "3.13.0"}
    system = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    found = {}
    for line in (REPOSITORY / "requirements" / lock).read_text().splitlines():
        if re.match(r"[a-z0-9]", line):
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.marker is None or requirement.marker.evaluate(python | system):
                found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


@pytest.fixture(scope="module")
def run(docker_client, image):
    """Runs a command as a strict cluster does; returns its output, raises when it fails."""

    def run(*command: str, **options) -> str:
        defaults = {
            "read_only": True,
            "tmpfs": {"/tmp": "mode=1777"},
            "network_mode": "none",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "mem_limit": "2g",
            "remove": True,
        }
        output = docker_client.containers.run(
            image, list(command[1:]), entrypoint=command[0], **(defaults | options)
        )
        return output.decode()

    return run


def test_the_image_has_the_versions_that_are_locked_for_everything_else():
    image, usual = pins("image.txt"), pins("kfp.txt")
    assert "tensorflow" not in image
    image["tensorflow"] = image.pop("tensorflow-cpu")
    shared = image.keys() & usual.keys()
    assert {name: image[name] for name in shared} == {name: usual[name] for name in shared}
    assert usual.keys() - image.keys() <= {"jedi", "libclang", "parso"}


@on_docker
def test_the_image_is_at_most_two_and_a_half_gigabytes(docker_client, image):
    assert docker_client.images.get(image).attrs["Size"] <= 2.5e9


@on_docker
def test_the_image_names_a_numeric_user_that_is_not_root_in_group_0(docker_client, image, run):
    assert docker_client.images.get(image).attrs["Config"]["User"] == "10001:0"
    assert run("id", "-u").strip() == "10001"


@on_docker
@pytest.mark.parametrize("user", ["10001:0", "1234567:0", "65534:65534"])
def test_an_executor_starts_for_any_user_on_a_read_only_root_without_network(run, user):
    code = (
        f"import {EXECUTOR}, tfx_vigil.components, boto3, getpass, pathlib, tempfile;"
        "pathlib.Path.home().joinpath('.cache').mkdir();"
        "tempfile.TemporaryDirectory();"
        "print(getpass.getuser())"
    )
    assert run("python", "-c", code, user=user).splitlines()[-1] == "vigil"


@on_docker
def test_the_root_can_be_read_only(run):
    assert "kept out" in run("bash", "-c", "touch /opt/vigil/x 2>/dev/null || echo kept out")


@on_docker
def test_the_image_starts_as_tfx_vigil(docker_client, image):
    said = docker_client.containers.run(
        image, ["--help"], read_only=True, tmpfs={"/tmp": ""}, network_mode="none", remove=True
    ).decode()
    assert "compile" in said
    assert "run" in said


@on_docker
def test_the_image_has_no_build_tools_and_no_caches(run):
    tools = "gcc g++ cc c++ ld strip make uv git cyclonedx-py"
    assert run("bash", "-c", f"command -v {tools} || true") == ""
    folders = "/build /root/.cache /opt/vigil/.cache /var/cache/apt/archives/*.deb"
    assert run("bash", "-c", f"ls -d {folders} 2>/dev/null || true", user="0") == ""


@on_docker
def test_nothing_in_the_environment_is_writable_for_the_user(run):
    assert run("find", "/opt/vigil", "-writable", "-not", "-type", "l", read_only=False) == ""


@on_docker
def test_every_module_an_executor_imports_is_byte_compiled(run):
    code = (
        f"import {EXECUTOR}, tfx_vigil.components, sys\n"
        "from importlib.util import cache_from_source\n"
        "from pathlib import Path\n"
        "for module in list(sys.modules.values()):\n"
        "    file = getattr(module, '__file__', None) or ''\n"
        "    if file.endswith('.py') and not Path(cache_from_source(file)).exists():\n"
        "        print('not compiled:', file)\n"
    )
    assert "not compiled" not in run("python", "-c", code)


@on_docker
def test_the_bill_of_materials_lists_exactly_what_is_locked(docker_client, image, run):
    labels = docker_client.images.get(image).attrs["Config"]["Labels"]
    bill = json.loads(run("cat", labels["io.tfx-vigil.sbom"]))
    assert bill["bomFormat"] == "CycloneDX"
    listed = {
        re.sub(r"[-_.]+", "-", part["name"]).lower(): part["version"] for part in bill["components"]
    }
    assert listed.pop("tfx-vigil")
    assert listed == pins("image.txt")


@on_docker
def test_the_build_leaves_nothing_of_its_machine_behind(run):
    found = run("bash", "-c", "ls /etc/pip.conf /etc/uv /run/secrets 2>/dev/null || true", user="0")
    assert found == ""
