"""From the bytes of a DICOM instance to the array that a network reads.

decode.py -> region.py -> contour.py -> prepare.py, in that order; types.py names what they hand on.
"""
