"""Synthetic scans, no patient's, for golden cases, the demo's exam, the trainer's cohorts and the tests.

speckle.py   speckle, and noise and layers that vary slowly
sector.py    the shapes that probes show on a screen, and a fan's coordinates
frame.py     flat frames of which everything is known
sweep.py     planes through one cyst, as a sweep shows them
lesion.py    a lesion in three dimensions, cut by planes; anatomy.py: what lies around it
echo.py      what a probe (probe.py) hears of them, by physics

The same arguments give the same picture.
"""
