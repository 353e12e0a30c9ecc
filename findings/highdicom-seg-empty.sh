#!/usr/bin/env bash
# A SEG that highdicom makes of an empty mask says that there is a segment, in one black frame.
#
# Versions: highdicom 0.28.2, pydicom 3.0.2 (PyPI).
# Source: highdicom's argument omit_empty_frames, true by default: frames without the segment are left out.
# Valid input: pydicom's own example, Ultrasound Image Storage, and a mask without any pixel: no lesion was found.
# Expected: an error, or no frame. Seen: one frame without a pixel, with its segment declared, and a line in the log.
#   Who counts segments or frames counts a lesion that is not there.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q highdicom==0.28.2 pydicom==3.0.2
cd "$folder"
venv/bin/python -W ignore - >seen 2>log <<'PY'
import highdicom as hd
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.sr.codedict import codes

source = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
mask = np.zeros((source.Rows, source.Columns), np.uint8)
made_by = hd.AlgorithmIdentificationSequence("example", codes.cid7162.ArtificialIntelligence, "1")
segment = hd.seg.SegmentDescription(
    1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "AUTOMATIC", made_by
)
seg = hd.seg.Segmentation(
    [source], mask, "BINARY", [segment], hd.UID(), 1, hd.UID(), 1, "Maker", "Model", "1", "1",
    omit_empty_frames=True,
)  # fmt: skip
print(len(seg.SegmentSequence), "segment,", seg.NumberOfFrames, "frame,", seg.pixel_array.sum(), "pixels")
PY
diff seen - <<'SEEN'
1 segment, 1 frame, 0 pixels
SEEN
