"""A DICOM instance -> frames as a screen shows them.

instance.py                       the instance: its header and its frames, one at a time
header, layout                    what the header says, checked before anything is allocated
fragments, video                  the stored bytes of one frame
codestream, codecs, rle           stored bytes -> stored values
palette, display                  stored values -> what a screen shows
"""
