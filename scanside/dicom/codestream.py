"""What a compressed frame says of itself, read before a codec that would allocate by it."""

import struct
from dataclasses import dataclass

from scanside.dicom.undecodable import Undecodable

_SOS, _APP0, _APP8, _APP14 = 0xDA, 0xE0, 0xE8, 0xEE
_SPIFF_COLOURS = {3: "YBR_FULL", 10: "RGB"}  # ITU-T T.84 F.1.1; the other ones are not DICOM's
_LOSSLESS_SOF, _JPEG_LS_SOF = 0xC3, 0xF7
_SOFS = {0xC0, 0xC1, _LOSSLESS_SOF, _JPEG_LS_SOF}  # PS3.5 A.4.1, A.4.2, A.4.3; the rest is retired
_OTHER_SOFS = set(range(0xC0, 0xD0)) - _SOFS - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True)
class Stream:
    """Size and kind of the image in a codestream.

    Attributes:
        rows, columns: size in pixels.
        samples: components.
        precision: bits of a sample.
        lossless: JPEG process 14; `jpeg_ls`: not JPEG at all, but written with its markers.
        colour: "RGB" or "YBR_FULL" where the stream says it, else None.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    lossless: bool = False
    jpeg_ls: bool = False
    colour: str | None = None


def read_jpeg(data: bytes) -> Stream:
    """The frame header of a JPEG (ITU-T T.81 B.2.2) or JPEG-LS stream (T.87 C.2.2).

    What colours three components hold is said, in this order, by JFIF, by chroma of fewer pixels, by
    Adobe's APP14, by SPIFF (which JPEG-LS has), and by the components' names: R, G, B, or 1, 2, 3, which
    real encoders without any of these markers give to YCbCr alone. JPEG-LS has 1, 2, 3 always.

    Raises:
        Undecodable: no such stream, a truncated one, or a process that DICOM has retired.
    """
    jfif, adobe, spiff, position = False, None, None, 2
    if data[:2] != b"\xff\xd8":
        raise Undecodable("it is no JPEG")
    if not data.rstrip(b"\0\xff").endswith(b"\xff\xd9") and b"\xff\xd9" not in data[-64:]:
        raise Undecodable("its JPEG has no end: it is truncated")
    while True:
        position, marker, segment = _segment(data, position)
        if marker == _APP0:
            jfif |= segment.startswith(b"JFIF\0")
        elif marker == _APP14 and segment.startswith(b"Adobe") and len(segment) >= 12:
            adobe = segment[11]
        elif marker == _APP8 and segment.startswith(b"SPIFF\0") and len(segment) >= 19:
            spiff = _SPIFF_COLOURS.get(segment[18])
        elif marker in _SOFS:
            break
        elif marker in _OTHER_SOFS or marker == _SOS:
            raise Undecodable(f"JPEG with marker FF{marker:02X} is a process that DICOM no longer uses")
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise Undecodable("its JPEG frame header is too short")
    precision, rows, columns, samples = struct.unpack(">BHHB", segment[:6])
    names = segment[6 : 6 + 3 * samples : 3]
    sampling = segment[7 : 7 + 3 * samples : 3]
    colour = None
    if jfif or len(set(sampling)) > 1:
        colour = "YBR_FULL"
    elif adobe is not None:
        colour = "RGB" if adobe == 0 else "YBR_FULL"
    elif spiff is not None:
        colour = spiff
    elif names == b"RGB":
        colour = "RGB"
    elif names == b"\1\2\3" and marker != _JPEG_LS_SOF:
        colour = "YBR_FULL"
    return Stream(rows, columns, samples, precision, marker == _LOSSLESS_SOF, marker == _JPEG_LS_SOF, colour)


def with_colour(data: bytes, colour: str) -> bytes:
    """The JPEG stream with one marker that says what its three components hold, in place of all it says.

    Args:
        data: a stream that `read_jpeg` takes.
        colour: "RGB" or "YBR_FULL".
    """
    kept, position = [], 2
    while True:
        start = position
        position, marker, segment = _segment(data, position)
        if marker in _SOFS:
            break
        if not (marker == _APP0 and segment.startswith(b"JFIF\0")) and marker != _APP14:
            kept.append(data[start:position])
    transform = 0 if colour == "RGB" else 1
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return b"".join([data[:2], adobe, *kept, data[start:]])


def read_jpeg_2000(data: bytes) -> Stream:
    """The main header of a JPEG 2000 or HTJ2K codestream (ITU-T T.800 A.5.1, A.6.1), boxed or not.

    `colour` is "RGB" where the stream says that its decoder undoes a colour transform.

    Raises:
        Undecodable: no such stream, or components of unlike sizes.
    """
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0:
        raise Undecodable("it is no JPEG 2000")
    position, _, size = _segment(data, start + 2)
    if len(size) < 36:
        raise Undecodable("its JPEG 2000 header is too short")
    right, bottom, left, top = struct.unpack(">4L", size[2:18])
    samples = struct.unpack(">H", size[34:36])[0]
    components = {size[36 + 3 * n : 39 + 3 * n] for n in range(samples)}
    if len(components) != 1 or len(size) < 36 + 3 * samples:
        raise Undecodable("its JPEG 2000 components are unlike each other")
    depth, across, down = components.pop()
    if (across, down) != (1, 1):
        raise Undecodable("its JPEG 2000 components are subsampled")
    colour = None
    while colour is None:
        position, marker, segment = _segment(data, position)
        if marker == 0x52:  # COD
            colour = "RGB" if len(segment) > 4 and segment[4] else "as stated"
    return Stream(
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=(depth & 0x7F) + 1,
        colour="RGB" if colour == "RGB" else None,
    )


def _segment(data: bytes, position: int) -> tuple[int, int, bytes]:
    """The marker segment at `position`: where the next begins, its marker's low byte, its content."""
    while data[position : position + 2] == b"\xff\xff":  # fill bytes, T.81 B.1.1.2
        position += 1
    head = data[position : position + 4]
    if len(head) < 4 or head[0] != 0xFF:
        raise Undecodable("its codestream is damaged: no marker where one should be")
    if head[1] in _WITHOUT_LENGTH:
        return position + 2, head[1], b""
    length = int.from_bytes(head[2:], "big")
    segment = data[position + 4 : position + 2 + length]
    if length < 2 or len(segment) != length - 2:
        raise Undecodable("its codestream is damaged: a segment reaches beyond the end")
    return position + 2 + length, head[1], segment
