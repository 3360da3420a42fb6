import pytest
from tfx_vigil.beam_jobs.keysets import encryption, passphrase


@pytest.fixture(autouse=True)
def no_passphrase(monkeypatch):
    for variable in (passphrase.VARIABLE, passphrase.FILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def cheap_scrypt(monkeypatch):
    """Encryption that takes no time; what it makes opens under this fixture alone."""
    monkeypatch.setitem(encryption._KDF, "n", 2)
