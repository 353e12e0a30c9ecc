"""A DICOM instance -> frames as a screen shows them.

instance.py                       the instance: its header and its frames, one at a time
elements, needed, header, layout  what the header says, checked before anything is allocated
fragments, video                  the stored bytes of one frame
codestream, codecs, rle, jpeg_xl  stored bytes -> stored values
palette, display, colour          stored values -> what a screen shows
undecodable                       why not, in words of this project
"""
