"""Pods of the tests are as confined as on a strict cluster."""

import json

import pytest

from .pods import ANY_USER, DockerPods, Pod

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def pods(docker_client, image):
    return DockerPods(docker_client, image, ANY_USER)


def test_a_pod_has_its_own_folders_and_nothing_else(pods, tmp_path):
    script = """
import json, os, socket
def refused(act):
    try: act()
    except OSError: return True
limit = [p for p in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
         if os.path.exists(p)]
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "vigil": os.path.exists("/vigil"),
    "tmp": os.listdir("/tmp"), "devices": [n for _, n in socket.if_nameindex()],
    "image": refused(lambda: open("/opt/vigil/x", "w")), "etc": refused(lambda: open("/x", "w")),
    "memory": int(open(limit[0]).read())}))
"""
    mounts = {"/tmp": tmp_path}
    pod = Pod("look", ["python", "-c", script], {}, mounts, memory=2 * 10**9)
    seen = json.loads(pods.run(pod).log)
    assert (seen["uid"], seen["gid"]) == (ANY_USER, 0)
    assert (seen["vigil"], seen["tmp"], seen["devices"]) == (False, [], ["lo"])
    assert seen["image"]
    assert seen["etc"]
    assert seen["memory"] == pytest.approx(2 * 10**9, abs=4096)


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        ("import time; time.sleep(60)", {"deadline": 1}),
        ("x = bytearray(b'1') * 500_000_000", {"memory": 100_000_000}),
    ],
)
def test_a_pod_that_takes_too_long_or_too_much_is_killed(pods, script, limits):
    assert pods.run(Pod("greedy", ["python", "-c", script], {}, {}, **limits)).exit_code == 137
