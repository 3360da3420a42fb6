import pytest
from tfx_vigil.beam_jobs.subjects.places import (
    lifted_path,
    place_of,
    restricted_path,
    restricted_prefix,
)

A, B = "0123456789abcdef", "fedcba9876543210"


@pytest.mark.parametrize(
    ("path", "aside", "back"),
    [
        ("/r/7/Split-train/x.gz", f"/r/7/Split-restricted/train.{A}.x.gz", f"Split-train/{B}.x.gz"),
        ("gs://b/s/labelled/x-1", f"gs://b/s/restricted/labelled.{A}.x-1", f"labelled/{B}.x-1"),
        (f"/r/Split-a/{B}.x", f"/r/Split-restricted/a.{A}.x", f"Split-a/{B}.x"),
    ],
)
def test_rows_go_to_a_folder_beside_and_find_back(path, aside, back):
    split = path.split("/")[-2].removeprefix("Split-")
    assert restricted_path(path, A) == aside
    assert lifted_path(aside, B) == f"{path.rsplit('/', 2)[0]}/{back}"
    assert place_of(path) == (split, False)
    assert place_of(aside) == (split, True)


def test_what_the_pseudonymizer_kept_aside_finds_back_too():
    aside = f"{restricted_prefix('/r/Split-labelled')}.data_tfrecord-00000-of-00001.gz"
    assert aside == "/r/Split-restricted/labelled.data_tfrecord-00000-of-00001.gz"
    assert lifted_path(aside, A) == f"/r/Split-labelled/{A}.data_tfrecord-00000-of-00001.gz"


@pytest.mark.parametrize("path", ["/r/elsewhere/x", "/r/Split-a.b/x"])
def test_rows_of_no_split_are_not_moved(path):
    with pytest.raises(ValueError, match="no folder of a split"):
        restricted_path(path, A)


@pytest.mark.parametrize("path", ["/r/Split-a/a.x", "/r/Split-restricted/x"])
def test_rows_that_are_not_restricted_are_not_lifted(path):
    with pytest.raises(ValueError, match="not a file of restricted rows"):
        lifted_path(path, A)
