"""The sector of tissue in a region, by its pixels.

contour.py       which pixels belong to it
tissue, edges    where it is bright; the lines and arcs that bound it
views.py         two sectors side by side
content.py       pages, traces and spectra, which are no sector
"""
