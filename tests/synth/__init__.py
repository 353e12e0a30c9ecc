"""Synthetic ultrasound: frames whose truth is known, DICOM objects around them, a bundle that scores them."""
