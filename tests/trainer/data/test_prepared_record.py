"""The committed record is of what the preparation makes of MMOTU today."""

import os
from pathlib import Path

import pytest

from trainer.data.mmotu import find_layout, read_split
from trainer.data.prepared_record import compute_prepared_fingerprint, digest_scan, read_record

# Changes with the preparation: every training of before is then of other pictures.
FINGERPRINT = "db1e604da1b0b03c3bfccfe2dd54c50f293e599c8108e9b657d8ce769c13cd95"


def root() -> Path:
    data = os.environ.get("SCANSIDE_DATA")
    if not data or not Path(data, "mmotu").is_dir():
        pytest.skip("SCANSIDE_DATA is not set: no copy of MMOTU")
    return Path(data, "mmotu")


def test_each_image_has_a_digest_of_its_own() -> None:
    record = read_record()
    assert sorted(record) == list(range(1, 1470))
    assert len(set(record.values())) > 1400  # some images of the set are there twice
    assert compute_prepared_fingerprint() == FINGERPRINT


def check(every: int) -> None:
    layout, record = find_layout(root()), read_record()
    entries = [entry for entry in read_split() if entry.image % every == 0]
    assert len(entries) == 1469 // every
    assert [e.image for e in entries if digest_scan(layout, e) != record[e.image]] == []


def test_one_image_in_fifty_is_prepared_as_recorded() -> None:
    check(50)


@pytest.mark.slow
def test_every_image_is_prepared_as_recorded() -> None:
    check(1)
