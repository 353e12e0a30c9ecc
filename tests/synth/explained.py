"""The picture of docs/scan-preparation.md: `python -m tests.synth.explained docs/scan-preparation.png`."""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset

from scanside.assess.explain import explain
from scanside.image import Size
from scanside.scan.instance import open_instance
from tests.synth.dicom import MAKERS, box_around, make_instance, region, save
from tests.synth.scans import Probe, make_frame
from tests.synth.screens import spectrum

_INPUT = Size(336, 544)
_WIDTH = 1200


def instances() -> list[FileDataset]:
    """A declared region; a device of the table; an unknown device and colour; a spectrum."""
    declared = make_frame(3, probe=Probe.ENDOCAVITY)
    table, unknown = make_frame(7, probe=Probe.CURVED), make_frame(8, probe=Probe.CURVED, colour=True)
    return [
        make_instance([declared.pixels], regions=[region(box_around(declared.sector))]),
        make_instance([table.pixels], maker=MAKERS[1]),
        make_instance([unknown.pixels]),
        make_instance([spectrum(2)]),
    ]


def draw() -> NDArray[np.uint8]:
    """The four explanations, one above the other; (H, W, 3) uint8, RGB."""
    with tempfile.TemporaryDirectory() as folder:
        sheets = [
            explain(open_instance(save(made, Path(folder, f"{number}.dcm"))), _INPUT)
            for number, made in enumerate(instances())
        ]
    sheet = np.vstack(sheets)
    size = (_WIDTH, round(len(sheet) * _WIDTH / sheet.shape[1]))
    return np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    cv2.imwrite(sys.argv[1], cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
