import sys

import pytest
from tfx_vigil.pipelines import cli

from .command_line import Ran


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    """Calls ``tfx-vigil`` in an empty folder; logging stays as the other tests need it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "quiet", lambda: None)
    monkeypatch.setattr(sys, "argv", sys.argv)
    return lambda *arguments: Ran(capfd, arguments)
