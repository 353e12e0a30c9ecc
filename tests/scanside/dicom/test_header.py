"""A header is read strictly where it says what the pixels mean; what nobody needs is passed over."""

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from scanside.dicom.elements import MAX_DEPTH
from scanside.dicom.header import read_attributes, read_header
from scanside.errors import NoTissue, Unreadable
from scanside.flags import Flag
from scanside.image import Box, Size
from scanside.scan.instance import open_instance
from scanside.scan.place.region import find_regions
from scanside.scan.types import RegionSource
from tests.scanside.scan.test_bounds import peak_mib
from tests.synth.dicom import Photometric, make_instance, region, save
from tests.synth.headers import deflated, item, long, put_in, replace, sequence, short, tag
from tests.synth.scans import make_frame

SIZE = Size(96, 128)
FRAMES = [make_frame(seed, SIZE, colour=True).pixels for seed in range(3)]
BOX = Box(10, 20, 110, 90)
_MIB = 2**20
BEFORE_STUDY_UID = b"\x20\x00\x0d\x00UI"
BEFORE_NAME = b"\x10\x00\x10\x00PN"


def write(
    path: Path,
    syntax: str = uid.ExplicitVRLittleEndian,
    frames: int = 1,
    photometric: Photometric = Photometric.RGB,
    **attributes: object,
) -> Path:
    made = make_instance(
        FRAMES[:frames], photometric=photometric, syntax=uid.UID(syntax), regions=[region(BOX)]
    )
    for name, value in attributes.items():
        setattr(made, name, value)
    return save(made, path)


def check_first_frame(path: Path, flags: set[Flag]) -> None:
    """The file gives the frame that was written into it, its region, and these flags."""
    instance = open_instance(path)
    frame = instance.frame()
    assert np.array_equal(frame.pixels, FRAMES[0])
    assert instance.flags == flags
    (found,) = find_regions(instance.header, frame.size)
    assert found.box == BOX and found.found_by is RegionSource.DICOM
    assert str(instance.header.PatientName) == "SYNTHETIC^CASE"


ELEMENTS_PASSED_OVER = {
    "a wrong length": short(0x0018, 0x602C, "FD", bytes(6)),
    "a number that is none": short(0x0020, 0x9056, "UL", b"\1\0\0"),
    "decimals that are none": short(0x0018, 0x9073, "FD", b"one hour"[:7]),
    "no VR": short(0x0020, 0x4000, "\0\0", b"abcd"),
    "question marks for a VR": short(0x0020, 0x4000, "??", b"abcd"),
    "a future VR": long(0x0021, 0x1010, "ZZ", bytes(70_000)),
    "a future VR of a standard attribute": long(0x0020, 0x4000, "ZZ", b"abcd"),
    "an unknown VR with a short length": short(0x0021, 0x1010, "ZZ", b"abcd"),
    "an implicit element": tag(0x0020, 0x4000) + struct.pack("<L", 4) + b"abcd",
    "a delimiter of nothing": b"\xfe\xff\xdd\xe0\0\0\0\0",
    "a sequence that holds none": long(0x0020, 0x9071, "SQ", b"no items at all "),
    "items that hold nothing of a region": item(short(0x0020, 0x4000, "LT", b"abcd")),
}


@pytest.mark.parametrize("kind", ELEMENTS_PASSED_OVER)
def test_a_damaged_attribute_that_nobody_needs_is_passed_over_with_a_flag(kind: str, tmp_path: Path) -> None:
    path = put_in(write(tmp_path / "a.dcm"), ELEMENTS_PASSED_OVER[kind])
    check_first_frame(path, {Flag.PASSED_OVER})


def blobs(count: int, size: int) -> bytes:
    return b"".join(item(long(0x0021, 0x1001, "OB", bytes(size))) for _ in range(count))


ELEMENTS_SKIPPED = {
    "a private sequence of 90 MB": lambda: sequence(0x0021, 0x1010, blobs(90, _MIB)),
    "a private one of undefined length": lambda: sequence(0x0021, 0x1010, blobs(90, _MIB), undefined=True),
    "an unknown one of undefined length": lambda: sequence(
        0x0021, 0x1010, item(tag(0x0021, 0x1001) + struct.pack("<L", 4) + b"abcd", True), True, "UN"
    ),
    "a standard sequence of 2 MB": lambda: sequence(
        0x0020, 0x9071, b"".join(item(short(0x0020, 0x9072, "CS", b"R ")) for _ in range(110_000))
    ),
    "a standard one of undefined length": lambda: sequence(
        0x0020, 0x9071, b"".join(item(short(0x0020, 0x9072, "CS", b"R "), True) for _ in range(30_000)), True
    ),
    "text of 20 MB": lambda: long(0x0020, 0x4000, "UT", b"a" * 20 * _MIB),
    "fragments of a private value": lambda: long(
        0x0021, 0x1010, "OB", item(b"") + item(bytes(5 * _MIB)) + b"\xfe\xff\xdd\xe0\0\0\0\0", 0xFFFFFFFF
    ),
}


@pytest.mark.parametrize("kind", ELEMENTS_SKIPPED)
def test_a_large_value_that_nobody_needs_costs_no_memory(kind: str, tmp_path: Path) -> None:
    path = put_in(write(tmp_path / "a.dcm"), ELEMENTS_SKIPPED[kind]())
    check_first_frame(path, set())
    assert peak_mib(path, 0) < 12


STRICT = {
    "Rows of a wrong length": (b"\x28\x00\x10\x00US\2\0", b"\x28\x00\x10\x00UL\2\0"),
    "Rows of an unknown VR": (b"\x28\x00\x10\x00US\2\0", b"\x28\x00\x10\x00Ut\2\0"),
    "Rows as bytes": (b"\x28\x00\x10\x00US\2\0\x60\0", b"\x28\x00\x10\x00LO\2\0xx"),
    "Bits Allocated of an unknown VR": (b"\x28\x00\x00\x01US", b"\x28\x00\x00\x01\0\0"),
    "Photometric Interpretation of an unknown VR": (b"\x28\x00\x04\x00CS", b"\x28\x00\x04\x00??"),
    "Pixel Representation of a wrong length": (
        b"\x28\x00\x03\x01US\2\0\0\0",
        b"\x28\x00\x03\x01US\3\0\0\0\0",
    ),
}


@pytest.mark.parametrize("kind", STRICT)
def test_what_says_what_the_pixels_mean_is_read_strictly(kind: str, tmp_path: Path) -> None:
    path = replace(write(tmp_path / "a.dcm"), *STRICT[kind])
    with pytest.raises(Unreadable, match=r"a\.dcm") as caught:
        open_instance(path)
    reason = str(caught.value)
    assert "Send it again" not in reason and "pydicom" not in reason and "struct" not in reason


@pytest.mark.parametrize("rows", [48, 96])
def test_two_sizes_are_none(rows: int, tmp_path: Path) -> None:
    path = put_in(
        write(tmp_path / "a.dcm"), short(0x0028, 0x0010, "US", struct.pack("<H", rows)), b"\x28\x00\x00\x01US"
    )
    with pytest.raises(Unreadable, match=r"\(0028,0010\) is there twice"):
        open_instance(path)


def test_an_unknown_representation_without_an_end_says_so(tmp_path: Path) -> None:
    path = put_in(write(tmp_path / "a.dcm"), tag(0x0021, 0x1010) + b"ZZ\7\7" + bytes(3))
    with pytest.raises(
        Unreadable, match=r"\(0021,1010\) has a value representation that is not known"
    ) as caught:
        open_instance(path)
    assert "Send it again" not in str(caught.value)


def test_a_header_that_is_cut_asks_for_the_file_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(BEFORE_STUDY_UID) + 20])
    with pytest.raises(Unreadable, match=r"it is truncated.*Send it again\."):
        open_instance(path)


@pytest.mark.parametrize("undefined", [False, True])
def test_regions_are_read_where_the_head_of_their_sequence_is_missing(
    undefined: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.dcm")
    content = path.read_bytes()
    start = content.index(b"\x18\x00\x11\x60SQ")
    items = content[start + 12 : content.index(BEFORE_STUDY_UID)]
    made = items if not undefined else items[:4] + b"\xff" * 4 + items[8:] + b"\xfe\xff\x0d\xe0" + bytes(4)
    path.write_bytes(content[:start] + made + content[content.index(BEFORE_STUDY_UID) :])
    check_first_frame(path, {Flag.PASSED_OVER})


def test_of_items_of_which_not_all_are_regions_none_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm")
    content = path.read_bytes()
    start = content.index(b"\x18\x00\x11\x60SQ")
    rest = content[start + 12 :]
    path.write_bytes(content[:start] + item(short(0x0018, 0x6012, "US", b"\3\0")) + rest)
    instance = open_instance(path)
    (found,) = find_regions(instance.header, SIZE)
    assert found.found_by is not RegionSource.DICOM and instance.flags == {Flag.PASSED_OVER}


def test_regions_that_are_declared_and_can_not_be_read_are_not_the_same_as_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm")
    content = path.read_bytes()
    start = content.index(b"\x18\x00\x11\x60SQ")
    path.write_bytes(content[: start + 12] + b"\x18\x00" + content[start + 14 :])
    instance = open_instance(path)
    with pytest.raises(NoTissue, match="what the machine declares is damaged"):
        find_regions(instance.header, SIZE)


@pytest.mark.parametrize("stated", [0, -1])
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEGBaseline8Bit])
def test_zero_frames_are_the_one_that_is_stored(syntax: str, stated: int, tmp_path: Path) -> None:
    photometric = Photometric.YBR_FULL_422 if syntax == uid.JPEGBaseline8Bit else Photometric.RGB
    path = write(tmp_path / "a.dcm", syntax, 1, photometric, NumberOfFrames=stated)
    instance = open_instance(path)
    assert instance.frame_count == 1 and instance.flags == {Flag.FRAME_COUNT}
    assert np.abs(instance.frame().pixels - FRAMES[0].astype(int)).mean() < 3


@pytest.mark.parametrize(
    ("syntax", "stated"),
    # RLE does not tell one frame in three fragments from three frames.
    [(syntax, n) for syntax in (uid.RLELossless, uid.JPEGBaseline8Bit) for n in (None, "", 0, 2, 5)]
    + [(uid.JPEGBaseline8Bit, 1)],
)
def test_as_many_frames_are_read_as_are_stored_compressed(
    syntax: str, stated: int | str | None, tmp_path: Path
) -> None:
    photometric = Photometric.YBR_FULL_422 if syntax == uid.JPEGBaseline8Bit else Photometric.RGB
    path = write(tmp_path / "a.dcm", syntax, 3, photometric, NumberOfFrames=stated)
    instance = open_instance(path)
    assert instance.frame_count == 3 and instance.flags == {Flag.FRAME_COUNT}
    for index, frame in enumerate(FRAMES):
        assert np.abs(instance.frame(index).pixels - frame.astype(int)).mean() < 3


@pytest.mark.parametrize("stated", [None, 0])
def test_uncompressed_frames_are_counted_where_the_header_says_nothing(
    stated: int | None, tmp_path: Path
) -> None:
    instance = open_instance(write(tmp_path / "a.dcm", frames=3, NumberOfFrames=stated))
    assert instance.frame_count == 3 and instance.flags == {Flag.FRAME_COUNT}
    assert np.array_equal(instance.frame(2).pixels, FRAMES[2])


@pytest.mark.parametrize("stated", [1, 2, 5])
def test_another_number_of_uncompressed_frames_is_refused(stated: int, tmp_path: Path) -> None:
    """6 frames of 480 rows are 5 of 576: either the number or the rows are wrong."""
    with pytest.raises(Unreadable, match=rf"says {stated} frames? of 96 x 128 px") as caught:
        open_instance(write(tmp_path / "a.dcm", frames=3, NumberOfFrames=stated))
    assert "Send it again" not in str(caught.value)


def test_a_dicomdir_is_called_one(tmp_path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = uid.MediaStorageDirectoryStorage, "1.2.3"
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made = FileDataset("", {}, preamble=bytes(128), file_meta=meta)
    record = Dataset()
    record.DirectoryRecordType = "PATIENT"
    made.FileSetID, made.DirectoryRecordSequence = "DISC", [record] * 10_000
    with pytest.raises(NoTissue, match="this is a DICOMDIR, an index of files: send the images themselves"):
        open_instance(save(made, tmp_path / "DICOMDIR"))


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_other_ways_of_writing_are_read_the_same(syntax: str, tmp_path: Path) -> None:
    check_first_frame(write(tmp_path / "a.dcm", syntax), set())


def test_a_file_without_a_class_asks_for_it_again_only_where_bytes_are_missing(tmp_path: Path) -> None:
    made = make_instance(FRAMES[:1])
    del made.SOPClassUID
    with pytest.raises(Unreadable, match="has no SOP class") as caught:
        open_instance(save(made, tmp_path / "a.dcm"))
    assert "Send it again" not in str(caught.value)
    del made.PixelData
    with pytest.raises(Unreadable, match=r"has no SOP class.* Send it again\."):
        open_instance(save(made, tmp_path / "a.dcm"))


@pytest.mark.parametrize("depth", [MAX_DEPTH - 2, MAX_DEPTH + 1])
def test_sequences_may_lie_only_so_deep(depth: int, tmp_path: Path) -> None:
    nested = b""
    for _ in range(depth):
        nested = sequence(0x0021, 0x1010, item(nested, undefined=True), undefined=True)
    path = put_in(write(tmp_path / "a.dcm"), nested)
    if depth < MAX_DEPTH:
        check_first_frame(path, set())
        return
    with pytest.raises(Unreadable, match="deep"):
        open_instance(path)


def test_what_a_deflated_object_says_of_its_patient_costs_a_megabyte(tmp_path: Path) -> None:
    """300 MB of elements after the name: more than a header may inflate to, and nobody waits for them."""
    name = short(0x0010, 0x0010, "PN", b"SYNTHETIC^DEFLATED")
    path = deflated(tmp_path / "a.dcm", name + short(0x0018, 0x1030, "LO", b"a" * 62) * 4_000_000)
    assert path.stat().st_size < 2 * _MIB
    start = time.process_time()
    found = read_attributes(path, ["PatientName", "StudyInstanceUID"])
    took = time.process_time() - start
    assert str(found.PatientName) == "SYNTHETIC^DEFLATED" and len(found) == 1
    start = time.process_time()
    with pytest.raises(Unreadable, match="inflates to more than"):
        read_header(path)
    assert took < time.process_time() - start  # side by side: inflating it whole takes longer


@pytest.mark.parametrize("damage", ["none", "cut", "unknown VR", "no DICOM", "missing"])
def test_a_damaged_file_says_whose_it_is_as_far_as_it_goes(damage: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", PatientID="SYN-1")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: content.index(BEFORE_STUDY_UID) + 3])
    elif damage == "unknown VR":
        put_in(path, tag(0x0018, 0x0010) + b"ZZ\7\7" + bytes(3), before=b"\x18\x00\x11\x60SQ")
    elif damage == "no DICOM":
        path.write_bytes(bytes(4000))
    elif damage == "missing":
        path.unlink()
    found = read_attributes(path, ["PatientName", "PatientID", "StudyInstanceUID"])
    known = damage in ("none", "cut", "unknown VR")
    assert str(found.get("PatientName", "")) == ("SYNTHETIC^CASE" if known else "")
    assert found.get("PatientID", "") == ("SYN-1" if known else "")
    assert ("StudyInstanceUID" in found) == (damage == "none")


def test_attributes_of_the_file_meta_information_are_read_too(tmp_path: Path) -> None:
    found = read_attributes(write(tmp_path / "a.dcm"), ["SOPClassUID", "TransferSyntaxUID"])
    assert found.SOPClassUID == uid.UltrasoundImageStorage
    assert found.TransferSyntaxUID == uid.ExplicitVRLittleEndian


def test_names_in_other_character_sets_are_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Änne")
    assert str(read_header(path).attributes.PatientName) == "Müller^Änne"
    assert str(read_attributes(path, ["PatientName"]).PatientName) == "Müller^Änne"
