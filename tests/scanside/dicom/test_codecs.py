"""Frames of each codec, against independent decoders."""

import io
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.pixels import pixel_array

from scanside.errors import Unreadable
from scanside.image import Size
from scanside.scan.instance import open_instance
from tests.outside import require_tool
from tests.scanside.dicom.test_display import RAMP, grey
from tests.synth.dicom import MAKERS, Photometric, make_instance, save, transcode
from tests.synth.scans import make_frame
from tests.synth.streams import adobe, encoded, jpeg, says
from tests.synth.video import CODECS, make_video

ODD = Size(83, 117)
FRAMES = [make_frame(seed, ODD, colour=True).pixels for seed in range(3)]
EVEN = [make_frame(seed, Size(96, 128), colour=True).pixels for seed in range(5)]
# Flat colours far from grey, and blurred: what is left is the colour itself, not lost chroma.
BLOCKS = cv2.GaussianBlur(
    np.repeat(np.repeat(np.random.default_rng(3).integers(0, 256, (6, 8, 3), np.uint8), 16, 0), 16, 1),
    (0, 0),
    5,
)
DCMTK = [
    ("dcmcjpeg", ["+e1"], "dcmdjpeg", 0),
    ("dcmcjpeg", ["+el"], "dcmdjpeg", 0),
    ("dcmcjpeg", ["+eb", "+q", "95"], "dcmdjpeg", 3),
    ("dcmcjpeg", ["+eb", "+q", "95", "+cr"], "dcmdjpeg", 3),
    ("dcmcjpeg", ["+ee", "+q", "95"], "dcmdjpeg", 3),
    ("dcmcjpls", ["+el"], "dcmdjpls", 0),
    ("dcmcjpls", ["+en"], "dcmdjpls", 0),
    ("dcmcrle", [], "dcmdrle", 0),
]


def decoded(made: FileDataset, folder: Path, index: int = 0) -> NDArray[np.int64]:
    return open_instance(save(made, folder / "a.dcm")).frame(index).pixels.astype(np.int64)


@pytest.mark.parametrize("photometric", [Photometric.RGB, Photometric.MONOCHROME1])
@pytest.mark.parametrize(("encoder", "options", "decoder", "rounding"), DCMTK, ids=lambda value: str(value))
def test_same_as_dcmtk(
    encoder: str, options: list[str], decoder: str, rounding: int, photometric: Photometric, tmp_path: Path
) -> None:
    plain, packed, back = (tmp_path / name for name in ("plain.dcm", "packed.dcm", "back.dcm"))
    save(make_instance(FRAMES, photometric=photometric, syntax=uid.ExplicitVRLittleEndian), plain)
    subprocess.run([require_tool(encoder), *options, plain, packed], check=True, capture_output=True)
    subprocess.run([require_tool(decoder), packed, back], check=True, capture_output=True)
    ours, theirs = open_instance(packed), open_instance(back)
    assert ours.syntax.is_compressed and not theirs.syntax.is_compressed
    for index in range(3):
        difference = np.abs(ours.frame(index).pixels - theirs.frame(index).pixels.astype(int))
        assert difference.max() <= rounding


def test_twelve_bit_jpeg(tmp_path: Path) -> None:
    plain, packed = save(grey(RAMP), tmp_path / "plain.dcm"), tmp_path / "packed.dcm"
    command = [require_tool("dcmcjpeg"), "+ee", "+q", "100", plain, packed]
    subprocess.run(command, check=True, capture_output=True)
    instance = open_instance(packed)
    assert instance.syntax == uid.JPEGExtended12Bit
    assert np.abs(instance.frame().pixels - open_instance(plain).frame().pixels.astype(int)).max() <= 1


@pytest.mark.parametrize("sampling", ["444", "422", "420"])
def test_jpeg_colours_as_gdcm_gives_them(sampling: str, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    save(encoded([jpeg(BLOCKS, sampling)], uid.JPEGBaseline8Bit, "YBR_FULL_422", BLOCKS.shape), path)
    theirs = pixel_array(path, decoding_plugin="gdcm").astype(int)
    difference = np.abs(open_instance(path).frame().pixels - theirs)
    assert difference.max() <= 3 and difference.mean() < 0.5


# An encoder that stores RGB as it is: make it convert its inverse. What it holds is then BLOCKS.
def as_rgb(rgb: NDArray[np.uint8]) -> bytes:
    back = cv2.cvtColor(np.ascontiguousarray(rgb[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB)
    return says(jpeg(np.asarray(back, np.uint8)), b"", b"\0\1\2")


MUTED = (BLOCKS // 8 + 112).astype(np.uint8)  # within what YCbCr can hold as RGB


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize(
    ("stream", "truth"),
    [
        (jpeg(BLOCKS), BLOCKS),
        (says(jpeg(BLOCKS), adobe(1), b"\1\2\3"), BLOCKS),
        (says(jpeg(BLOCKS, "422"), b"", b"\0\1\2"), BLOCKS),
        (says(as_rgb(MUTED), adobe(0), b"\1\2\3"), MUTED),
        (says(as_rgb(MUTED), b"", b"RGB"), MUTED),
    ],
    ids=["JFIF", "Adobe, YCbCr", "halved chroma", "Adobe, RGB", "named RGB"],
)
def test_the_stream_says_what_its_colours_are(
    stream: bytes, truth: NDArray[np.uint8], photometric: str, tmp_path: Path
) -> None:
    made = encoded([stream], uid.JPEGBaseline8Bit, photometric, truth.shape)
    difference = np.abs(decoded(made, tmp_path) - truth)
    assert difference.mean() < 2 and np.percentile(difference, 99) <= 12


@pytest.mark.parametrize(("photometric", "stream"), [("RGB", as_rgb(MUTED)), ("YBR_FULL", None)])
def test_the_header_decides_where_the_stream_does_not_say(
    photometric: str, stream: bytes | None, tmp_path: Path
) -> None:
    stream = stream or says(jpeg(MUTED), b"", b"\0\1\2")
    made = encoded([stream], uid.JPEGBaseline8Bit, photometric, MUTED.shape)
    assert np.abs(decoded(made, tmp_path) - MUTED).max() <= 5


def test_exif_does_not_turn_the_image(tmp_path: Path) -> None:
    stream = jpeg(BLOCKS)
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHLL", 0x0112, 3, 1, 6) + bytes(4)
    exif = b"Exif\0\0" + tiff
    turned = stream[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + stream[2:]
    plain = encoded([stream], uid.JPEGBaseline8Bit, "YBR_FULL_422", BLOCKS.shape)
    made = encoded([turned], uid.JPEGBaseline8Bit, "YBR_FULL_422", BLOCKS.shape)
    assert np.array_equal(decoded(made, tmp_path), decoded(plain, tmp_path))


@pytest.mark.parametrize("damage", ["cut", "other size", "progressive", "grey", "no JPEG"])
def test_jpeg_that_is_not_what_the_header_says(damage: str, tmp_path: Path) -> None:
    stream = jpeg(BLOCKS)
    swapped = cv2.cvtColor(BLOCKS, cv2.COLOR_RGB2BGR)
    stream = {
        "cut": stream[: len(stream) // 2],
        "other size": jpeg(BLOCKS[:-1]),
        "progressive": cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
        "grey": cv2.imencode(".jpg", BLOCKS[..., 0])[1].tobytes(),
        "no JPEG": cv2.imencode(".png", swapped)[1].tobytes(),
    }[damage]
    made = encoded([stream], uid.JPEGBaseline8Bit, "YBR_FULL_422", BLOCKS.shape)
    with pytest.raises(Unreadable, match=r"frame 1 of a\.dcm can't be decoded"):
        decoded(made, tmp_path)


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
def test_htj2k(syntax: str, colour: bool, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="imagecodecs encodes HTJ2K; install it")
    frames = FRAMES if colour else [np.ascontiguousarray(frame[..., 1]) for frame in FRAMES]
    streams = [imagecodecs.htj2k_encode(frame) for frame in frames]
    made = encoded(streams, syntax, "YBR_RCT" if colour else "MONOCHROME2", frames[0].shape)
    for index, frame in enumerate(frames):
        assert np.array_equal(decoded(made, tmp_path, index), frame)


@pytest.mark.parametrize("fragments", [1, 4])
@pytest.mark.parametrize("syntax", CODECS, ids=lambda syntax: syntax.name)
def test_video(syntax: uid.UID, fragments: int, tmp_path: Path) -> None:
    instance = open_instance(save(make_video(EVEN, syntax, fragments), tmp_path / "a.dcm"))
    for index in (0, 1, 4, 2):
        difference = [np.abs(instance.frame(index).pixels - frame.astype(int)).mean() for frame in EVEN]
        assert np.argmin(difference) == index and difference[index] < 4


def test_video_shorter_than_its_header_says(tmp_path: Path) -> None:
    made = make_video(EVEN, uid.MPEG2MPML)
    made.NumberOfFrames = 9
    with pytest.raises(Unreadable, match="its video ends after 5 frames"):
        decoded(made, tmp_path, 8)


def test_a_stream_that_is_no_video(tmp_path: Path) -> None:
    """FFmpeg would find out that it is a JPEG, and not which colours it has."""
    made = make_instance(EVEN[:1], maker=MAKERS[2])
    made.file_meta.TransferSyntaxUID = uid.MPEG2MPML
    with pytest.raises(Unreadable, match="mjpeg, no MPEG video"):
        decoded(made, tmp_path)


@pytest.mark.parametrize("syntax", CODECS, ids=lambda syntax: syntax.name)
def test_damaged_video(syntax: uid.UID, tmp_path: Path) -> None:
    made = make_video(EVEN, syntax)
    content = bytearray(made.PixelData)
    content[len(content) // 3 : len(content) // 3 + 600] = np.random.default_rng(0).bytes(600)
    made.PixelData = bytes(content)
    instance = open_instance(save(made, tmp_path / "a.dcm"))
    for index in (4, 3, 4):
        with pytest.raises(Unreadable, match=r"Invalid data|damaged"):
            instance.frame(index)


def test_video_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(make_video(EVEN, uid.MPEG4HP41), tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(Unreadable, match=r"no decoder for MPEG-4.*pip install 'scanside\[video\]'"):
        open_instance(path)


@pytest.mark.parametrize("table", ["extended", "basic", "none"])
def test_frames_in_several_fragments(table: str, tmp_path: Path) -> None:
    streams = [jpeg(frame) for frame in FRAMES]
    made = encoded(streams, uid.JPEGBaseline8Bit, "YBR_FULL_422", FRAMES[0].shape)
    parts = [[s[i : i + 500] for i in range(0, len(s) // 500 * 500, 500)] for s in streams]
    parts = [
        [*some[:-1], some[-1] + s[len(s) // 500 * 500 :]] for some, s in zip(parts, streams, strict=True)
    ]
    assert len({len(some) for some in parts}) > 1
    made.PixelData, offsets = _fragmented([[p + b"\0" * (len(p) % 2) for p in some] for some in parts], table)
    if table == "extended":
        made.ExtendedOffsetTable = struct.pack(f"<{len(offsets)}Q", *offsets)
        made.ExtendedOffsetTableLengths = struct.pack(f"<{len(offsets)}Q", *[len(s) for s in streams])
    whole = encoded(streams, uid.JPEGBaseline8Bit, "YBR_FULL_422", FRAMES[0].shape)
    for index in (2, 0, 1):
        assert np.array_equal(decoded(made, tmp_path, index), decoded(whole, tmp_path, index))


def _fragmented(parts: list[list[bytes]], table: str) -> tuple[bytes, list[int]]:
    out, offsets = io.BytesIO(), []
    for some in parts:
        offsets.append(out.tell())
        for part in some:
            out.write(b"\xfe\xff\x00\xe0" + struct.pack("<L", len(part)) + part)
    basic = struct.pack(f"<{len(offsets)}L", *offsets) if table == "basic" else b""
    head = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(basic)) + basic
    return head + out.getvalue(), offsets


def test_extended_offset_table_of_one_fragment_each(tmp_path: Path) -> None:
    streams = [jpeg(frame) for frame in FRAMES]
    made = encoded(streams, uid.JPEGBaseline8Bit, "YBR_FULL_422", FRAMES[0].shape)
    made.PixelData, made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = encapsulate_extended(streams)
    decodings = [decoded(made, tmp_path, index) for index in range(3)]
    assert all(not np.array_equal(a, b) for a, b in pairwise(decodings))


def test_the_real_jpeg_files_of_pydicom_have_gdcms_colours() -> None:
    path = Path(str(pydicom.data.get_testdata_file("examples_ybr_color.dcm")))
    instance = open_instance(path)
    for index in (0, 14, 29):
        difference = np.abs(instance.frame(index).pixels - pixel_array(path, index=index).astype(int))
        assert difference.mean() < 1 and np.percentile(difference, 99.9) <= 8


@pytest.mark.parametrize(
    ("syntax", "photometric"),
    [
        (uid.JPEGBaseline8Bit, Photometric.YBR_FULL_422),
        (uid.JPEGBaseline8Bit, Photometric.MONOCHROME2),
        (uid.JPEGLosslessSV1, Photometric.RGB),
        (uid.JPEGLosslessSV1, Photometric.MONOCHROME2),
    ],
)
def test_a_jpeg_with_an_end_but_not_all_of_its_data(
    tmp_path: Path, syntax: uid.UID, photometric: Photometric
) -> None:
    """libjpeg fills what is missing with grey, and warns of nothing that OpenCV or GDCM hands on."""
    if syntax == uid.JPEGLosslessSV1:
        raw = make_instance(EVEN[:1], photometric=photometric, syntax=uid.ExplicitVRLittleEndian)
        whole = transcode(save(raw, tmp_path / "raw.dcm"), tmp_path / "whole.dcm", syntax)
    else:
        made = make_instance(EVEN[:1], photometric=photometric, syntax=syntax)
        whole = save(made, tmp_path / "whole.dcm")
    open_instance(whole).frame()
    instance = pydicom.dcmread(whole)
    stream = next(generate_frames(instance.PixelData, number_of_frames=1))
    end = stream.rfind(b"\xff\xd9")
    for share in (0.5, 0.8, 0.95):
        cut = stream[: int(share * end)] + b"\xff\xd9"
        instance.PixelData = encapsulate([cut + bytes(len(cut) % 2)])
        instance["PixelData"].is_undefined_length = True
        with pytest.raises(Unreadable, match=r"ends early|is damaged"):
            open_instance(save(instance, tmp_path / "cut.dcm")).frame()


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGLosslessSV1, uid.JPEGLSLossless])
def test_grey_in_the_last_corner_is_no_damage(tmp_path: Path, syntax: uid.UID) -> None:
    frame = cv2.cvtColor(cv2.cvtColor(EVEN[0], cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    frame[-40:, -40:] = 128
    direct = syntax if syntax == uid.JPEGBaseline8Bit else uid.ExplicitVRLittleEndian
    path = save(
        make_instance([frame], photometric=Photometric.MONOCHROME2, syntax=direct), tmp_path / "a.dcm"
    )
    if syntax != direct:
        path = transcode(path, tmp_path / "b.dcm", syntax)
    assert open_instance(path).frame().pixels[-1, -1] == 128


def test_a_cine_that_ends_before_the_frames_of_its_header_without_a_delimiter_is_truncated(
    tmp_path: Path,
) -> None:
    made = make_instance(FRAMES, photometric=Photometric.YBR_FULL_422, syntax=uid.JPEGBaseline8Bit)
    path = save(made, tmp_path / "a.dcm")
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\xfe\xff\x00\xe0")])
    with pytest.raises(Unreadable, match=r"says 3 frames, but it holds 2: it is truncated. Send it again."):
        open_instance(path)
