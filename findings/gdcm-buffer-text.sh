#!/usr/bin/env bash
# GDCM's Python wrapper gives pixels as a str, with surrogates, shorter than the bytes that it stands for.
#
# Versions: python-gdcm 3.2.6, pydicom 3.0.2 (PyPI).
# Source: gdcm.Image.GetBuffer, as SWIG wraps it in Python 3: UTF-8 with surrogateescape.
# Valid input: pydicom's own example, Ultrasound Image Storage, 320 x 240 RGB: 230,400 bytes.
# Expected: bytes. Seen: a str of fewer characters, since some pixels happen to be UTF-8; "latin-1" raises, and only
#   encode("utf-8", "surrogateescape") gives every byte back.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q python-gdcm==3.2.6 pydicom==3.0.2
cd "$folder"
venv/bin/python -W ignore - >seen <<'PY'
import gdcm
import pydicom
from pydicom.data import get_testdata_file

path = get_testdata_file("examples_rgb_color.dcm")
reader = gdcm.ImageReader()
reader.SetFileName(path)
assert reader.Read()
buffer = reader.GetImage().GetBuffer()
print(type(buffer).__name__, len(buffer))
try:
    buffer.encode("latin-1")
except UnicodeEncodeError as error:
    print(error.reason)
print(buffer.encode("utf-8", "surrogateescape") == pydicom.dcmread(path).PixelData)
PY
diff seen - <<'SEEN'
str 230152
ordinal not in range(256)
True
SEEN
