#!/usr/bin/env bash
# dcmpschk, the checker of presentation states, says "Test passed" of an ultrasound image.
#
# Versions: DCMTK 3.6.7 (Debian 12, dcmtk 3.6.7-9~deb12u4), pydicom 3.0.2 (PyPI).
# Source: its own help: "Checking tool for presentation states".
# Valid input: pydicom's own example, Ultrasound Image Storage: a valid object, but no presentation state.
# Expected: that it is told apart. Seen: "Test passed", exit code 0; so it does for any other class, a SEG too.
# Date: 2026-12-01. The output seen stands at the end. Debian 12 on amd64; nothing is installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq dcmtk=3.6.7-9~deb12u4 libdcmtk17=3.6.7-9~deb12u4 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(dirname "$(find root -name 'libdcmdata.so*' | head -1)")
export LD_LIBRARY_PATH DCMDICTPATH=root/usr/share/libdcmtk17/dicom.dic
python3 -m venv venv
venv/bin/pip install -q pydicom==3.0.2
cp "$(venv/bin/python -c 'from pydicom.data import get_testdata_file as f; print(f("examples_rgb_color.dcm"))')" us.dcm
{
    venv/bin/python -c 'import pydicom; print(pydicom.dcmread("us.dcm").SOPClassUID.name)'
    root/usr/bin/dcmpschk us.dcm 2>&1
    echo "exit code $?"
} >seen
diff seen - <<'SEEN'
Ultrasound Image Storage
W: Testing: us.dcm
W: Test passed.
exit code 0
SEEN
