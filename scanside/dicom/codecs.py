"""The stored bytes of one frame -> stored values, by the codec that syntax and stream ask for."""

import cv2
import gdcm
import numpy as np
from numpy.typing import NDArray
from openjpeg.utils import decode as decode_jpeg_2000
from pydicom import uid

from scanside.dicom.codestream import Stream, read_jpeg, read_jpeg_2000, with_colour
from scanside.dicom.jpeg_xl import JPEG_XL, decode_jpeg_xl
from scanside.dicom.layout import HALVED, Layout
from scanside.dicom.rle import decode_rle
from scanside.dicom.undecodable import Undecodable

NATIVE = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
    }
)
_JPEG = frozenset({*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes})
_JPEG_2000 = frozenset(
    {uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}
)
COMPRESSED = _JPEG | _JPEG_2000 | {uid.RLELossless} | JPEG_XL
_MORE = bytes(range(1, 65))  # entropy-coded data of no meaning, without a marker


def decode_native(data: bytes, layout: Layout, halved: bool, big_endian: bool) -> NDArray[np.generic]:
    """Bytes as they lie -> values (H, W) or (H, W, 3); `halved` as `fragments.read_native` says."""
    if layout.bits_allocated == 16:
        values = np.frombuffer(data, ">u2" if big_endian else "<u2").astype(np.uint16, copy=False)
    else:
        values = np.frombuffer(data, np.uint8)
    if halved:  # Y Y Cb Cr for two pixels
        y0, y1, blue, red = values.reshape(layout.rows, -1, 4).transpose(2, 0, 1)
        pairs = np.stack([np.stack([y0, blue, red], -1), np.stack([y1, blue, red], -1)], axis=2)
        return pairs.reshape(layout.shape)
    if layout.planar:
        return np.ascontiguousarray(values.reshape(3, layout.rows, layout.columns).transpose(1, 2, 0))
    return values.reshape(layout.shape)


def header_colour(layout: Layout) -> str:
    """What a header says that three components of a stream hold: "RGB" or "YBR_FULL"."""
    return "RGB" if layout.photometric == "RGB" else "YBR_FULL"


def decode_compressed(
    data: bytes, layout: Layout, syntax: uid.UID, colour: str | None = None
) -> tuple[NDArray[np.generic], str]:
    """One frame's codestream -> values (H, W) or (H, W, 3), and the photometric interpretation they are in.

    Args:
        colour: "RGB" or "YBR_FULL", what three components hold; where it is not given the stream says it, and
            where that is silent the header.

    Raises:
        Undecodable: the stream is damaged, or another image than the header says.
        Exception: whatever a codec raises.
    """
    if layout.photometric == "YBR_PARTIAL_422":
        raise Undecodable("YBR_PARTIAL_422 in a compressed frame, whose range can't be told")
    if syntax == uid.RLELossless:
        if layout.photometric in HALVED:
            raise Undecodable(f"{layout.photometric} in RLE, whose planes are all of one size")
        return decode_rle(data, layout), layout.photometric
    if syntax in _JPEG_2000:
        stream = read_jpeg_2000(data)
        _check(stream, layout)
        values = decode_jpeg_2000(data)
        # YBR_ICT and YBR_RCT name the transform that the codec undoes.
        undone = stream.colour == "RGB" or layout.photometric in ("YBR_ICT", "YBR_RCT")
        said = colour or ("RGB" if undone else header_colour(layout))
        return _patterns(values, layout), said if layout.samples == 3 else layout.photometric
    if syntax in JPEG_XL:
        values = decode_jpeg_xl(data, layout)
        return values, (colour or "RGB") if layout.samples == 3 else layout.photometric
    stream = read_jpeg(data)
    _check(stream, layout)
    by_gdcm = stream.lossless or stream.jpeg_ls or stream.precision > 8
    decode = _by_gdcm if by_gdcm else _by_libjpeg
    said = colour or stream.colour or header_colour(layout)
    if layout.samples == 3 and not stream.jpeg_ls:
        # GDCM hands lossless components over as they are only where they are called RGB.
        data = with_colour(data, "RGB" if by_gdcm else said)
    values = decode(data, layout, stream)
    if _may_end_early(values, stream) and not np.array_equal(values, decode(_longer(data), layout, stream)):
        raise Undecodable("its JPEG ends early: it is truncated")
    if layout.samples == 1:
        return values, layout.photometric
    return values, said if by_gdcm else "RGB"


def _may_end_early(values: NDArray[np.generic], stream: Stream) -> bool:
    """Whether the last pixel is of middle grey: libjpeg fills with it, unasked, what has no data."""
    return not stream.jpeg_ls and bool(np.all(values[-1, -1] == 1 << (stream.precision - 1)))


def _longer(data: bytes) -> bytes:
    """The stream with more data before its end: the same image, unless some were missing."""
    end = data.rfind(b"\xff\xd9")
    return data[:end] + _MORE + data[end:]


def _check(stream: Stream, layout: Layout) -> None:
    told = (stream.rows, stream.columns, stream.samples)
    if told != (layout.rows, layout.columns, layout.samples):
        raise Undecodable(
            f"the header says {layout.rows} x {layout.columns} px of {layout.samples} samples, "
            f"its codestream {told[0]} x {told[1]} px of {told[2]}"
        )
    if not 1 < stream.precision <= layout.bits_allocated:
        raise Undecodable(f"{stream.precision} bits a sample in {layout.bits_allocated} allocated ones")


def _by_libjpeg(data: bytes, layout: Layout, _: Stream) -> NDArray[np.generic]:
    """Baseline and extended JPEG of 8 bit, through OpenCV: grey or RGB, several times as fast as GDCM."""
    kind = cv2.IMREAD_COLOR_RGB if layout.samples == 3 else cv2.IMREAD_GRAYSCALE
    # Exif in a DICOM object must not turn the image away from its regions.
    values = cv2.imdecode(np.frombuffer(data, np.uint8), kind | cv2.IMREAD_IGNORE_ORIENTATION)
    if values is None or values.shape != layout.shape:
        raise Undecodable("its JPEG is damaged")
    return _patterns(values, layout)


def _by_gdcm(data: bytes, layout: Layout, stream: Stream) -> NDArray[np.generic]:
    """JPEG of 12 bit, JPEG lossless and JPEG-LS: values as the stream holds them, no colour touched."""
    if stream.jpeg_ls:
        syntax = gdcm.TransferSyntax.JPEGLSNearLossless
    elif stream.lossless:
        syntax = gdcm.TransferSyntax.JPEGLosslessProcess14
    else:
        syntax = gdcm.TransferSyntax.JPEGExtendedProcess2_4
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    kind = (
        gdcm.PhotometricInterpretation.MONOCHROME2
        if layout.samples == 1
        else gdcm.PhotometricInterpretation.RGB
    )
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    bits, precision = 8 if stream.precision <= 8 else 16, stream.precision
    image.SetPixelFormat(gdcm.PixelFormat(layout.samples, bits, precision, precision - 1, int(layout.signed)))
    decoded = image.GetBuffer()
    if decoded is None:
        raise Undecodable("its JPEG is damaged")
    # Its wrapper hands the bytes over as a str.
    values = np.frombuffer(
        decoded.encode("utf-8", "surrogateescape"), f"<{'i' if layout.signed else 'u'}{bits // 8}"
    )
    if values.size != int(np.prod(layout.shape)):
        raise Undecodable("its JPEG is damaged")
    return _patterns(values, layout)


def _patterns(values: NDArray[np.generic], layout: Layout) -> NDArray[np.generic]:
    """Values as bit patterns of the layout's dtype; signs are read where the display table is made."""
    wide = np.int16 if np.issubdtype(values.dtype, np.signedinteger) else np.uint16
    widened = values if values.dtype.itemsize * 8 == layout.bits_allocated else values.astype(wide)
    return widened.view(layout.dtype).reshape(layout.shape)
