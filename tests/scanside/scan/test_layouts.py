"""Twenty kinds of screens: no name is in any prepared or de-identified scan, and the tissue is."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from scanside.deidentify.pixels import blank_outside_tissue
from scanside.image import Frame, Size
from scanside.scan.prepare import cut, find_scans, to_grey
from tests.synth.layouts import LAYOUTS, make_layout


def test_there_are_twenty() -> None:
    assert len(LAYOUTS) == 20


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("size", "quality"), [(Size(600, 800), None), (Size(768, 1024), 80), (Size(480, 640), 90)]
)
def test_a_scan_holds_all_tissue_and_no_identity(layout: str, size: Size, quality: int | None) -> None:
    made = make_layout(layout, 1, size, quality)
    frame = Frame(made.pixels)
    (region,) = find_scans(Dataset(), frame)
    tissue = cut(frame, region)
    kept, box = np.zeros(size, bool), tissue.origin.box
    kept[box.y0 : box.y1, box.x0 : box.x1] = tissue.pixels > 0
    assert made.identity.sum() > 300
    assert not (kept & made.identity).any()
    assert not (blank_outside_tissue(frame, Dataset()).any(axis=2) & made.identity).any()
    lit = made.sector & (to_grey(made.pixels) > 10)
    assert (kept & lit).sum() > 0.97 * lit.sum()
