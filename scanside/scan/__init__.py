"""What is ultrasound's own: from an instance to the array that a network reads.

instance.py            an ultrasound instance, opened; secondary_capture.py: a copy of a screen
cine.py                which frames of a cine count
place/                 where in a frame the scan lies, as far as something says so
sector/                the sector of tissue, by its pixels
resize.py              the one way of resizing, equal on every processor
prepare.py             a frame -> scans -> the network's input, and a mask's way back
types.py               the values that they hand on
"""
