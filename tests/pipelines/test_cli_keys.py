"""``tfx-vigil keys`` as a person and a script see it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs import keysets, pseudonymize
from tfx_vigil.beam_jobs.keysets import encryption, passphrase
from tfx_vigil.pipelines import cli
from tfx_vigil.pipelines.config import load_config
from typer.testing import CliRunner

from .command_line import Ran

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    """Calls ``tfx-vigil keys`` in an empty folder, without a passphrase."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "quiet", lambda: None)
    monkeypatch.setattr(sys, "argv", sys.argv)
    for variable in (passphrase.VARIABLE, passphrase.FILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *given: Ran(capfd, given if given[0] == "pseudonymize" else ["keys", *given])


def test_a_keyset_is_made_rotated_and_listed(run):
    ran = run("new")
    assert ran.code == 0
    assert "not encrypted: whoever reads the file has the keys" in ran.out
    ran = run("rotate")
    assert (ran.code, "version 2 makes new pseudonyms" in ran.out) == (0, True)
    listed = run("list", "--json").json
    assert [(i["version"], i["status"], i["primary"]) for i in listed] == [
        (1, "enabled", False),
        (2, "enabled", True),
    ]
    ran = run("list")
    assert ran.out.count("enabled") == 2
    assert ran.out.count("primary") == 1


def test_nothing_that_is_shown_is_a_key(run):
    shown = "".join(
        ran.out + ran.err
        for ran in (run("new"), run("list"), run("list", "--json"), run("rotate"), run("new"))
    )
    document = json.loads(Path("keyset.json").read_text())
    for secret in (document["root"], *(entry["key"] for entry in document["versions"])):
        assert secret not in shown


def test_destroying_names_what_becomes_unlinkable_and_what_else_to_destroy(run):
    run("new")
    run("rotate")
    created = [info["created"] for info in run("list", "--json").json]
    ran = run("destroy", "keyset.json", "--version", "1", "--yes")
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "all pseudonyms that begin with v1. " in said
    assert f"(made from {created[0]} to {created[1]}) become unlinkable" in said
    assert "backups and snapshots of keyset.json" in said
    assert [info["status"] for info in run("list", "--json").json] == ["destroyed", "enabled"]


def test_nothing_is_destroyed_before_a_yes(run, monkeypatch):
    run("new")
    run("rotate")
    before = Path("keyset.json").read_text()
    answered = CliRunner().invoke(
        cli.app, ["keys", "destroy", "keyset.json", "--version", "1"], input="n\n"
    )
    assert answered.exit_code == 1
    assert Path("keyset.json").read_text() == before
    answered = CliRunner().invoke(
        cli.app, ["keys", "destroy", "keyset.json", "--version", "1"], input="y\n"
    )
    assert answered.exit_code == 0
    assert keysets.load("keyset.json").enabled == [2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["destroy", "keyset.json", "--version", "2", "--yes"], "is the primary"),
        (["destroy", "keyset.json", "--version", "7", "--yes"], "no key version 7"),
        (["new"], "exists already"),
        (["rotate", "elsewhere.json"], "elsewhere.json: cannot read the keyset"),
        (["rotate", "env:KEYS"], "an environment variable is only read"),
        (["list", "vualt:a/b"], "no key provider is called 'vualt'"),
    ],
)
def test_what_cannot_be_done_gives_one_message_and_changes_nothing(run, arguments, message):
    run("new")
    run("rotate")
    before = Path("keyset.json").read_text()
    ran = run(*arguments)
    assert ran.code == 1
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert Path("keyset.json").read_text() == before


VIGIL_YAML = """\
model: {name: tips, features: {fare: float}, serving_dir: serving}
spans: {start: 2026-01-01}
logs: {format: json_lines, files: logs/*.jsonl}
privacy: {keyset: keyset.json, domain: tips, default: keep, fields: {rider: {method: hmac}}}
runtime: {pipeline_root: pipeline, history_root: history}
"""


@pytest.fixture
def riders(run):
    """A table treated under key version 1."""
    Path("vigil.yaml").write_text(VIGIL_YAML)
    Path("riders.csv").write_text("rider,fare\nada,1\nbob,2\n")
    run("new")
    config = load_config("vigil.yaml").privacy
    pseudonymize.run(config, "riders.csv", "out")
    return Path("out/riders.csv")


def test_a_dataset_is_moved_to_the_newest_key(run, riders):
    run("rotate")
    ran = run("rewrap", "--data", riders)
    assert ran.code == 0
    assert "2 of 2 rows moved to key version 2" in ran.out
    assert riders.read_text().count("v2.") == 2
    ran = run("rewrap", "--data", riders, "--json")
    assert (ran.json["rows_changed"], ran.json["unreadable"]) == (0, [])


def test_what_a_destroyed_key_made_is_told(run, riders):
    before = riders.read_text()
    run("rotate")
    run("destroy", "keyset.json", "--version", "1", "--yes")
    ran = run("rewrap", "--data", riders)
    assert (ran.code, riders.read_text()) == (0, before)
    assert "rider: 2 pseudonyms of version 1 stay as they are" in ran.out


@pytest.mark.parametrize("command", [["rewrap"], ["pseudonymize", "-o", "again"]])
def test_with_a_keyset_open_to_others_one_message_and_nothing_written(run, riders, command):
    Path("keyset.json").chmod(0o644)
    before = riders.read_text()
    ran = run(*command, "--data", riders)
    assert (ran.code, ran.err.count("chmod 600")) == (1, 1)
    assert "Traceback" not in ran.err
    assert riders.read_text() == before
    assert not Path("again").exists()


def test_a_passphrase_is_asked_for_twice_and_not_shown(run, monkeypatch):
    monkeypatch.setenv(passphrase.VARIABLE, "")
    answered = CliRunner().invoke(
        cli.app, ["keys", "new", "--encrypt"], input=f"{PASSPHRASE}\n{PASSPHRASE}\n"
    )
    assert answered.exit_code == 0
    assert "encrypted; without its passphrase it is lost" in answered.output
    assert PASSPHRASE not in answered.output
    assert json.loads(Path("keyset.json").read_text())["cipher"] == "AES-256-GCM"


def test_where_the_environment_gives_a_passphrase_nobody_is_asked(run, monkeypatch):
    monkeypatch.setitem(encryption._KDF, "n", 2)
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    assert "encrypted" in run("new").out
    assert run("rotate").code == 0
    monkeypatch.setenv(passphrase.VARIABLE, "another passphrase")
    ran = run("rotate")
    assert (ran.code, "does not open this keyset" in ran.err) == (1, True)
    monkeypatch.delenv(passphrase.VARIABLE)
    ran = run("list")
    assert (ran.code, "this keyset is encrypted: give its passphrase" in ran.err) == (1, True)


def test_a_person_at_a_terminal_is_asked_for_a_missing_passphrase(run, monkeypatch):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    keysets.create("keyset.json")
    monkeypatch.delenv(passphrase.VARIABLE)
    ours, theirs = pty.openpty()
    code = "from tfx_vigil.pipelines.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", code, "keys", "list", "--json"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=environment,
    ) as process:
        prompt = b""
        while not prompt.endswith(b"keyset: ") and (byte := process.stderr.read(1)):
            prompt += byte
        os.write(ours, f"{PASSPHRASE}\n".encode())
        shown, errors = process.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 0, errors
    assert [info["version"] for info in json.loads(shown)] == [1]
    assert PASSPHRASE.encode() not in shown + errors
