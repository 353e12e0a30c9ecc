"""Frames as the videos that DICOM allows, encoded by PyAV."""

import io
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import HEVCMP51, MPEG2MPML, MPEG4HP41, UID, ExplicitVRLittleEndian

from tests.synth.dicom import Photometric, make_instance

CODECS = {MPEG2MPML: "mpeg2video", MPEG4HP41: "libx264", HEVCMP51: "libx265"}


def make_video(frames: Sequence[NDArray[np.uint8]], syntax: UID, fragments: int = 1) -> FileDataset:
    """Wrap RGB frames of one size, even sides, as one ultrasound cine stored as video."""
    made = make_instance(frames, photometric=Photometric.RGB, syntax=ExplicitVRLittleEndian, multi_frame=True)
    made.file_meta.TransferSyntaxUID = syntax
    made.PhotometricInterpretation = "YBR_PARTIAL_420"
    stream = _encode(frames, CODECS[syntax])
    size = -(-len(stream) // fragments // 2) * 2  # even: a byte of padding would be in the stream
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    made.PixelData = encapsulate(parts, has_bot=False)
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return made


def _encode(frames: Sequence[NDArray[np.uint8]], codec: str) -> bytes:
    """An MPEG-2 transport stream (PS3.5 8.2.5), nearly without loss."""
    stored = io.BytesIO()
    with av.open(stored, "w", format="mpegts") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 20_000_000
        stream.options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return stored.getvalue()
