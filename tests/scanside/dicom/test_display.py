"""Grey values, windows, tables and palettes look as PS3.3 C.7.6.3 and C.11 say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.processing import apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from scanside.dicom.display import display_table, show
from scanside.dicom.layout import Layout
from scanside.errors import Unreadable
from scanside.flags import Flag
from scanside.scan.instance import open_instance
from tests.synth.dicom import Photometric, make_instance, save

ROWS, COLUMNS = 40, 100
RAMP = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)  # 0 to 3999


def grey(values: NDArray[np.int64], bits: int = 12, **attributes: object) -> FileDataset:
    """A MONOCHROME2 instance of 16 bits allocated."""
    blank = np.zeros((*values.shape, 3), np.uint8)
    made = make_instance([blank], photometric=Photometric.MONOCHROME2, syntax=ExplicitVRLittleEndian)
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, bits, bits - 1
    made.PixelData = values.astype("<i4").astype("<u2").tobytes()
    made["PixelData"].VR = "OW"
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def shown(made: FileDataset, folder: Path) -> NDArray[np.uint8]:
    return open_instance(save(made, folder / "a.dcm")).frame().pixels


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(2000, 1000), ([1000.5, 3000], [301.5, 10]), (0, 8000)])
def test_window_as_pydicom_computes_it(function: str, centre: object, width: object, tmp_path: Path) -> None:
    made = grey(RAMP, WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    expected = apply_voi_lut(RAMP.astype(np.uint16), made) / 4095 * 255
    assert np.abs(shown(made, tmp_path) - expected).max() <= 0.51


def test_window_of_one_grey_value(tmp_path: Path) -> None:
    pixels = shown(grey(RAMP, WindowCenter=2000, WindowWidth=1), tmp_path)
    assert np.array_equal(pixels, np.where(RAMP <= 1999, 0, 255))


def test_rescaled_values_are_windowed(tmp_path: Path) -> None:
    made = grey(RAMP, RescaleSlope=0.5, RescaleIntercept=-1000, WindowCenter=0, WindowWidth=1000)
    pixels = shown(made, tmp_path)
    assert pixels[RAMP <= 1000].max() == 0 and pixels[RAMP >= 3000].min() == 255


def test_signed_values(tmp_path: Path) -> None:
    pixels = shown(grey(RAMP - 2000, PixelRepresentation=1), tmp_path)
    assert np.abs(pixels - (RAMP - 2000 + 2048) / 4095 * 255).max() <= 0.5


def test_bits_beside_the_value_are_not_its_own(tmp_path: Path) -> None:
    overlay = RAMP | (RAMP % 16) << 12
    assert np.array_equal(shown(grey(overlay), tmp_path), shown(grey(RAMP), tmp_path))
    shifted = grey(RAMP << 4 | 5)
    shifted.HighBit = 15
    assert np.array_equal(shown(shifted, tmp_path), shown(grey(RAMP), tmp_path))


def lut(count: int, first: int, bits: int, data: NDArray[np.int64]) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [count, first, bits])
    item.add_new("LUTData", "OW", data.astype("<u2").tobytes())
    return [item]


def test_voi_table(tmp_path: Path) -> None:
    made = grey(RAMP)
    made.VOILUTSequence = lut(100, 1000, 12, np.linspace(4095, 0, 100).astype(int))
    pixels = shown(made, tmp_path)
    assert (pixels[RAMP <= 1000] == 255).all() and (pixels[RAMP >= 1099] == 0).all()
    assert abs(int(pixels.flat[1050]) - round(255 * 49 / 99)) <= 1


def test_modality_table(tmp_path: Path) -> None:
    made = grey(RAMP, WindowCenter=128, WindowWidth=256)
    made.ModalityLUTSequence = lut(4096, 0, 8, np.arange(4096) // 16)
    made.ModalityLUTSequence[0].ModalityLUTType = "US"
    assert np.abs(shown(made, tmp_path) - RAMP // 16.0).max() <= 1


@pytest.mark.parametrize(
    "attributes",
    [{"WindowWidth": 0}, {"WindowWidth": -5}, {"VOILUTFunction": "CUBIC"}, {"RescaleSlope": 0}],
)
def test_an_impossible_window_or_slope_is_not_applied_and_flagged(
    attributes: dict[str, object], tmp_path: Path
) -> None:
    made = grey(RAMP, **{"WindowCenter": 100, "WindowWidth": 50, **attributes})
    instance = open_instance(save(made, tmp_path / "a.dcm"))
    assert np.abs(instance.frame().pixels - RAMP / 4095 * 255).max() <= 0.5
    assert instance.flags == {Flag.DISPLAY}


def coloured(index: NDArray[np.int64]) -> FileDataset:
    blank = np.zeros((*index.shape, 3), np.uint8)
    made = make_instance([blank], photometric=Photometric.PALETTE, syntax=ExplicitVRLittleEndian)
    made.PixelData = index.astype(np.uint8).tobytes()
    made["PixelData"].VR = "OB"
    return made


def set_tables(made: FileDataset, bits: int, data: Callable[[int], bytes], count: int = 256) -> None:
    for number, colour in enumerate(("Red", "Green", "Blue")):
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [count % 65536, 0, bits])
        setattr(made, f"{colour}PaletteColorLookupTableData", data(number))


INDEX = RAMP % 256
COLOURS = np.random.default_rng(0).integers(0, 256, (3, 256))


@pytest.mark.parametrize("kind", ["bytes", "8 bit in words", "16 bit", "8 bit declared as 16"])
def test_palettes(kind: str, tmp_path: Path) -> None:
    made = coloured(INDEX)
    values = COLOURS * 257 if kind == "16 bit" else COLOURS
    word = np.uint8 if kind == "bytes" else np.dtype("<u2")
    bits = 16 if "16" in kind else 8
    set_tables(made, bits, lambda number: values[number].astype(word).tobytes())
    assert np.array_equal(shown(made, tmp_path), COLOURS.T[INDEX])


def segmented(made: FileDataset, words: list[int]) -> None:
    for colour in ("Red", "Green", "Blue"):
        delattr(made, f"{colour}PaletteColorLookupTableData")
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(
            made,
            f"Segmented{colour}PaletteColorLookupTableData",
            np.array(words, "<u2").tobytes(),
        )


def test_segmented_palette(tmp_path: Path) -> None:
    made = coloured(INDEX)
    # 0, then a line to 65535 at 127; then the line again from where it was (kind 2: copy the second segment).
    segmented(made, [0, 1, 0, 1, 127, 65535, 0, 1, 0, 2, 1, 6, 0])
    pixels = shown(made, tmp_path)[..., 0].astype(int)
    assert np.abs(pixels - INDEX % 128 * 255 / 127).max() <= 1


@pytest.mark.parametrize(
    "words",
    [[1, 256, 5], [0, 1], [0, 1, 0, 1, 65535, 9], [0, 1, 0, 7, 3, 3], [0, 1, 0], [0, 1, 0, 2, 9, 9, 9]],
)
def test_hostile_segments(words: list[int], tmp_path: Path) -> None:
    made = coloured(INDEX)
    segmented(made, words)
    with pytest.raises(Unreadable, match="segmented lookup table"):
        shown(made, tmp_path)


def test_palette_shorter_than_it_says(tmp_path: Path) -> None:
    made = coloured(INDEX)
    set_tables(made, 16, lambda _: bytes(100))
    with pytest.raises(Unreadable, match="claims 256 entries, but holds 50"):
        shown(made, tmp_path)


def test_palette_of_sixteen_bit_indices(tmp_path: Path) -> None:
    made = coloured(INDEX)
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16, 15
    made.PixelData = (RAMP * 16).astype("<u2").tobytes()
    made["PixelData"].VR = "OW"
    set_tables(made, 16, lambda _: np.arange(65536).astype("<u2").tobytes(), count=65536)
    assert np.array_equal(shown(made, tmp_path)[..., 1], RAMP * 16 >> 8)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_planes(syntax: str, tmp_path: Path) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
    made = make_instance([rgb], photometric=Photometric.RGB, syntax=syntax)
    made.PlanarConfiguration = 1
    made.PixelData = rgb.transpose(2, 0, 1).tobytes()
    assert np.array_equal(shown(made, tmp_path), rgb)


def test_halved_chroma_without_compression(tmp_path: Path) -> None:
    made = make_instance(
        [np.zeros((ROWS, COLUMNS, 3), np.uint8)], photometric=Photometric.RGB, syntax=ExplicitVRLittleEndian
    )
    made.PhotometricInterpretation = "YBR_FULL_422"
    luma = (RAMP % 200 + 20).astype(np.uint8)
    packed = np.full((ROWS, COLUMNS // 2, 4), 128, np.uint8)
    packed[..., 0], packed[..., 1] = luma[:, ::2], luma[:, 1::2]
    made.PixelData = packed.tobytes()
    assert np.array_equal(shown(made, tmp_path), np.repeat(luma[..., None], 3, axis=2))


def test_partial_range_is_stretched_as_the_standard_said(tmp_path: Path) -> None:
    """YBR_PARTIAL_422 by the equations of PS3.3 C.7.6.3.1.2 before it was retired."""
    rgb = np.repeat(np.random.default_rng(2).integers(0, 256, (ROWS, COLUMNS // 2, 3)), 2, axis=1)
    to_ybr = np.array([[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]])
    stored = np.rint(rgb @ to_ybr.T + [16, 128, 128]).astype(np.uint8)
    made = make_instance([stored], photometric=Photometric.RGB, syntax=ExplicitVRLittleEndian)
    made.PhotometricInterpretation = "YBR_PARTIAL_422"
    made.PixelData = np.stack(
        [stored[:, ::2, 0], stored[:, 1::2, 0], *stored[:, ::2, 1:].T.swapaxes(1, 2)], -1
    ).tobytes()
    assert np.abs(shown(made, tmp_path) - rgb).max() <= 2


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [({"Columns": COLUMNS - 1}, "99 columns.* even number"), ({"PlanarConfiguration": 1}, "in planes")],
)
def test_halved_chroma_that_the_standard_does_not_explain(
    attributes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    made = make_instance([np.zeros((ROWS, COLUMNS, 3), np.uint8)], syntax=ExplicitVRLittleEndian)
    made.PhotometricInterpretation, made.PixelData = "YBR_FULL_422", bytes(ROWS * COLUMNS * 2)
    for name, value in attributes.items():
        setattr(made, name, value)
    with pytest.raises(Unreadable, match=reason) as caught:
        shown(made, tmp_path)
    assert "Send it again" not in str(caught.value)


def test_chroma_that_is_whole_though_called_halved(tmp_path: Path) -> None:
    grey_levels = np.repeat((RAMP % 256).astype(np.uint8)[..., None], 3, axis=2)
    made = make_instance([grey_levels] * 3, photometric=Photometric.YBR_FULL, syntax=ExplicitVRLittleEndian)
    made.PhotometricInterpretation = "YBR_FULL_422"
    instance = open_instance(save(made, tmp_path / "a.dcm"))
    assert np.abs(instance.frame(2).pixels - grey_levels.astype(int)).max() <= 1


def test_colours_that_only_a_codec_could_undo(tmp_path: Path) -> None:
    made = make_instance([np.zeros((ROWS, COLUMNS, 3), np.uint8)], syntax=ExplicitVRLittleEndian)
    made.PhotometricInterpretation = "YBR_RCT"
    with pytest.raises(Unreadable, match="YBR_RCT in a transfer syntax"):
        shown(made, tmp_path)


@given(arrays.arrays(np.uint8, (4, 4, 3)))
def test_ycbcr_as_the_standard_defines_it(ybr: NDArray[np.uint8]) -> None:
    y, blue, red = (ybr[..., n].astype(float) for n in range(3))
    blue, red = blue - 128, red - 128
    rgb = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    assert (
        np.abs(show(ybr, "YBR_FULL", None) - np.clip(rgb, 0, 255)).max() <= 1
    )  # OpenCV counts in fixed point


@given(st.integers(1, 16), st.data())
def test_every_stored_value_has_one_grey(bits: int, data: st.DataObject) -> None:
    high = data.draw(st.integers(bits - 1, 15))
    layout = Layout(1, 1, 1, "MONOCHROME2", False, 16, bits, high, data.draw(st.booleans()))
    table, _ = display_table(Dataset(), layout, False)
    assert table is not None and table.min() == 0 and table.max() == 255
