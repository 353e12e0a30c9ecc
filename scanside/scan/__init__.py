"""From the bytes of a DICOM instance to the array that a network reads.

decode.py       an instance -> frames
                header, layout     what the header says, checked before anything is allocated
                fragments, video   the stored bytes of one frame
                codestream, codecs, rle   stored bytes -> stored values
                palette, display   stored values -> what a screen shows
region.py       where in a frame the scan lies
                declared, overlay  the machine's own word
                devices (.toml)    strips of text by device
prepare.py      a frame -> scans -> the network's input, and a mask's way back
                views, content     two scans side by side; what is no B-mode
                contour, edges, tissue   the sector of tissue
explain.py      each step as a picture
cine.py         which frames of a cine count
types.py        the values that they hand on
"""
