"""A pair is what the edge would prepare, and says where its truth is known."""

from dataclasses import replace

import cv2
import numpy as np
from pydicom.dataset import Dataset

from scanside.image import Frame, Size
from scanside.scan.prepare import find_scans, prepare
from tests.trainer.denoiser.conftest import speckle
from trainer.denoiser.pairs import Source, find_whole_sector, make_pair
from trainer.denoiser.suspects import find_suspects

SIZE = Size(168, 272)


def test_an_undrawn_pair_is_what_the_edge_prepares(source: Source) -> None:
    pixels = source.pixels.copy()
    cv2.line(pixels, (150, 100), (250, 140), (230, 220, 90), 2)
    pair = make_pair(replace(source, pixels=pixels), SIZE, np.random.default_rng(0), draw=False)
    frame = Frame(pixels)
    (region,) = find_scans(Dataset(), frame)
    scan = prepare(frame, region, SIZE, chroma=True)
    np.testing.assert_array_equal(pair.scan, np.rint(scan.pixels * 255))
    np.testing.assert_array_equal(pair.chroma, np.rint(scan.chroma * 255))
    np.testing.assert_array_equal(pair.clean, pair.scan)
    assert not pair.mask.any() and pair.known.all() and pair.restorable.all()


def test_the_mask_holds_what_differs_and_the_same_seed_draws_the_same(source: Source) -> None:
    pair, again = (make_pair(source, SIZE, np.random.default_rng(5)) for _ in range(2))
    other = make_pair(source, SIZE, np.random.default_rng(6))
    np.testing.assert_array_equal(pair.scan, again.scan)
    assert (pair.scan != other.scan).any()
    change = np.abs(pair.scan.astype(int) - pair.clean)
    assert pair.mask.any() and pair.mask.mean() < 0.3
    assert change[pair.mask].mean() > 5 * change[~pair.mask].mean()


def test_flow_is_on_both_scans_and_is_no_annotation(source: Source) -> None:
    plain = make_pair(source, SIZE, np.random.default_rng(0), draw=False)
    pair = make_pair(source, SIZE, np.random.default_rng(0), draw=False, flow=True)
    assert (pair.chroma > 60).any() and not (plain.chroma > 60).any()
    np.testing.assert_array_equal(pair.scan, pair.clean)
    assert not pair.mask.any()


def test_outlined_ink_is_annotation_and_hides_the_tissue(source: Source) -> None:
    ink = np.zeros(source.lesion.shape, bool)
    ink[100:104, 150:250] = True
    pair = make_pair(replace(source, ink=ink), SIZE, np.random.default_rng(0), draw=False)
    assert pair.mask.any()
    assert pair.known[pair.mask].all()
    assert not pair.restorable[pair.mask].any()
    assert not pair.known.all()  # the rim of the ink, where JPEG blurs it
    assert pair.restorable.mean() > 0.9


def test_nothing_is_known_where_annotations_are_suspected(source: Source) -> None:
    suspected = np.zeros(source.lesion.shape, bool)
    suspected[100:120, 150:250] = True
    pair = make_pair(replace(source, suspected=suspected), SIZE, np.random.default_rng(0), draw=False)
    assert not pair.known.all() and not pair.mask.any()
    np.testing.assert_array_equal(pair.known, pair.restorable)


def test_coloured_and_white_strokes_are_suspected_and_tissue_is_not() -> None:
    pixels = speckle(520, 640)
    ink = np.zeros(pixels.shape[:2], np.uint8)
    cv2.drawMarker(ink, (250, 200), 1, cv2.MARKER_CROSS, 13, 2)
    cv2.putText(ink, "LOV", (300, 300), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1, 1)
    pixels[ink > 0] = (235, 235, 150)
    white = np.zeros_like(ink)
    cv2.drawMarker(white, (350, 150), 1, cv2.MARKER_CROSS, 13, 1)
    pixels[white > 0] = 255
    sector = find_whole_sector(pixels)[1]
    found = find_suspects(pixels, sector, white_within=True)
    assert found[ink > 0].mean() > 0.95
    assert found[white > 0].mean() > 0.95
    assert found[sector].mean() < 0.05


def test_white_within_bright_tissue_is_suspected_only_where_a_person_did_not_rule_it_out() -> None:
    pixels = speckle(520, 640)
    tissue = pixels > 0
    pixels[tissue] = pixels[tissue] // 2 + 110
    white = np.zeros(pixels.shape[:2], np.uint8)
    cv2.drawMarker(white, (350, 150), 1, cv2.MARKER_CROSS, 13, 1)
    pixels[white > 0] = 255
    sector = find_whole_sector(pixels)[1]
    assert find_suspects(pixels, sector, white_within=True)[white > 0].mean() > 0.95
    assert not find_suspects(pixels, sector, white_within=False)[white > 0].any()


def test_colour_doppler_is_no_suspect_but_its_box_is() -> None:
    pixels = speckle(520, 640)
    cv2.ellipse(pixels, (300, 250), (60, 30), 0, 0, 360, (220, 60, 20), -1)
    cv2.rectangle(pixels, (200, 150), (420, 330), (150, 230, 150), 1)
    found = find_suspects(pixels, find_whole_sector(pixels)[1], white_within=True)
    assert not found[240:260, 260:340].any()
    assert found[150, 200:420].mean() > 0.95
