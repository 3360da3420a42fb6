"""The Docker engine and the image that the tests here run in.

`make test-docker` starts an engine where none runs. TFX_VIGIL_IMAGE names an image that is there
already; without it the image is built from the work tree.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

_BUILT = "tfx-vigil:test"


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    try:
        client = docker.from_env(timeout=600)
    except docker.errors.DockerException as error:
        pytest.fail(f"no Docker engine answers ({error}): run `make test-docker`", pytrace=False)
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(docker_client: docker.DockerClient) -> str:
    """Tag of the image."""
    tag = os.environ.get("TFX_VIGIL_IMAGE")
    if tag is None:
        tag = _BUILT
        subprocess.run([Path(__file__).with_name("image.sh"), tag], check=True)
    return tag
