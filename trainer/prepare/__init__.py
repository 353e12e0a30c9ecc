"""From what a hospital has (DICOM, a clinical table, drawn masks) to the dataset that the trainer reads."""
