#!/usr/bin/env bash
# highdicom can't refer to its own SEG of an ultrasound image: it looks for the segment where it did not write it.
#
# Versions: highdicom 0.28.2, pydicom 3.0.2 (PyPI).
# Source: PS3.3 C.8.20.3: Segment Identification may stand in the shared or in the per-frame functional groups.
# Valid input: the SEG that highdicom itself makes of pydicom's own example, Ultrasound Image Storage.
# Expected: ReferencedSegmentationFrame.from_segmentation and ReferencedSegment.from_segmentation make a reference.
#   Seen: with one segment the SEG has it in the shared groups, and both end in an AttributeError.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q highdicom==0.28.2 pydicom==3.0.2
cd "$folder"
venv/bin/python -W ignore - >seen <<'PY'
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
print("shared:", "SegmentIdentificationSequence" in seg.SharedFunctionalGroupsSequence[0])
print("per frame:", "SegmentIdentificationSequence" in seg.PerFrameFunctionalGroupsSequence[0])
for kind in (hd.sr.ReferencedSegmentationFrame, hd.sr.ReferencedSegment):
    try:
        print(kind.__name__, kind.from_segmentation(seg, segment_number=1)[0].ReferencedSOPSequence)
    except AttributeError as error:
        print(f"{kind.__name__}: {error}")
PY
diff seen - <<'SEEN'
shared: True
per frame: False
ReferencedSegmentationFrame: 'Dataset' object has no attribute 'SegmentIdentificationSequence'
ReferencedSegment: 'Dataset' object has no attribute 'SegmentIdentificationSequence'
SEEN
