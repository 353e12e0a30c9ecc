"""A DICOM instance from outside -> its header and its frames, one frame decoded at a time."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRBigEndian

from scanside.errors import NoTissue, Unreadable
from scanside.scan.decoding.codecs import COMPRESSED, NATIVE, decode_compressed, decode_native
from scanside.scan.decoding.display import display_table, show
from scanside.scan.decoding.fragments import (
    Fragment,
    check_native,
    find_fragments,
    group_by_frame,
    read_fragments,
    read_native,
)
from scanside.scan.decoding.header import PixelValue, read_header, syntax_of
from scanside.scan.decoding.layout import Layout, read_layout
from scanside.scan.decoding.video import VIDEO, Video, has_video
from scanside.scan.types import Frame

# PS3.4 B.5 and B.6: ultrasound image and multi-frame image storage, current and retired.
ULTRASOUND_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.6.1",
        "1.2.840.10008.5.1.4.1.1.6",
        "1.2.840.10008.5.1.4.1.1.3.1",
        "1.2.840.10008.5.1.4.1.1.3",
    }
)


@dataclass(frozen=True)
class Instance:
    """The header of one ultrasound instance; its pixel data stay on disk until a frame is asked for.

    Attributes:
        path: the file.
        header: every attribute but large values.
        frame_count: number of frames, at least 1.
        layout: how a frame is stored.
        value: where the pixel data lie.
        syntax: the transfer syntax.
    """

    path: Path
    header: FileDataset
    frame_count: int
    layout: Layout
    value: PixelValue
    syntax: UID

    def frame(self, index: int = 0) -> Frame:
        """Decode one frame to 8 bit grey or RGB (PS3.3 C.7.6.3.1.2).

        Raises:
            Unreadable: there is no such frame, the pixel data are damaged, or no decoder takes them.
        """
        try:
            if not 0 <= index < self.frame_count:
                raise ValueError(f"there are {self.frame_count}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # each is either harmless or raised below
                return Frame(self._pixels(index), index)
        # Codecs and pydicom raise whatever they like on hostile bytes; lack of memory is no fault of theirs.
        except MemoryError:
            raise
        except Exception as error:
            raise Unreadable(
                f"frame {index + 1} of {self.path.name} can't be decoded "
                f"({self.syntax.name}): {' '.join(str(error).split())}. "
                "Send it uncompressed to compare."
            ) from error

    def _pixels(self, index: int) -> NDArray[np.uint8]:
        if self.syntax in VIDEO:
            return self._video.frame(index)
        if self.syntax in NATIVE:
            data, halved = read_native(self.value, self.layout, self.frame_count, index)
            stored = decode_native(data, self.layout, halved, self._big_endian)
            return show(stored, self.layout.photometric, self._table)
        data = read_fragments(self.value, self._fragments[index])
        stored, photometric = decode_compressed(data, self.layout, self.syntax)
        return show(stored, photometric, self._table)

    @cached_property
    def _table(self) -> NDArray[np.uint8] | None:
        return display_table(self.header, self.layout, self._big_endian)

    @cached_property
    def _fragments(self) -> list[list[Fragment]]:
        offsets, fragments = find_fragments(self.value)
        return group_by_frame(offsets, fragments, self.frame_count, self.value, self.header)

    @cached_property
    def _video(self) -> Video:
        return Video(self.value, find_fragments(self.value)[1], self.layout)

    @property
    def _big_endian(self) -> bool:
        return bool(self.syntax == ExplicitVRBigEndian)


def open_instance(path: Path) -> Instance:
    """Read the header of the DICOM file at `path` and check that it is an ultrasound image.

    Raises:
        Unreadable: not a DICOM file, a damaged header, no pixel data or fewer than it claims, a transfer
            syntax without decoder, or an impossible size.
        NoTissue: a DICOM object that is not an ultrasound image.
    """
    header, value = read_header(path)
    _check_class(header, path)
    if value is None:
        raise Unreadable(f"{path.name} has no pixel data. Send the image, not only its header.")
    syntax = syntax_of(header)
    if syntax is None or not has_decoder(syntax):
        raise Unreadable(_no_decoder(syntax))
    try:
        layout, frames = read_layout(header)
        if syntax in NATIVE:
            check_native(value, layout, frames)
    except ValueError as error:
        raise Unreadable(f"{path.name} {error}. Send it again.") from error
    return Instance(path, header, frames, layout, value, syntax)


def has_decoder(syntax: UID) -> bool:
    """Whether frames of this transfer syntax can be decoded here."""
    return syntax in NATIVE or syntax in COMPRESSED or (syntax in VIDEO and has_video())


def _check_class(header: FileDataset, path: Path) -> None:
    sop_class = str(header.get("SOPClassUID", ""))
    if not sop_class:
        raise Unreadable(f"{path.name} has no SOP class: it is truncated or damaged. Send it again.")
    if sop_class not in ULTRASOUND_CLASSES:
        uid = UID(sop_class, validation_mode=pydicom.config.IGNORE)
        name = uid.name if uid.is_valid else "an unknown SOP class"
        raise NoTissue(f"not an ultrasound image: {name}")


def _no_decoder(syntax: UID | None) -> str:
    if syntax in VIDEO:
        return (
            f"no decoder for {syntax.name}: video wants the extra, pip install 'scanside[video]'. "
            "Or set the machine to send cine as JPEG."
        )
    name = syntax.name if syntax else "no transfer syntax"
    return f"no decoder for {name}. Set the machine to send uncompressed images or JPEG."
