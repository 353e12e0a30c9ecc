"""What a file costs in memory and time is bounded, whatever it claims."""

import itertools
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from scanside.dicom import header
from scanside.errors import Unreadable
from scanside.image import Size
from scanside.scan.instance import open_instance
from tests.synth.dicom import Photometric, make_instance, save
from tests.synth.scans import make_frame

ROWS, COLUMNS = 480, 640
_MIB = 2**20

# Run in a process of its own, whose resident memory is its own; the libraries are loaded first.
PEAK = """
import sys
from pathlib import Path
from scanside.scan.instance import open_instance
from tests.synth.fuzz import peak_kib
before = peak_kib()
instance = open_instance(Path(sys.argv[1]))
for index in map(int, sys.argv[2:]):
    instance.frame(index)
print(peak_kib() - before)
"""


def peak_mib(path: Path, *indices: int) -> float:
    """What opening a file and decoding some frames adds to a process."""
    command = [sys.executable, "-c", PEAK, str(path), *map(str, indices)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def plain(**attributes: object) -> FileDataset:
    made = make_instance(
        [make_frame(0, Size(96, 128)).pixels], photometric=Photometric.RGB, syntax=ExplicitVRLittleEndian
    )
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def raw_cine(path: Path, frames: int) -> Path:
    """Each frame filled with its number; the file has holes instead of the frames that nobody asks for."""
    blank = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    made = make_instance(
        [blank], photometric=Photometric.RGB, syntax=ExplicitVRLittleEndian, multi_frame=True
    )
    made.NumberOfFrames = frames
    content = bytearray(save(made, path).read_bytes())
    start = len(content) - blank.nbytes
    content[start - 4 : start] = struct.pack("<L", frames * blank.nbytes)
    with path.open("wb") as file:
        file.write(content[:start])
        for index in (0, frames // 2, frames - 1):
            file.seek(start + index * blank.nbytes)
            file.write(bytes([index % 256]) * blank.nbytes)
    return path


def test_a_raw_cine_is_never_in_memory(tmp_path: Path) -> None:
    frames = 160  # of 900 KiB: 140 MiB
    path = raw_cine(tmp_path / "a.dcm", frames)
    instance = open_instance(path)
    for index in (frames // 2, frames - 1, 0):
        assert (instance.frame(index).pixels == index).all()
    assert peak_mib(path, *range(0, frames, 16), frames - 1) < 10


def test_a_jpeg_cine_is_never_in_memory(tmp_path: Path) -> None:
    frames = [make_frame(seed, Size(ROWS, COLUMNS), colour=True).pixels for seed in range(3)]
    made = make_instance(
        list(itertools.islice(itertools.cycle(frames), 300)),
        photometric=Photometric.YBR_FULL_422,
        syntax=JPEGBaseline8Bit,
    )
    path = save(made, tmp_path / "a.dcm")
    assert path.stat().st_size > 15 * _MIB  # 263 MiB when decoded
    assert peak_mib(path, *range(0, 300, 10)) < 15


def test_many_frames_cost_as_much_each_as_few(tmp_path: Path) -> None:
    """Reads, not time, which a busy machine would spoil: items are looked at once."""
    small = make_frame(0, Size(48, 64)).pixels[..., 0]
    streams = {}
    for count in (50, 300):
        made = make_instance(
            [np.repeat(small[..., None], 3, -1)] * count,
            photometric=Photometric.MONOCHROME2,
            syntax=RLELossless,
        )
        path = save(made, tmp_path / f"{count}.dcm")
        code = (
            "import sys; from pathlib import Path\n"
            "from scanside.scan.instance import open_instance\n"
            "i = open_instance(Path(sys.argv[1]))\nfor n in range(i.frame_count): i.frame(n)\n"
            "print(sum(int(l.split()[1]) for l in open('/proc/self/io') if l.startswith('rchar')))"
        )
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        streams[count] = int(done.stdout)
    assert streams[300] - streams[50] < 5 * (tmp_path / "300.dcm").stat().st_size


def test_deflate_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "MAX_INFLATED_BYTES", 8 * _MIB)  # less to wait for
    made = plain()
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(made, tmp_path / "a.dcm")
    content = path.read_bytes()
    (group_length,) = struct.unpack("<L", content[140:144])
    head = content[: 144 + group_length]
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = bytes(16 * _MIB)
    bomb = b"".join(packer.compress(zeros) for _ in range(4)) + packer.flush()
    path.write_bytes(head + bomb)
    with pytest.raises(Unreadable, match="inflates to more than"):
        open_instance(path)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"Rows": 97}, r"says 1 frame of 97 x 128 px, 37248 bytes, but it holds 36864: its header is wrong"),
        ({"Rows": 48}, r"says 1 frame of 48 x 128 px, 18432 bytes, but it holds 36864: its header is wrong"),
        ({"NumberOfFrames": 99_999}, r"3686363136 bytes, but it holds 36864"),
        ({"NumberOfFrames": 2**31 - 1}, "not possible"),
        ({"Rows": 0}, "not possible"),
        ({"Rows": 65535, "Columns": 65535}, "not possible"),
        ({"SamplesPerPixel": 1}, "1 samples a pixel of 'RGB'"),
        ({"SamplesPerPixel": 60000}, "60000 samples"),
        ({"PhotometricInterpretation": "HSV"}, "'HSV'"),
        ({"BitsAllocated": 64}, "8 bits of 64"),
        ({"BitsStored": 9}, "9 bits of 8"),
    ],
)
def test_headers_that_lie(attributes: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=message):
        open_instance(save(plain(**attributes), tmp_path / "a.dcm"))


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless, RLELossless])
def test_a_small_stream_that_claims_a_large_frame(syntax: str, tmp_path: Path) -> None:
    made = plain(Rows=4000, Columns=4000)
    made.file_meta.TransferSyntaxUID = syntax
    large = struct.pack(">HHBHHB", 0xFFC0, 17, 8, 4000, 4000, 3) + b"\1\x11\0\2\x11\1\3\x11\1"
    stream = {
        JPEGBaseline8Bit: b"\xff\xd8" + large + bytes(50) + b"\xff\xd9",
        JPEG2000Lossless: b"\xff\x4f\xff\x51" + bytes(60),
        RLELossless: struct.pack("<16L", 3, 64, 66, 68, *[0] * 12) + b"\x81\0" * 3,
    }[syntax]
    made.PixelData = encapsulate([stream])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    path = save(made, tmp_path / "a.dcm")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30,) * 2)\n"
        f"{PEAK.replace('instance.frame(index)', 'pass')}\n"
        "from scanside.errors import Unreadable\n"
        "try: instance.frame()\nexcept Unreadable as error: print(error)\n"
        "print(peak_kib() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    _, reason, used = done.stdout.splitlines()
    assert "can't be decoded" in reason and int(used) < 64 * 1024


def test_sequences_thousands_deep(tmp_path: Path) -> None:
    path = save(plain(), tmp_path / "a.dcm")
    content = path.read_bytes()
    place = content.index(b"\x28\x00\x02\x00US")
    begin = b"\x18\x00\x11\x60SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path.write_bytes(content[:place] + begin * 5000 + content[place:])
    with pytest.raises(Unreadable, match=r"a\.dcm"):
        open_instance(path)


def test_a_sequence_of_a_million_empty_items(tmp_path: Path) -> None:
    path = save(plain(), tmp_path / "a.dcm")
    content = path.read_bytes()
    place = content.index(b"\x28\x00\x02\x00US")
    begin, end = b"\x18\x00\x11\x60SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\xdd\xe0\0\0\0\0"
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * 1_000_000
    path.write_bytes(content[:place] + begin + items + end + content[place:])
    with pytest.raises(Unreadable, match="larger than any header"):
        open_instance(path)


def test_a_value_that_claims_gigabytes(tmp_path: Path) -> None:
    path = save(plain(), tmp_path / "a.dcm")
    content = path.read_bytes()
    place = content.index(b"\x28\x00\x02\x00US")
    claim = b"\x28\x00\x01\x00UT\0\0" + struct.pack("<L", 0xFFFFFFF0)
    path.write_bytes(content[:place] + claim + content[place:])
    with pytest.raises(Unreadable, match=r"a\.dcm"):
        open_instance(path)


def test_junk_of_undefined_length(tmp_path: Path) -> None:
    path = save(plain(), tmp_path / "a.dcm")
    content = path.read_bytes()
    place = content.index(b"\x28\x00\x02\x00US")
    junk = b"\x09\x00\x10\x10OB\0\0\xff\xff\xff\xff" + np.random.default_rng(0).bytes(30 * _MIB)
    path.write_bytes(content[:place] + junk + content[place:])
    start = time.monotonic()
    with pytest.raises(Unreadable):
        open_instance(path)
    assert time.monotonic() - start < 10


def test_a_large_private_value_stays_on_disk(tmp_path: Path) -> None:
    made = plain()
    made.private_block(0x0019, "SYNTHETIC", create=True).add_new(0x01, "OB", bytes(50 * _MIB))
    nested = Dataset()
    nested.add_new(0x00091001, "OB", bytes(10))
    made.SequenceOfUltrasoundRegions = Sequence([nested] * 1000)
    path = save(made, tmp_path / "a.dcm")
    assert open_instance(path).frame().size == Size(96, 128)
    assert peak_mib(path, 0) < 25


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    for path in (tmp_path / "pipe.dcm", tmp_path):
        with pytest.raises(Unreadable, match="is not a file"):
            open_instance(path)
