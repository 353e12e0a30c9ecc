"""The audit trail: what happened to patients' data and to the agent, in the terms of DICOM PS3.15 A.5."""
