"""Taxi data on a cluster's volume, and what two ways of running the same spans have in common."""

from __future__ import annotations

import gzip
import json
import math
import re
import shutil
from datetime import datetime, timezone
from pathlib import Path

import tensorflow as tf
import yaml
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.components.history import History, SpanRecord
from tfx_vigil.kubeflow.compile import compile_pipeline, load_cluster_config

from .driver import Cluster
from .pods import DockerPods, Pod
from .spec import Compiled, load

FIRST, SECOND = "2014-01-01", "2014-07-01"
CLAIM, MOUNT = "tfx-vigil", "/vigil"
SECRET, SECRET_KEY = "tfx-vigil-keyset", "keyset.json"
IDENTIFIERS = re.compile(
    rb"rider\d{4}@example\.org"
    rb"|\+1 2\d\d-555-01\d\d"
    rb"|\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.(?!0/24)\d{1,3}\b"
)
_DEMO = """
from pathlib import Path
from tfx_vigil.pipelines.demo.demo import run_demo
for outcome in run_demo(Path("/vigil"), spans=2):
    print(outcome)
"""


def run_locally(pods: DockerPods, folder: Path) -> Path:
    """Runs the demo's first two spans in one container; returns its volume."""
    mounts = {MOUNT: folder / "volume", "/tmp": folder / "tmp"}
    for path in mounts.values():
        path.mkdir(parents=True)
    finished = pods.run(Pod("local", ["python", "-c", _DEMO], {}, mounts))
    assert finished.exit_code == 0, finished.log[-4000:].decode(errors="replace")
    return mounts[MOUNT]


def first_day(folder: Path, pods: DockerPods, local: Path) -> Cluster:
    """A cluster on the demo's first day: the same baseline and keys, the first span's logs."""
    keyset = (local / "keys" / "keyset.json").read_text()
    cluster = Cluster(folder, pods, [CLAIM], {SECRET: {SECRET_KEY: keyset}})
    volume = cluster.volumes[CLAIM]
    for name in ("data", "history"):
        shutil.copytree(local / name, volume / name, dirs_exist_ok=True)
    shutil.rmtree(volume / "history" / "spans")
    config = yaml.safe_load((local / "vigil.yaml").read_text())
    config["kubeflow"] = {"image": "registry.example/tfx-vigil:1"}
    (volume / "vigil.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    history = cluster_history(cluster)
    (volume / "history" / "model_in_service.json").unlink()
    history.write_baseline(history.baseline())
    add_logs(cluster, local, FIRST)
    return cluster


def add_logs(cluster: Cluster, local: Path, span: str) -> None:
    """What the model server and the ground truth wrote of ``span``."""
    volume = cluster.volumes[CLAIM]
    shutil.copytree(local / "logs" / span, volume / "logs" / span)
    (volume / "truth").mkdir(exist_ok=True)
    shutil.copyfile(local / "truth" / f"{span}.jsonl", volume / "truth" / f"{span}.jsonl")


def compiled(cluster: Cluster) -> Compiled:
    config = load_cluster_config(cluster.volumes[CLAIM] / "vigil.yaml")
    return load(compile_pipeline(config, "kubeflow"))


def cluster_history(cluster: Cluster) -> History:
    return History(str(cluster.volumes[CLAIM] / "history"))


def up_to_date(cluster: Cluster, name: str, now: datetime) -> str:
    """A second history on the volume whose last span ended before ``now``: nothing is due.

    Returns:
      Its root as the pods see it.
    """
    root = cluster.volumes[CLAIM] / name
    shutil.copytree(cluster.volumes[CLAIM] / "history" / "baseline", root / "baseline")
    this = 2 * now.year + (now.month > 6)
    start, end = (
        datetime(half // 2, 1 + 6 * (half % 2), 1, tzinfo=timezone.utc) for half in (this - 1, this)
    )
    span = start.date().isoformat()
    record = SpanRecord(
        span=span, window_start=start, window_end=end, revision="", complete=True, action="none"
    )
    History(str(root)).write_span(record, lambda folder: None)
    return f"{MOUNT}/{name}"


def documents(root: Path) -> dict[str, object]:
    """Every file of the history below ``root`` in a comparable form.

    Left out are a span's revision, the digest of its bytes, where the pipeline keeps its rows, the
    number that the Pusher gave a model, a time, and what depends on how fast and how large a model
    was found to be. Rows are messages, for their bytes follow the order of a hash map.
    """
    return {
        _lasting(str(path.relative_to(root))): _content(path)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _content(path: Path) -> object:
    content = path.read_bytes()
    if path.suffix == ".json":
        document = json.loads(_lasting(content.decode()))
        if isinstance(document, dict):
            document.pop("examples", None)
        if path.name in _UNMEASURED:
            _UNMEASURED[path.name](document)
        return document
    if path.name == "FeatureStats.pb":
        statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
        return {d.name: json_format.MessageToDict(d) for d in statistics.datasets}
    if path.suffix == ".gz":
        rows = tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()
        return [tf.train.Example.FromString(row) for row in rows]
    return content


def _without_stopwatch(serving: dict) -> None:
    for check in serving["models"]:
        del check["latency_ms"], check["size_bytes"]


def _without_what_it_decided(push: dict) -> None:
    push["rules"] = [r for r in push["rules"] if not _MEASURED.search(r["rule"])]
    push["reasons"] = [text for text in push["reasons"] if not _MEASURED.search(text)]
    push["evidence"].pop("serving", None)


_MEASURED = re.compile("latency|size")
_UNMEASURED = {"serving.json": _without_stopwatch, "push.json": _without_what_it_decided}


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """Names of files that only one has, or whose content is not the same.

    Numbers of statistics may differ in their last digits: sums depend on the order of bundles.
    """
    shared = one.keys() & other.keys()
    return sorted(
        (one.keys() ^ other.keys()) | {name for name in shared if not _same(one[name], other[name])}
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def _lasting(text: str) -> str:
    text = re.sub(r"serving/\d+", "serving/N", text)
    return re.sub(r"(spans/[\d-]{10}/|\"revision\": \")[0-9a-f]{16}", r"\1R", text)


def unzipped(content: bytes) -> bytes:
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def leaks(root: Path) -> list[str]:
    """Files below ``root`` that hold a raw identifier, as they are or unzipped."""
    files = [path for path in root.rglob("*") if path.is_file()]
    found = (
        path
        for path in files
        if IDENTIFIERS.search(content := path.read_bytes()) or IDENTIFIERS.search(unzipped(content))
    )
    return [str(path) for path in found]
