#!/usr/bin/env bash
# pip install pynetdicom puts storescu, storescp, echoscu, ... on PATH: DCMTK's names with other options.
#
# Versions: pynetdicom 3.0.4 (PyPI). DCMTK's programs, of which nothing runs here, have had these names since 1994.
# Source: pynetdicom's entry points.
# Valid input: DCMTK's `storescu -R` (propose only what is needed).
# Expected: in an activated environment, DCMTK's storescu still answers to its name. Seen: pynetdicom's does, and
#   knows no -R. Name DCMTK's by its path, or pass scripts over.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pynetdicom==3.0.4
cd "$folder/venv/bin"
{
    for name in echoscp echoscu findscu getscu movescu storescp storescu; do
        echo "$name: $(head -c 2 "$name")"
    done
    PATH=$PWD:$PATH storescu -R 127.0.0.1 104 image.dcm 2>&1 | tail -1
} >seen || true
diff seen - <<'SEEN'
echoscp: #!
echoscu: #!
findscu: #!
getscu: #!
movescu: #!
storescp: #!
storescu: #!
storescu: error: unrecognized arguments: -R
SEEN
