"""What the demo's examiner enters: side and lesion of each slide of the exam, once its result is there."""

import time
from pathlib import Path

import pydicom

from edge.settings import Settings
from edge.sockets.control import Request, ask
from scanside.errors import ScansideError
from scanside.scan.cine import frames_to_score

_SIDES = {"R": ("right", 1), "L": ("left", 2)}  # Image Laterality: the side, and the lesion that lies there
_TISSUE = 1  # PS3.3 C.8.5.5.1.2
_AGAIN_S = 0.5


class Examiner:
    """Enters what is known of the slides that were sent to the agent on the folder `data`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._open: list[Request] = []
        self._tried = 0.0

    @property
    def done(self) -> bool:
        return not self._open

    def sent(self, path: Path) -> None:
        """A slide of the exam is with the agent; of a spectrum there is nothing to enter."""
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.SequenceOfUltrasoundRegions[0].RegionDataType != _TISSUE:
            return
        side, lesion = _SIDES[header.ImageLaterality]
        slide = {
            "do": "enter",
            "study": header.StudyInstanceUID,
            "patient": header.PatientID,
            "by": "demo",
            "instance": header.SOPInstanceUID,
        }
        for frame in frames_to_score(int(header.get("NumberOfFrames", 1)), Settings().cine_frames):
            self._open += [{**slide, "frame": frame, **what} for what in ({"side": side}, {"lesion": lesion})]

    def enter(self) -> None:
        """Enter all that can be entered by now; what waits for its result is tried again, not too often."""
        if self._open and time.monotonic() - self._tried >= _AGAIN_S:
            self._open = [request for request in self._open if not self._taken(request)]
            self._tried = time.monotonic()

    def _taken(self, request: Request) -> bool:
        try:
            return ask(self._data, request) is not None
        except ScansideError:
            return False
