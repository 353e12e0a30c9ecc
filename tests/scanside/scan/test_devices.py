"""The table of text strips: whole, sourced, and used only where it fits."""

import pytest
from pydicom.dataset import Dataset

from scanside.errors import SettingError
from scanside.flags import Flag
from scanside.image import Box, Size
from scanside.scan.place.devices import TextStrip, text_strip, text_strips
from scanside.scan.place.region import find_regions
from scanside.scan.types import RegionSource

SCREEN = Size(768, 1024)


def device(manufacturer: str, model: str) -> Dataset:
    made = Dataset()
    made.Manufacturer, made.ManufacturerModelName = manufacturer, model
    return made


def test_each_row_can_be_found_and_none_twice() -> None:
    seen = set()
    for strip in text_strips():
        size = Size(strip.rows or 1000, strip.columns or 1000)
        for manufacturer in strip.manufacturer:
            assert text_strip(device(manufacturer, strip.model), size) == strip
            key = (manufacturer, strip.model, strip.rows, strip.columns)
            assert key not in seen
            seen.add(key)


@pytest.mark.parametrize("manufacturer", ["Philips Medical Systems", "PHILIPS", "philips healthcare "])
@pytest.mark.parametrize("model", ["Affiniti 70W", "AFFINITI70W", "Affiniti-70w"])
def test_device_of_the_reference_study(manufacturer: str, model: str) -> None:
    (found,) = find_regions(device(manufacturer, model), SCREEN)
    assert found.box == Box(0, 40, 1024, 768)  # thesis, appendix C
    assert found.found_by is RegionSource.DEVICE and not found.flags


def test_ge_has_many_spellings() -> None:
    for manufacturer in ("GE Healthcare", "G.E. Medical Systems", "GEMS Ultrasound", "General Electric"):
        assert text_strip(device(manufacturer, "LOGIQ S8"), Size(768, 1024))


@pytest.mark.parametrize(
    ("manufacturer", "model", "size"),
    [
        ("Philips", "iU22", Size(700, 900)),  # another screen
        ("G.E. Medical Systems", "LOGIQ 700", Size(989, 1024)),  # no LOGIQ 7
        ("Somebody", "Affiniti 70W", SCREEN),
        ("Philips", "", SCREEN),
        ("Philips", "Affiniti 70W", Size(70, 90)),  # the strip would be most of it
    ],
)
def test_another_device_is_unknown(manufacturer: str, model: str, size: Size) -> None:
    (found,) = find_regions(device(manufacturer, model), size)
    assert found.found_by is RegionSource.CONTOUR and found.flags == {Flag.UNKNOWN_DEVICE}


@pytest.mark.parametrize("rows", [476, 480, 485])
def test_a_neighbouring_height_is_the_same_screen(rows: int) -> None:
    (found,) = find_regions(device("ATL", "HDI 5000"), Size(rows, 640))
    assert found.box == Box(0, 40, 640, rows) and found.found_by is RegionSource.DEVICE


def test_of_neighbouring_screens_the_nearest_is_taken() -> None:
    for rows, top in ((720, 50), (722, 50), (768, 60), (765, 60), (819, 57), (873, 65)):
        strip = text_strip(device("GE Healthcare", "LOGIQ S8"), Size(rows, 1024))
        assert strip is not None and strip.top_px == top


def test_a_strip_is_counted_from_the_first_row_that_is_lit() -> None:
    (found,) = find_regions(device("ATL", "HDI 5000"), Size(700, 900), Box(80, 30, 720, 506))
    assert found.box == Box(0, 70, 900, 700)


def test_where_the_text_was_blackened_no_strip_is_cut_off() -> None:
    (found,) = find_regions(device("ATL", "HDI 5000"), Size(476, 640), Box(0, 40, 640, 476))
    assert found.found_by is RegionSource.CONTOUR


def test_longer_name_and_exact_size_win() -> None:
    strip = text_strip(device("SIEMENS", "ACUSON NX3"), SCREEN)
    assert strip is not None and strip.model == "ACUSON NX3"


@pytest.mark.parametrize("wrong", [{"source": ""}, {"model": "-"}, {"manufacturer": ("",)}, {"top_px": 0}])
def test_row_without_what_it_needs(wrong: dict[str, object]) -> None:
    row = {"manufacturer": ("A",), "model": "B", "top_px": 1, "source": "C", **wrong}
    with pytest.raises(SettingError, match="Fill it in"):
        TextStrip(**row)  # type: ignore[arg-type]
