#!/usr/bin/env bash
# OpenCV's INTER_LINEAR gives other grey values of an 8 bit picture on aarch64 than on x86-64, in a tenth of the pixels.
#
# Versions: opencv-python-headless 5.0.0.93 and 4.11.0.86, numpy 2.4.6, pydicom 3.0.2 (PyPI, both architectures);
#   qemu-user-static and python3.11-minimal of Debian 12.
# Source: OpenCV's documentation names one result for each of these modes; a network that learnt on one kind of
#   machine reads other pictures on the other.
# Valid input: pydicom's own ultrasound picture (RGB, 240 x 320), as grey; enlarged to 336 x 544 and shrunk to 84 x 136.
# Expected: equal pictures. Seen: INTER_LINEAR differs by 1 (by up to 3 in other pictures), INTER_LINEAR_EXACT and
#   INTER_AREA are equal (INTER_AREA differs by 1 in a few of 10,000 pixels of others).
# Date: 2026-12-01. The output seen stands at the end. On x86-64; nothing is installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

unpack() { # architecture, packages: with a state of apt's own, into root-ARCHITECTURE
    local of=$1
    shift
    mkdir -p "apt-$of/lists/partial" "root-$of"
    local options=(-o APT::Architecture="$of" -o APT::Architectures="$of" -o APT::Sandbox::User=root
        -o Dir::State="$PWD/apt-$of" -o Dir::State::lists="$PWD/apt-$of/lists" -o Dir::State::status=/dev/null
        -o Dir::Cache="$PWD/apt-$of/cache")
    apt-get -qq "${options[@]}" update
    (cd "apt-$of" && apt-get -qq "${options[@]}" download "$@")
    for package in "apt-$of"/*.deb; do dpkg -x "$package" "root-$of"; done
}
unpack amd64 qemu-user-static
unpack arm64 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libgcc-s1 libstdc++6 libexpat1 \
    zlib1g libssl3 libffi8 libbz2-1.0 liblzma5 libuuid1 libglib2.0-0

python3 -m venv venv
venv/bin/pip install -q pydicom==3.0.2 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
import pydicom
from pydicom.data import get_testdata_file

red, green, blue = np.moveaxis(pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm")).pixel_array, 2, 0)
np.save("grey.npy", ((77 * red.astype(int) + 150 * green + 29 * blue) >> 8).astype(np.uint8))
PY
cat >resize.py <<'PY'
import sys

import cv2
import numpy as np

grey = np.load("grey.npy")
found = {}
for name in ("INTER_LINEAR", "INTER_LINEAR_EXACT", "INTER_AREA"):
    for size in ((544, 336), (136, 84)):
        found[f"{name} to {size[1]} x {size[0]}"] = cv2.resize(grey, size, interpolation=getattr(cv2, name))
np.savez(sys.argv[1], **found)
PY
cat >compare.py <<'PY'
import numpy as np

here, there = np.load("here.npz"), np.load("there.npz")
for name in here:
    apart = np.abs(here[name].astype(int) - there[name])
    print(f"  {name}: {100 * (apart > 0).mean():.2f} % of the pixels, by up to {apart.max()}")
PY
fetch() { # folder, architecture, packages: the wheels, unpacked
    mkdir "$1"
    venv/bin/pip download -q --no-deps --only-binary=:all: --python-version 3.11 --dest "$1" \
        --platform "manylinux2014_$2" --platform "manylinux_2_28_$2" --platform "manylinux_2_27_$2" "${@:3}"
    for wheel in "$1"/*.whl; do venv/bin/python -m zipfile -e "$wheel" "$1"; done
}
for opencv in 4.11.0.86 5.0.0.93; do
    fetch "here-$opencv" x86_64 opencv-python-headless==$opencv
    fetch "there-$opencv" aarch64 opencv-python-headless==$opencv numpy==2.4.6
    PYTHONPATH=$PWD/here-$opencv venv/bin/python resize.py here.npz
    root-amd64/usr/bin/qemu-aarch64-static -L root-arm64 -E "PYTHONPATH=$PWD/there-$opencv" \
        -E "PYTHONHOME=$PWD/root-arm64/usr" root-arm64/usr/bin/python3.11 resize.py there.npz
    echo "opencv-python-headless $opencv"
    venv/bin/python compare.py
done >seen
diff seen - <<'SEEN'
opencv-python-headless 4.11.0.86
  INTER_LINEAR to 336 x 544: 9.93 % of the pixels, by up to 1
  INTER_LINEAR to 84 x 136: 11.97 % of the pixels, by up to 1
  INTER_LINEAR_EXACT to 336 x 544: 0.00 % of the pixels, by up to 0
  INTER_LINEAR_EXACT to 84 x 136: 0.00 % of the pixels, by up to 0
  INTER_AREA to 336 x 544: 0.00 % of the pixels, by up to 0
  INTER_AREA to 84 x 136: 0.00 % of the pixels, by up to 0
opencv-python-headless 5.0.0.93
  INTER_LINEAR to 336 x 544: 9.93 % of the pixels, by up to 1
  INTER_LINEAR to 84 x 136: 11.67 % of the pixels, by up to 1
  INTER_LINEAR_EXACT to 336 x 544: 0.00 % of the pixels, by up to 0
  INTER_LINEAR_EXACT to 84 x 136: 0.00 % of the pixels, by up to 0
  INTER_AREA to 336 x 544: 0.00 % of the pixels, by up to 0
  INTER_AREA to 84 x 136: 0.00 % of the pixels, by up to 0
SEEN
