#!/usr/bin/env bash
# GDCM writes JPEG baseline of YCbCr from an RGB image, and leaves the header at RGB.
#
# Versions: python-gdcm==3.2.6, pydicom==3.0.1, numpy==2.2.6 (PyPI).
# Source: PS3.5 8.2.1: a JPEG baseline stream of YCbCr with halved chroma is YBR_FULL_422 in the header.
# Valid input: an uncompressed RGB image of 64 x 64 px, made here.
# Expected: Photometric Interpretation YBR_FULL_422, or components that are RGB.
# Seen: components named 1, 2, 3, chroma of half the size, no JFIF and no Adobe marker, so YCbCr; the header says RGB.
#   A reader that believes the header shows wrong colours.
# Date: 2026-12-01
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q python-gdcm==3.2.6 pydicom==3.0.1 numpy==2.2.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import gdcm
import numpy as np
from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

meta = FileMetaDataset()
meta.MediaStorageSOPClassUID = UltrasoundImageStorage
meta.MediaStorageSOPInstanceUID = generate_uid()
meta.TransferSyntaxUID = ExplicitVRLittleEndian
image = FileDataset("", {}, preamble=bytes(128), file_meta=meta)
image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = generate_uid(), generate_uid(), "US"
image.Rows, image.Columns, image.SamplesPerPixel, image.PlanarConfiguration = 64, 64, 3, 0
image.PhotometricInterpretation = "RGB"
image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 0
image.PixelData = np.full((64, 64, 3), (200, 40, 40), np.uint8).tobytes()
image.save_as("rgb.dcm", enforce_file_format=True)

reader = gdcm.ImageReader()
reader.SetFileName("rgb.dcm")
assert reader.Read()
change = gdcm.ImageChangeTransferSyntax()
change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGBaselineProcess1))
change.SetInput(reader.GetImage())
assert change.Change()
writer = gdcm.ImageWriter()
writer.SetFileName("jpeg.dcm")
writer.SetFile(reader.GetFile())
writer.SetImage(change.GetOutput())
assert writer.Write()

written = dcmread("jpeg.dcm")
stream = next(generate_frames(written.PixelData, number_of_frames=1))
place, markers = 2, []
while not markers or markers[-1] != 0xC0:
    markers.append(stream[place + 1])
    start, place = place, place + 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
frame = stream[start:place]
seen = (
    f"header {written.PhotometricInterpretation}, components {frame[10::3].hex()}, "
    f"sampling {frame[11::3].hex()}, markers {' '.join(f'{marker:02X}' for marker in markers)}"
)
print(seen)
raise SystemExit(seen != "header RGB, components 010203, sampling 221111, markers DB DB C0")
PYTHON
