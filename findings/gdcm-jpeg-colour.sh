#!/usr/bin/env bash
# GDCM's baseline JPEG of an RGB image is YCbCr in the stream and RGB in the header: readers show wrong colours.
#
# Versions: python-gdcm 3.2.6, pydicom 3.0.2, pillow 12.0.0, numpy 2.3.5 (all PyPI).
# Source: PS3.5 8.2.1: Photometric Interpretation says what the stream holds; PS3.3 C.7.6.1.1.5: lossy compression is
#   told by Lossy Image Compression.
# Valid input: pydicom's own example, Ultrasound Image Storage, RGB; it is written again in JPEG baseline.
# Expected: YBR_FULL_422 in the header, the colours within the loss, Lossy Image Compression 01.
# Seen: RGB in the header, halved chroma in the stream, components named 1, 2, 3 and no JFIF or Adobe marker. GDCM
#   itself and pydicom (with GDCM or Pillow) believe the header: they are off by 72 of 255 on average. Pillow alone,
#   which takes names 1, 2, 3 for YCbCr, is off by 1.2. Lossy Image Compression is not written.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q python-gdcm==3.2.6 pydicom==3.0.2 pillow==12.0.0 numpy==2.3.5
cd "$folder"
venv/bin/python -W ignore - >seen <<'PY'
import io

import gdcm
import numpy as np
import pydicom
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array

path = get_testdata_file("examples_rgb_color.dcm")
reader = gdcm.ImageReader()
reader.SetFileName(path)
assert reader.Read()
change = gdcm.ImageChangeTransferSyntax()
change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGBaselineProcess1))
change.SetInput(reader.GetImage())
assert change.Change()
writer = gdcm.ImageWriter()
writer.SetFileName("again.dcm")
writer.SetFile(reader.GetFile())
writer.SetImage(change.GetOutput())
assert writer.Write()

again = pydicom.dcmread("again.dcm")
stream = next(generate_frames(again.PixelData, number_of_frames=1))
frame = stream.index(b"\xff\xc0")
print("header:", again.PhotometricInterpretation, "lossy:", again.get("LossyImageCompression"))
print("names:", [stream[frame + 10 + 3 * n] for n in range(3)], "sampling:", f"{stream[frame + 11]:#x}")
print("markers:", [name for name in ("JFIF", "Adobe") if name.encode() in stream])
truth = pydicom.dcmread(path).pixel_array.astype(int)
read = {
    "pydicom, GDCM": pixel_array("again.dcm", decoding_plugin="gdcm"),
    "pydicom, Pillow": pixel_array("again.dcm", decoding_plugin="pillow"),
    "Pillow": np.asarray(Image.open(io.BytesIO(stream)).convert("RGB")),
}
for name, pixels in read.items():
    print(f"{name}: {np.abs(pixels - truth).mean():.0f}")
PY
diff seen - <<'SEEN'
header: RGB lossy: None
names: [1, 2, 3] sampling: 0x22
markers: []
pydicom, GDCM: 72
pydicom, Pillow: 72
Pillow: 1
SEEN
