"""What a compressed frame says of itself, read before a codec that would allocate by it."""

import struct
from dataclasses import dataclass

_SOI, _SOS, _APP0, _APP14 = 0xD8, 0xDA, 0xE0, 0xEE
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
        colour: "RGB" or "YBR_FULL" where the stream tells, else None.
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

    Whether three components are RGB is told, in this order, by JFIF, by Adobe's APP14, by the components'
    names, and by chroma of fewer pixels: libjpeg's rules, which most files were checked against.

    Raises:
        ValueError: no such stream, a truncated one, or a process that DICOM has retired.
    """
    jfif, adobe, position = False, None, 2
    if data[:2] != b"\xff\xd8":
        raise ValueError("it is no JPEG")
    if not data.rstrip(b"\0\xff").endswith(b"\xff\xd9") and b"\xff\xd9" not in data[-64:]:
        raise ValueError("its JPEG has no end: it is truncated")
    while True:
        position, marker, segment = _segment(data, position)
        if marker == _APP0:
            jfif |= segment.startswith(b"JFIF\0")
        elif marker == _APP14 and segment.startswith(b"Adobe") and len(segment) >= 12:
            adobe = segment[11]
        elif marker in _SOFS:
            break
        elif marker in _OTHER_SOFS or marker == _SOS:
            raise ValueError(f"JPEG with marker FF{marker:02X} is a process that DICOM does not use any more")
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise ValueError("its JPEG frame header is too short")
    precision, rows, columns, samples = struct.unpack(">BHHB", segment[:6])
    names = segment[6 : 6 + 3 * samples : 3]
    sampling = segment[7 : 7 + 3 * samples : 3]
    colour = None
    if jfif:
        colour = "YBR_FULL"
    elif adobe is not None:
        colour = "RGB" if adobe == 0 else "YBR_FULL"
    elif names == b"RGB":
        colour = "RGB"
    elif len(set(sampling)) > 1:
        colour = "YBR_FULL"
    return Stream(rows, columns, samples, precision, marker == _LOSSLESS_SOF, marker == _JPEG_LS_SOF, colour)


def read_jpeg_2000(data: bytes) -> Stream:
    """The main header of a JPEG 2000 or HTJ2K codestream (ITU-T T.800 A.5.1, A.6.1), boxed or not.

    `colour` is "RGB" where the stream says that its decoder undoes a colour transform.

    Raises:
        ValueError: no such stream, or components of unlike sizes.
    """
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0:
        raise ValueError("it is no JPEG 2000")
    position, _, size = _segment(data, start + 2)
    if len(size) < 36:
        raise ValueError("its JPEG 2000 header is too short")
    right, bottom, left, top = struct.unpack(">4L", size[2:18])
    samples = struct.unpack(">H", size[34:36])[0]
    components = {size[36 + 3 * n : 39 + 3 * n] for n in range(samples)}
    if len(components) != 1 or len(size) < 36 + 3 * samples:
        raise ValueError("its JPEG 2000 components are unlike each other")
    depth, across, down = components.pop()
    if (across, down) != (1, 1):
        raise ValueError("its JPEG 2000 components are subsampled")
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
        raise ValueError("its codestream is damaged: no marker where one should be")
    if head[1] in _WITHOUT_LENGTH:
        return position + 2, head[1], b""
    length = int.from_bytes(head[2:], "big")
    segment = data[position + 4 : position + 2 + length]
    if length < 2 or len(segment) != length - 2:
        raise ValueError("its codestream is damaged: a segment reaches beyond the end")
    return position + 2 + length, head[1], segment
