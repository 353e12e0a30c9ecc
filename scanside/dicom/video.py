"""Frames of MPEG-2, MPEG-4 and HEVC (PS3.5 8.2.5 to 8.2.12), by PyAV: the extra `video`."""

import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from scanside.dicom.fragments import Fragment
from scanside.dicom.header import PixelValue
from scanside.dicom.layout import Layout
from scanside.dicom.undecodable import Undecodable

VIDEO = frozenset(uid.MPEGTransferSyntaxes)
_CODECS = frozenset({"mpeg2video", "h264", "hevc"})  # FFmpeg knows hundreds; the standard these


def has_video() -> bool:
    """Whether the extra is installed."""
    return find_spec("av") is not None


class Video:
    """One stream of pictures. Only the one that is asked for is held; in order they are decoded once each."""

    def __init__(self, value: PixelValue, fragments: Sequence[Fragment], layout: Layout) -> None:
        self._value, self._fragments, self._layout = value, fragments, layout
        self._pictures: Iterator[Any] = iter(())
        self._next: int | None = None

    def frame(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB.

        Raises:
            Undecodable: pictures of another size than the header says, or too few of them.
            Exception: whatever PyAV raises.
        """
        if self._next is None or index < self._next:
            self._pictures, self._next = self._decode(), 0
        number, self._next = self._next, None  # until a picture has come: after an error it begins anew
        for picture in self._pictures:
            number += 1
            self._check_size(picture)
            if number == index + 1:
                self._next = number
                return np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
        raise Undecodable(f"its video ends after {number} frames")

    def _check_size(self, picture: Any) -> None:
        if (picture.height, picture.width) != (self._layout.rows, self._layout.columns):
            raise Undecodable(
                f"the header says {self._layout.rows} x {self._layout.columns} px, "
                f"its video {picture.height} x {picture.width}"
            )

    def _decode(self) -> Iterator[Any]:
        """Pictures in the order they are shown; none at all after a damaged one, which codecs would guess."""
        import av

        with self._value.open() as file, av.open(_Joined(file, self._fragments)) as container:
            stream = container.streams.video[0]
            if stream.codec_context.name not in _CODECS:
                raise Undecodable(f"it holds {stream.codec_context.name}, no MPEG video")
            self._check_size(stream.codec_context)  # before a picture is allocated
            stream.codec_context.options = {"err_detect": "explode"}
            for packet in container.demux(stream):
                if packet.is_corrupt:
                    raise Undecodable("its video is damaged")
                for picture in packet.decode():
                    if picture.is_corrupt:
                        raise Undecodable("its video is damaged")
                    yield picture


class _Joined(io.RawIOBase):
    """Fragments read as one file."""

    def __init__(self, file: Any, fragments: Sequence[Fragment]) -> None:
        self._file, self._fragments = file, fragments
        self._position, self._size = 0, sum(fragment.length for fragment in fragments)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        before = 0
        for fragment in self._fragments:
            inside = self._position - before
            if inside < fragment.length:
                self._file.seek(fragment.start + inside)
                data = self._file.read(min(len(buffer), fragment.length - inside))
                buffer[: len(data)] = data
                self._position += len(data)
                return len(data)
            before += fragment.length
        return 0
