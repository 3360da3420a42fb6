"""Jobs and their keys: no key travels with a job, and without keys nothing is written."""

import base64
import bz2
import os
import socket
import zlib
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx_vigil.beam_jobs import keysets, pseudonymize
from tfx_vigil.beam_jobs.engine import job_options
from tfx_vigil.beam_jobs.keysets import KeysetError, encryption, passphrase
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def config(key_path):
    fields = {"rider": {"method": "hmac"}}
    return PrivacyConfig(fields=fields, default="keep", keyset=key_path, domain="riders")


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "raw" / "Split-all" / "data"
    path.parent.mkdir(parents=True)
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"ada"]))
    example = tf.train.Example(features=tf.train.Features(feature={"rider": value}))
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())
    return str(tmp_path / "raw")


@pytest.fixture
def table(tmp_path):
    (tmp_path / "riders.csv").write_text("rider\nada\n")
    return str(tmp_path / "riders.csv")


def test_no_key_is_in_a_job_s_graph_and_its_pickled_code(
    config, key_path, dataset, tmp_path, monkeypatch
):
    keysets.rotate(key_path)
    keyset, pickled = keysets.load(key_path), []
    for module in (bz2, zlib):  # by which Beam compresses what it pickles

        def recording(data, *arguments, compress=module.compress, **options):
            pickled.append(bytes(data))
            return compress(data, *arguments, **options)

        monkeypatch.setattr(module, "compress", recording)
    pipeline = beam.Pipeline(options=job_options())
    out = str(tmp_path / "out")
    pseudonymize.pseudonymize(pipeline, config, dataset, ["all"], out, out)
    graph = b"".join([pipeline.to_runner_api().SerializeToString(), *pickled])
    assert key_path.encode() in graph
    for key in (keyset.root, *(key.material for key in keyset.versions)):
        for form in (key, base64.b64encode(key), key.hex().encode()):
            assert form not in graph


def world_readable(path, monkeypatch):
    os.chmod(path, 0o644)


def missing(path, monkeypatch):
    os.unlink(path)


def cut_off(path, monkeypatch):
    Path(path).write_bytes(Path(path).read_bytes()[:-9])


def flipped_in_a_key(path, monkeypatch):
    text = Path(path).read_text()
    at = text.index('"key": "') + 12
    Path(path).write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])


def another_passphrase(path, monkeypatch):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    keysets.rotate(path)
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE.title())


def no_passphrase(path, monkeypatch):
    another_passphrase(path, monkeypatch)
    monkeypatch.delenv(passphrase.VARIABLE)


TROUBLES = {
    world_readable: "mode 0644",
    missing: "No such file",
    cut_off: "not a valid keyset",
    flipped_in_a_key: "not a valid keyset",
    another_passphrase: "does not open this keyset",
    no_passphrase: "is encrypted: give its passphrase",
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", ["dataset", "table"])
def test_without_a_usable_keyset_one_clear_error_and_nothing_is_written(
    config, key_path, tmp_path, monkeypatch, request, cheap_scrypt, trouble, kind
):
    data = request.getfixturevalue(kind)
    trouble(key_path, monkeypatch)
    with pytest.raises(KeysetError, match=f"{key_path}: .*{TROUBLES[trouble]}") as error:
        pseudonymize.run(config, data, str(tmp_path / "out"))
    assert "ada" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["dataset", "table"])
def test_without_vault_one_clear_error_and_nothing_is_written(
    config, tmp_path, monkeypatch, request, kind
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("VAULT_TOKEN", "hvs.test-token")
    config = config.model_copy(update={"keyset": "vault:transit/tfx"})
    with pytest.raises(KeysetError, match=r"vault:transit/tfx: Vault at .* is not reachable"):
        pseudonymize.run(config, request.getfixturevalue(kind), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_job_opens_an_encrypted_keyset_once_for_launcher_and_workers(
    config, key_path, dataset, tmp_path, monkeypatch, cheap_scrypt
):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    keysets.rotate(key_path)
    opened, decrypt = [], encryption.decrypt

    def counting(*arguments):
        opened.append(arguments[0])
        return decrypt(*arguments)

    monkeypatch.setattr(encryption, "decrypt", counting)
    report = pseudonymize.run(config, dataset, str(tmp_path / "out"))
    assert report.key_version == 2
    assert opened == [key_path]
