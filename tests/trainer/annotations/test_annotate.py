"""Annotations know their pixels, lie where real ones do, and are the same for the same seed."""

import numpy as np
import pytest

from scanside.errors import SettingError
from trainer.annotations.annotate import KINDS, PRESETS, annotate, recompress
from trainer.annotations.flow import draw_flow
from trainer.annotations.layer import Layer
from trainer.annotations.look import draw_look
from trainer.annotations.scene import look_at_scan

SIZE = (400, 520)


def scene(grey: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    sector = np.hypot(rows + 60, columns - 260) < 420
    lesion = np.hypot((rows - 200) / 70, (columns - 250) / 100) < 1
    return np.full((*SIZE, 3), grey, np.uint8), lesion, sector


@pytest.mark.parametrize("preset", ["broad", "thesis"])
def test_only_masked_pixels_change_and_nearly_all_of_them_do(preset: str) -> None:
    clean, lesion, sector = scene()
    for seed in range(30):
        drawn = annotate(clean, lesion, sector, np.random.default_rng(seed), preset)
        changed = (drawn.pixels != clean).any(axis=2)
        # A pixel that ink covers by less than a sixteenth may change a little.
        faint = np.abs(drawn.pixels.astype(int) - clean).max(axis=2) <= 16
        assert not (changed & ~drawn.mask & ~faint).any()
        assert 0 < drawn.mask.mean() < 0.2
        assert (drawn.mask & ~changed).sum() <= 0.05 * drawn.mask.sum()
        assert drawn.kinds


def test_white_ink_on_white_tissue_is_in_the_mask_though_no_difference_shows_it() -> None:
    clean, lesion, sector = scene(grey=255)
    seen = [annotate(clean, lesion, sector, np.random.default_rng(seed), "thesis") for seed in range(12)]
    unseen = [one.mask & (one.pixels == clean).all(axis=2) for one in seen]
    assert any(where.sum() > 100 for where in unseen)


@pytest.mark.parametrize("preset", ["broad", "thesis", "text"])
def test_the_same_seed_draws_the_same_and_the_scan_stays(preset: str) -> None:
    clean, lesion, sector = scene()
    one, again, other = (
        annotate(clean, lesion, sector, np.random.default_rng((seed, 5)), preset) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.pixels, again.pixels) and np.array_equal(one.mask, again.mask)
    assert not np.array_equal(one.pixels, other.pixels)
    assert (clean == 90).all()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_draws_on_any_scan(kind: str) -> None:
    """Also where the lesion is unknown, the sector is unknown, the scan is small or black."""
    clean, lesion, sector = scene()
    small = np.zeros((70, 90, 3), np.uint8)
    nothing, dot, line = np.zeros((3, 70, 90), bool)
    dot[30, 40] = line[30, 10:80] = True
    empty = 0
    assert kind in PRESETS
    for seed in range(15):
        for pixels, where, inside in (
            (clean, lesion, sector),
            (clean, None, sector),
            (small, nothing, nothing),
            (small, dot, ~nothing),
            (small, line, ~nothing),
        ):
            rng = np.random.default_rng(seed)
            layer = Layer(pixels)
            KINDS[kind][1](layer, look_at_scan(where, inside, rng), draw_look(rng), rng)
            assert layer.pixels.shape == pixels.shape
            empty += not layer.mask.any()
    assert empty <= 10  # what is drawn at the edge may fall off it


def test_the_thesis_draws_in_three_colours_and_nothing_else() -> None:
    black, lesion = np.zeros((120, 160, 3), np.uint8), np.zeros((120, 160), bool)
    lesion[40:80, 50:110] = True
    drawn = [annotate(black, lesion, ~lesion, np.random.default_rng(seed), "thesis") for seed in range(200)]
    colours = [tuple(one.pixels.reshape(-1, 3).max(axis=0)) for one in drawn]
    shares = {colour: colours.count(colour) / len(drawn) for colour in colours}
    assert shares.keys() == {(0, 255, 255), (255, 255, 0), (255, 255, 255)}
    assert shares[(0, 255, 255)] == pytest.approx(0.30, abs=0.1)
    assert shares[(255, 255, 0)] == pytest.approx(0.36, abs=0.1)
    assert all((one.mask == (one.pixels > 0).any(axis=2)).all() for one in drawn)


def test_a_jpeg_changes_pixels_beyond_the_mask_which_the_mask_does_not_follow() -> None:
    clean, lesion, sector = scene()
    drawn = annotate(clean, lesion, sector, np.random.default_rng(3))
    stored = recompress(drawn.pixels, 80)
    assert stored.shape == clean.shape and stored.dtype == np.uint8
    touched = (np.abs(stored.astype(int) - clean) > 2).any(axis=2)
    assert (touched & ~drawn.mask).sum() > 0


def test_an_unknown_preset_is_refused() -> None:
    clean, lesion, sector = scene()
    with pytest.raises(SettingError, match="choose broad, thesis, depth ticks"):
        annotate(clean, lesion, sector, np.random.default_rng(0), "wide")


def test_flow_is_coloured_and_stays_in_the_sector() -> None:
    clean, _, sector = scene()
    drawn = [draw_flow(clean, sector, np.random.default_rng(seed)) for seed in range(8)]
    changed = [(one != clean).any(axis=2) for one in drawn]
    assert all(where.any() and not (where & ~sector).any() and where.mean() < 0.1 for where in changed)
    spread = [np.ptp(one.astype(int), axis=2)[where] for one, where in zip(drawn, changed, strict=True)]
    assert all(np.median(colour) > 60 for colour in spread)


def test_flow_has_colours_of_velocity_or_of_power() -> None:
    clean, _, sector = scene()
    away = []
    for seed in range(16):
        drawn = draw_flow(clean, sector, np.random.default_rng(seed)).astype(int)
        red, _, blue = np.moveaxis(drawn[(drawn != clean).any(axis=2)], 1, 0)
        away.append(bool((blue > red + 60).any()))
    assert any(away) and not all(away)
