"""scanside: a DICOM ultrasound instance in, an assessment out.

The library that trainer, export and edge share. It imports neither torch nor any of the three.
Research use only; not a medical device.
"""

__version__ = "0.1.0"

RESEARCH_USE = "Research use only. Not for diagnosis."
