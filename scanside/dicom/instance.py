"""A DICOM image from outside -> its header and its frames, one frame decoded at a time."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRBigEndian

from scanside.dicom.codecs import (
    COMPRESSED,
    NATIVE,
    decode_compressed,
    decode_native,
    header_colour,
)
from scanside.dicom.colour import check_colours
from scanside.dicom.display import display_table, show
from scanside.dicom.fragments import (
    Fragment,
    count_native,
    find_fragments,
    group_by_frame,
    read_fragments,
    read_native,
)
from scanside.dicom.header import Header, PixelValue, advice, syntax_of
from scanside.dicom.jpeg_xl import JPEG_XL, has_jpeg_xl
from scanside.dicom.layout import Layout, read_layout, stated_frames
from scanside.dicom.undecodable import Miscoloured, Truncated, Undecodable
from scanside.dicom.video import VIDEO, Video, has_video
from scanside.errors import Unreadable
from scanside.flags import Flag
from scanside.image import Frame


@dataclass(frozen=True)
class Instance:
    """The header of one image; its pixel data stay on disk until a frame is asked for.

    Attributes:
        path: the file.
        header: the standard's attributes but large values.
        frame_count: number of frames that are stored, at least 1.
        layout: how a frame is stored.
        value: where the pixel data lie.
        syntax: the transfer syntax.
        fragments: those of each frame; empty where the frames are not compressed or a video.
        header_flags: what of the header a reader of the result has to know.
    """

    path: Path
    header: FileDataset
    frame_count: int
    layout: Layout
    value: PixelValue
    syntax: UID
    fragments: Sequence[Sequence[Fragment]] = ()
    header_flags: frozenset[Flag] = frozenset()

    @property
    def flags(self) -> frozenset[Flag]:
        """What a reader of the result has to know about the whole instance; for one whose frames decode."""
        return self.header_flags | (frozenset() if self.syntax in VIDEO else self._display[1])

    def frame(self, index: int = 0) -> Frame:
        """Decode one frame to 8 bit grey or RGB (PS3.3 C.7.6.3.1.2).

        Raises:
            Unreadable: there is no such frame, the pixel data are damaged, or no decoder takes them.
        """
        try:
            if not 0 <= index < self.frame_count:
                raise Undecodable(f"there are {self.frame_count}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # each is either harmless or raised below
                return Frame(self._pixels(index), index)
        except MemoryError:  # no fault of the file
            raise
        except Undecodable as error:
            raise self._unreadable(index, str(error), error) from error
        except OSError as error:  # of the disk, or of PyAV on a stream
            reason = error.strerror or "its pixel data are damaged"
            raise self._unreadable(index, reason, Undecodable()) from error
        except Exception as error:  # codecs raise whatever they like on hostile bytes, in their own words
            reason = "its pixel data are damaged, or of a kind that the decoder does not know"
            raise self._unreadable(index, reason, Undecodable()) from error

    def _unreadable(self, index: int, reason: str, error: Undecodable) -> Unreadable:
        compare = self.syntax not in NATIVE and not isinstance(error, Truncated)
        helps = "Send it uncompressed to compare." if compare else advice(error)
        what = f"frame {index + 1} of {self.path.name} can't be decoded ({self.syntax.name})"
        return Unreadable(f"{what}: {reason}. {helps}")

    def _pixels(self, index: int) -> NDArray[np.uint8]:
        if self.syntax in VIDEO:
            return self._video.frame(index)
        if self.syntax in NATIVE:
            data, halved = read_native(self.value, self.layout, self.frame_count, index)
            stored = decode_native(data, self.layout, halved, self._big_endian)
            return self._show(stored, self.layout.photometric)
        data = read_fragments(self.value, self.fragments[index])
        try:
            return self._show_compressed(data, None)
        except Miscoloured:  # header and stream may say different things: the pixels tell which is right
            return self._show_compressed(data, header_colour(self.layout))

    def _show_compressed(self, data: bytes, colour: str | None) -> NDArray[np.uint8]:
        stored, photometric = decode_compressed(data, self.layout, self.syntax, colour)
        return self._show(stored, photometric)

    def _show(self, stored: NDArray[np.generic], photometric: str) -> NDArray[np.uint8]:
        shown = show(stored, photometric, self._display[0])
        if self.layout.samples == 3:
            check_colours(shown)
        return shown

    @cached_property
    def _display(self) -> tuple[NDArray[np.uint8] | None, frozenset[Flag]]:
        return display_table(self.header, self.layout, self._big_endian)

    @cached_property
    def _video(self) -> Video:
        return Video(self.value, find_fragments(self.value).fragments, self.layout)

    @property
    def _big_endian(self) -> bool:
        return bool(self.syntax == ExplicitVRBigEndian)


def open_image(path: Path, read: Header, *, multi_frame: bool) -> Instance:
    """Check that the image whose header was read can be decoded, and find its frames.

    Args:
        path: the file that the header was read from.
        multi_frame: whether its SOP class may hold several frames.

    Raises:
        Unreadable: no pixel data or fewer than the header claims, a transfer syntax without decoder, or an
            impossible size.
    """
    header, value = read.attributes, read.pixels
    if value is None:
        raise Unreadable(f"{path.name} has no pixel data. Send the image, not only its header.")
    syntax = syntax_of(header)
    if syntax is None or not has_decoder(syntax):
        raise Unreadable(_no_decoder(syntax))
    groups: list[list[Fragment]] = []
    try:
        layout, stated = read_layout(header), stated_frames(header)
        if syntax in NATIVE:
            frames = count_native(value, layout, stated, multi_frame)
        elif syntax in VIDEO:
            frames = stated or 1
        else:
            groups = group_by_frame(find_fragments(value), stated, value, header)
            frames = len(groups)
    except Undecodable as error:
        raise Unreadable(f"{path.name} can't be read: {error}. {advice(error)}") from error
    except OSError as error:
        raise Unreadable(f"{path} can't be read: {error.strerror or error}.") from error
    flags = {Flag.PASSED_OVER} if read.passed_over else set()
    # An image of one frame need not say so; what says nothing that can be, or another number, is wrong.
    if frames != (stated or (0 if "NumberOfFrames" in header else 1)):
        flags.add(Flag.FRAME_COUNT)
    return Instance(path, header, frames, layout, value, syntax, groups, frozenset(flags))


def has_decoder(syntax: UID) -> bool:
    """Whether frames of this transfer syntax can be decoded here."""
    if syntax in VIDEO:
        return has_video()
    return syntax in NATIVE or (syntax in COMPRESSED and (syntax not in JPEG_XL or has_jpeg_xl()))


def _no_decoder(syntax: UID | None) -> str:
    if syntax in VIDEO:
        return (
            f"no decoder for {syntax.name}: video wants the extra, pip install 'scanside[video]'. "
            "Or set the machine to send cine as JPEG."
        )
    if syntax in JPEG_XL:
        return (
            "no decoder for JPEG XL: it wants the extra, pip install 'scanside[jpegxl]'. "
            "Or set the machine to send uncompressed images or JPEG."
        )
    name = syntax.name if syntax else "no transfer syntax"
    return f"no decoder for {name}. Set the machine to send uncompressed images or JPEG."
