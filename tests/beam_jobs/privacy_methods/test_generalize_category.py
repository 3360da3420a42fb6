import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.privacy_methods import GeneralizeCategory

from .treating import operate

JOBS = 'child,parent\nnurse,health\nsurgeon,health\nhealth,services\n"cook, head",services\n'


@pytest.fixture
def hierarchy(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text(JOBS)
    return str(path)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (1, ["health", "health", "services", "services", "services"]),
        (2, ["services", "services", "services", "services", "services"]),
        (9, ["services", "services", "services", "services", "services"]),
    ],
)
def test_categories_become_their_ancestors(hierarchy, levels, expected):
    method = GeneralizeCategory(hierarchy=hierarchy, levels=levels)
    assert operate(method, ["nurse", "surgeon", "health", "cook, head", "services"]) == expected


def test_what_is_not_in_the_hierarchy_is_redacted(hierarchy):
    method = GeneralizeCategory(hierarchy=hierarchy)
    assert operate(method, ["Nurse", "", "astronaut"]) == ["[REDACTED]"] * 3


def test_workers_use_the_content_that_was_read_where_the_job_was_built(hierarchy):
    method = GeneralizeCategory(hierarchy=hierarchy)
    method.prepare()
    Path(hierarchy).unlink()
    travelled = pickle.loads(pickle.dumps(method))
    assert operate(travelled, ["nurse"]) == ["health"]
    assert travelled == GeneralizeCategory(hierarchy=hierarchy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line must be child,parent"),
        ("nurse,health\n", "first line must be child,parent"),
        ("child,parent\nnurse\n", "line 2: needs a child and a parent"),
        ("child,parent\na,b\na,c\n", "line 3: this child has another parent above"),
        ("child,parent\na,b\nb,c\nc,a\n", "their own ancestors"),
        ("child,parent\na,a\n", "their own ancestors"),
        (b"child,parent\n\xff,b\n", "not UTF-8"),
        (None, "cannot read this hierarchy"),
    ],
)
def test_a_damaged_hierarchy_is_named_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "jobs.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as error:
        GeneralizeCategory(hierarchy=str(path)).prepare()
    assert str(path) in str(error.value)


def test_numbers_are_refused(hierarchy):
    with pytest.raises(ValueError, match="category needs text"):
        GeneralizeCategory(hierarchy=hierarchy).validate_type(pa.int64())
