#!/usr/bin/env bash
# DCMTK's storescp takes some 40 ms longer for each image unless TCP_NODELAY=1 stands in its environment.
#
# Versions: DCMTK 3.6.7 (Debian 12, dcmtk 3.6.7-9~deb12u4), pydicom 3.0.2 (PyPI). Linux.
# Source: Nagle's algorithm (RFC 896) against delayed acknowledgements; DCMTK reads the variable (docs: envvars.txt).
# Valid input: 40 copies of pydicom's own example, Ultrasound Image Storage, sent by storescu over one association.
# Expected: that answers leave at once. Seen: the 40 images take 2.2 to 2.6 s, and .2 s with the variable for storescp;
#   for storescu it changes nothing. Who compares receivers by storescu measures this.
# Date: 2026-12-01. Compared is the quickest tenth of the answers, which other work on the machine hardly delays: they
#   take more than 20 ms, and with the variable less. Debian 12 on amd64; nothing is installed.
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
venv/bin/python -W ignore - <<'PY'
import os
import socket
import statistics
import subprocess
import time
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

image = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
Path("out").mkdir()
for number in range(40):
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    image.save_as(f"{number}.dcm")
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])


def seconds(**variables):
    plain = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
    quiet = subprocess.DEVNULL  # it warns of images that it has already
    scp = subprocess.Popen(["root/usr/bin/storescp", "-od", "out", port], env=plain | variables, stderr=quiet)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            time.sleep(0.1)
        images = [f"{number}.dcm" for number in range(40)]
        command = ["root/usr/bin/storescu", "-v", "-xe", "127.0.0.1", port, *images]
        answers = []
        with subprocess.Popen(command, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as scu:
            for line in scu.stdout:
                if b"Received Store Response (Success)" in line:
                    answers.append(time.monotonic())
        assert len(answers) == 40
        gaps = [after - before for before, after in zip(answers, answers[1:])]
        return statistics.quantiles(gaps, n=10)[0]
    finally:
        scp.kill()
        scp.wait()


without, at_once = seconds(), seconds(TCP_NODELAY="1")
print(f"a quick answer: {1000 * without:.0f} ms, with TCP_NODELAY=1 {1000 * at_once:.0f} ms")
raise SystemExit(not at_once < 0.02 < without)
PY
