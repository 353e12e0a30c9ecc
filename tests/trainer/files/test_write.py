"""A file that can't be written leaves what was there before."""

import resource
from pathlib import Path

import pytest

from scanside.errors import InputError
from trainer.files.write import write_file


def test_a_disk_that_is_full_costs_nothing_but_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_file(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # as if there were room for so much alone
    try:
        with pytest.raises(InputError, match=r"results\.json can't be written: .*Free space"):
            write_file(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
