"""scanside: a DICOM ultrasound instance in, an assessment out.

The library that trainer, export and edge share. It imports neither torch nor any of the three.
Research use only; not a medical device.
"""

import os

__version__ = "0.1.0"

RESEARCH_USE = "Research use only. Not for diagnosis."

# ONNX Runtime from 1.29 on reports every session to its maker, unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
