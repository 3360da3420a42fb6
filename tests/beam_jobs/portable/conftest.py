import pytest

from .services import portable_runner


@pytest.fixture(scope="session")
def portable(tmp_path_factory):
    """Beam's options for the portable runner, whose services run as long as the tests."""
    with portable_runner(tmp_path_factory.mktemp("services")) as config:
        config.check_reachable()
        yield config.args()
