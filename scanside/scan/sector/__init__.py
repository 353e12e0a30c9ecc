"""The sector of tissue in a region, by its pixels.

screen.py        what of a picture is screen: no black border, no bar of text along a side
contour.py       which pixels belong to it
tissue, edges    where it is bright; the lines and arcs that bound it
views.py         two sectors side by side
content.py       pages, traces and spectra, which are no sector
"""
