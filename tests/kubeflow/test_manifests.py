"""The manifests, as kubectl renders them: schemas, names, rights, and what must not be there.

Needs kubectl 1.21 or newer: ``apt-get install kubectl`` on Debian 13.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import tfx_vigil
import yaml
from tfx_vigil.kubeflow.kfp_api import Server
from tfx_vigil.kubeflow.pods import KEYSET_VARIABLE
from tfx_vigil.kubeflow.submit import Submission, submit
from tfx_vigil.pipelines.cluster import KubeflowConfig

from . import kfp_server, kubernetes_discovery
from .test_submit import SPEC

MANIFESTS = Path(tfx_vigil.__file__).parent / "kubeflow" / "manifests"
OVERLAYS = sorted(
    str(path.parent.relative_to(MANIFESTS))
    for path in MANIFESTS.rglob("kustomization.yaml")
    if "namespace" in yaml.safe_load(path.read_text())
)
SCHEMAS = list(dict.fromkeys(kubernetes_validate.utils.all_versions()))[-5:]


def kubectl(*args, **environment):
    """Runs kubectl without any settings of this machine; skips where there is none that can."""
    if why_not := _no_kubectl():
        pytest.skip(why_not)
    return _run(*args, **environment)


def _run(*args, **environment):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    return subprocess.run(["kubectl", *args], env=environment, capture_output=True, text=True)


@functools.cache
def _no_kubectl():
    if not shutil.which("kubectl"):
        return "no kubectl: apt-get install kubectl (Debian 13)"
    version = json.loads(_run("version", "--client", "-o", "json").stdout)["clientVersion"]
    minor = int(re.match(r"\d+", version["minor"])[0])
    if minor < 21:
        return f"kubectl 1.{minor} has kustomize 2, which cannot build on another folder"
    return None


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request):
    return MANIFESTS / request.param


@pytest.fixture(scope="module")
def objects(overlay):
    done = kubectl("kustomize", str(overlay))
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(objects, kind):
    return [o for o in objects if o["kind"] == kind]


def named(objects, kind, name):
    (found,) = [o for o in of_kind(objects, kind) if o["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("version", SCHEMAS)
def test_every_object_fits_the_schema_of_each_kubernetes(objects, version):
    for item in objects:
        kubernetes_validate.validate(item, version, strict=True)


def test_the_schemas_refuse_an_unknown_field(objects):
    for item in objects:
        wrong = {**item, "metdata": {}}
        with pytest.raises(kubernetes_validate.ValidationError, match="metdata"):
            kubernetes_validate.validate(wrong, SCHEMAS[-1], strict=True)


def test_kubectl_applies_each_object_in_a_dry_run(overlay, objects, tmp_path):
    """Exercises kubectl's parsing, its mapping of kinds to resources, and its printing; nothing
    of a server's validation or admission: the server is a stand-in that only tells its kinds."""
    with kubernetes_discovery.serving(tmp_path) as api:
        done = kubectl(
            "apply", "--dry-run=client", "--validate=false", "-k", str(overlay), "-o", "json",
            KUBECONFIG=str(api.kubeconfig),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    applied = printed.get("items", [printed])

    def key(item):
        return item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]

    assert sorted(map(key, applied), key=str) == sorted(map(key, objects), key=str)
    assert api.changes == []


def test_a_kind_that_no_server_knows_fails_the_dry_run(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("apiVersion: batch/v1\nkind: CronJobb\nmetadata: {name: a, namespace: b}\n")
    with kubernetes_discovery.serving(tmp_path) as api:
        done = kubectl(
            "apply", "--dry-run=client", "--validate=false", "-f", str(wrong),
            KUBECONFIG=str(api.kubeconfig),
        )  # fmt: skip
    assert done.returncode != 0
    assert "CronJobb" in done.stderr


def test_every_object_is_in_the_one_namespace_of_the_overlay(objects, overlay):
    namespace = yaml.safe_load((overlay / "kustomization.yaml").read_text())["namespace"]
    for item in objects:
        name = item["metadata"].get("namespace", item["metadata"]["name"])
        assert name == namespace, item
    for binding in of_kind(objects, "RoleBinding"):
        assert {subject["namespace"] for subject in binding["subjects"]} == {namespace}


def test_names_are_those_that_a_run_asks_for(overlay, objects):
    config, account = KubeflowConfig(image="tfx-vigil"), Submission().service_account
    claim, secret = config.volume.claim, config.keyset_secret
    if overlay.name in ("single-user", "team"):
        volume = named(objects, "PersistentVolumeClaim", claim)
        assert volume["spec"]["accessModes"] == ["ReadWriteMany"]
        named(objects, "ServiceAccount", account)
        assert named(objects, "RoleBinding", account)["subjects"][0]["name"] == account
        text = (MANIFESTS / "base" / "kustomization.yaml").read_text()
        assert f"create secret generic {secret.name} --from-file={secret.key}" in text
    if overlay.name in ("desk", "first-day"):
        (pod,) = pods(objects)
        assert {"name": "vigil", "persistentVolumeClaim": {"claimName": claim}} in pod["spec"][
            "volumes"
        ]
        (container,) = pod["spec"]["containers"]
        assert container["volumeMounts"][0]["mountPath"] == config.volume.mount
        assert container["env"] == [
            {
                "name": KEYSET_VARIABLE,
                "valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}},
            }
        ]


def test_rights_are_listed_one_by_one(objects):
    assert not of_kind(objects, "ClusterRole") + of_kind(objects, "ClusterRoleBinding")
    for role in of_kind(objects, "Role"):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            if "secrets" in rule["resources"]:
                assert rule["resourceNames"]
                assert rule["verbs"] == ["get"]
            assert not {"pods/exec", "pods/log", "serviceaccounts/token"} & {*rule["resources"]}
            writes = {"create", "patch", "update", "delete"} & {*rule["verbs"]}
            if writes:
                assert rule["apiGroups"][0] in ("argoproj.io", "pipelines.kubeflow.org")


def test_the_submitters_rights_are_what_a_submission_asks_for(tmp_path):
    """Each request's resource and verb as the API server looks them up for it."""
    spec = tmp_path / "pipeline.yaml"
    spec.write_text(SPEC)
    with kfp_server.serving() as kfp:
        kfp.multi_user = True
        kfp.progress = [("SUCCEEDED", {})]
        server = Server(host=kfp.address, namespace="team-a")
        submit(spec, server, Submission(follow=True))
        asked = {_right(request) for request in kfp.requests} - {None}
    documents = yaml.safe_load_all((MANIFESTS / "cron-job" / "service-account.yaml").read_text())
    (role,) = of_kind(documents, "Role")
    granted = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == asked


def _right(request):
    method, path = request.split(" ")
    collection, _, rest = path.strip("/").partition("/")
    if collection == "healthz":
        return None
    one = bool(rest) and not rest.endswith("versions") and "upload" not in rest
    verbs = {"POST": "create", "DELETE": "delete", "GET": "get" if one else "list"}
    return collection, verbs[method]


def test_no_secret_lies_in_the_manifests(objects):
    assert not of_kind(objects, "Secret")
    for path in MANIFESTS.rglob("*"):
        if path.is_file():
            assert path.suffix == ".yaml", path
            text = path.read_text()
            assert "secretGenerator" not in text
            assert "stringData" not in text
            assert not re.search(r"PRIVATE KEY|[A-Za-z0-9+/]{40,}={0,2}", text), path


def pods(objects):
    return [
        *(job["spec"]["jobTemplate"]["spec"]["template"] for job in of_kind(objects, "CronJob")),
        *(job["spec"]["template"] for job in of_kind(objects, "Job")),
        *of_kind(objects, "Pod"),
    ]


def test_pods_keep_to_the_restricted_standard_and_name_their_limits(objects):
    for pod in pods(objects):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        allowed = ({"configMap"}, {"emptyDir"}, {"projected"}, {"persistentVolumeClaim"})
        assert all(set(volume) - {"name"} in allowed for volume in spec["volumes"])
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert re.search(r":[^/]+$|@sha256:", container["image"]), "no version"
            assert not container["image"].endswith(":latest")


def test_the_cron_job_runs_one_at_a_time_and_never_repeats_a_submission(objects):
    for job in of_kind(objects, "CronJob"):
        assert job["spec"]["concurrencyPolicy"] == "Forbid"
        assert job["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
        assert "--follow" in job["spec"]["jobTemplate"]["spec"]["template"]["spec"][
            "containers"
        ][0]["args"]  # fmt: skip


def test_the_cron_jobs_command_submits_and_waits(objects, tmp_path):
    for job in of_kind(objects, "CronJob"):
        pod = job["spec"]["jobTemplate"]["spec"]["template"]
        arguments = pod["spec"]["containers"][0]["args"]
        (tmp_path / "pipeline.yaml").write_text(SPEC)
        (tmp_path / "token").write_text("the pod's")
        with kfp_server.serving() as kfp:
            kfp.multi_user, kfp.token = True, "the pod's"
            kfp.progress = [("RUNNING", {"A": "RUNNING"}), ("SUCCEEDED", {})]
            here = {
                "/pipeline/": f"{tmp_path}/",
                "http://ml-pipeline.kubeflow.svc.cluster.local:8888": kfp.address,
                "$(NAMESPACE)": "team-a",
            }
            for there, instead in here.items():
                assert any(there in argument for argument in arguments)
                arguments = [argument.replace(there, instead) for argument in arguments]
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from tfx_vigil.kubeflow.cli import main; main()",
                    *arguments,
                ],
                env={**os.environ, "KF_PIPELINES_SA_TOKEN_PATH": str(tmp_path / "token")},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            (run,) = kfp.runs
        assert run["state"] == "SUCCEEDED"
        assert run["service_account"] == "tfx-vigil"
        assert kfp.experiments[0]["namespace"] == "team-a"


def test_policies_close_everything_and_open_it_by_name(overlay, objects):
    policies = of_kind(objects, "NetworkPolicy")
    assert bool(policies) == (overlay.name in ("team", "cron-job", "desk"))
    selected = {}
    for policy in policies:
        labels = policy["spec"]["podSelector"]["matchLabels"]
        assert labels, "would hold for every pod of the namespace"
        types = selected.setdefault(json.dumps(labels), set())
        types |= set(policy["spec"]["policyTypes"])
        assert "ingress" not in policy["spec"]
        for rule in policy["spec"].get("egress", []):
            assert rule["to"], "would open the port to everybody"
            assert rule["ports"]
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    assert peer["ipBlock"]["cidr"].endswith("/32")
                else:
                    assert peer["podSelector"]
                    assert peer["namespaceSelector"]
    assert all(types == {"Ingress", "Egress"} for types in selected.values())
    for pod in pods(objects) if policies else []:
        name = {"app.kubernetes.io/name": pod["metadata"]["labels"]["app.kubernetes.io/name"]}
        assert json.dumps(name) in selected


def test_the_teams_namespace_says_its_pod_security(overlay, objects):
    for namespace in of_kind(objects, "Namespace"):
        standard = "pod-security.kubernetes.io"
        labels = namespace["metadata"]["labels"]
        assert labels[f"{standard}/enforce"] in ("baseline", "restricted")
        assert labels[f"{standard}/warn"] == labels[f"{standard}/audit"] == "restricted"
