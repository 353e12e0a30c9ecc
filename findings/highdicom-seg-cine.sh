#!/usr/bin/env bash
# highdicom makes no SEG of a multi-frame ultrasound image, nor of two images of one series.
#
# Versions: highdicom 0.28.2, pydicom 3.0.2 (PyPI).
# Source: PS3.3 A.51 lets a SEG reference frames of images that have no frame of reference, each frame with its
#   Derivation Image; no ultrasound image has to have a frame of reference.
# Valid input: pydicom's own example, Ultrasound Multi-frame Image Storage with 30 frames, and its own still.
# Expected: a SEG with a frame for each masked frame. Seen: a ValueError for both.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q highdicom==0.28.2 pydicom==3.0.2
cd "$folder"
venv/bin/python -W ignore - >seen <<'PY'
import copy

import highdicom as hd
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.sr.codedict import codes


def make_seg(sources, frames):
    mask = np.zeros((frames, sources[0].Rows, sources[0].Columns), np.uint8)
    mask[:, 10:20, 10:20] = 1
    made_by = hd.AlgorithmIdentificationSequence("example", codes.cid7162.ArtificialIntelligence, "1")
    segment = hd.seg.SegmentDescription(
        1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "AUTOMATIC", made_by
    )
    try:
        return hd.seg.Segmentation(
            sources, mask, "BINARY", [segment], hd.UID(), 1, hd.UID(), 1, "Maker", "Model", "1", "1"
        ).NumberOfFrames
    except ValueError as error:
        return f"ValueError: {error}"


cine = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
still = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
other = copy.deepcopy(still)
other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = hd.UID()
print("one still:", make_seg([still], 1))
print("one cine:", make_seg([cine], int(cine.NumberOfFrames)))
print("two stills:", make_seg([still, other], 2))
PY
diff seen - <<'SEEN'
one still: 1
one cine: ValueError: Only a single frame is supported when the source image has no Frame of Reference UID.
two stills: ValueError: Only a single frame is supported when the source image has no Frame of Reference UID.
SEEN
