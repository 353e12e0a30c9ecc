"""The echo obeys physics: Rayleigh speckle, shadow, enhancement, a beam that widens with depth."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scanside.image import Size
from scanside.phantom.echo import Console, Medium, compress_echo, compute_envelope
from scanside.phantom.probe import LINES, SAMPLES, ConvexProbe, lay_out_sector

PROBE = ConvexProbe(1.0, 1.1, 8.0, 6.0, 1.4)
CONSOLE = Console(35.0, 60.0, -120.0, 0.5, 1.2, 0.5)


def uniform() -> Medium:
    shape = (SAMPLES, LINES)
    return Medium(np.zeros(shape, np.float32), np.full(shape, 0.5, np.float32))


def heard(medium: Medium, console: Console = CONSOLE, seed: int = 0) -> NDArray[np.float32]:
    return compute_envelope(medium, PROBE, console, np.random.default_rng(seed))


def level_db(part: NDArray[np.float32]) -> float:
    return float(10 * np.log10((part**2).mean()))


def test_uniform_tissue_gives_rayleigh_speckle() -> None:
    """Rayleigh: mean / standard deviation is sqrt(pi / (4 - pi)) = 1.913; common tissue has power 1."""
    middle = np.concatenate([heard(uniform(), seed=seed)[150:480, 40:-40] for seed in range(3)])
    assert middle.mean() / middle.std() == pytest.approx(1.913, abs=0.06)
    assert level_db(middle) == pytest.approx(0.0, abs=0.4)


def test_behind_fluid_it_is_brighter_and_behind_calcium_dark() -> None:
    medium = uniform()
    medium.echo_db[150:250, 60:90] = -60
    medium.attenuation[150:250, 60:90] = 0
    medium.attenuation[200:210, 130:150] = 9
    echo = heard(medium)
    beside = level_db(echo[300:400, 100:120])
    # 100 samples of 8 cm / 512 at 6 MHz: 2 x 6 x 1.5625 x 0.5 dB that fluid doesn't take away.
    assert level_db(echo[300:400, 65:85]) - beside == pytest.approx(9.4, abs=1.5)
    # 10 samples of 8.5 dB / (cm MHz) more: 15.9 dB.
    assert level_db(echo[300:400, 135:145]) - beside == pytest.approx(-15.9, abs=2.0)
    assert level_db(echo[190:230, 70:80]) < -25


def test_speckle_is_wider_deep_down() -> None:
    def width(rows: slice, radius_cm: float) -> float:
        part = heard(uniform())[rows]
        part = part - part.mean()
        next_to = (part[:, 1:] * part[:, :-1]).mean() / (part**2).mean()
        return float(next_to) * radius_cm  # more alike, and its lines lie farther apart

    assert width(np.s_[440:500], 8.3) > 2 * width(np.s_[60:120], 2.4)


def test_the_receiver_is_loud_where_the_gain_is_high() -> None:
    quiet = Medium(np.full((SAMPLES, LINES), -90, np.float32), uniform().attenuation)
    echo = heard(quiet, replace(CONSOLE, noise_db=-60.0))
    assert level_db(echo[450:]) - level_db(echo[230:260]) > 15


def test_compression_is_logarithmic() -> None:
    console = replace(CONSOLE, contrast=1.0, smoothing=0.0)
    grey = compress_echo(
        np.array([[1e-9, 10 ** (-35 / 20), 10 ** (-5 / 20), 10 ** (25 / 20), 1e3]], np.float32), console
    )
    assert grey[0] == pytest.approx([0, 0, 127.5, 255, 255], abs=0.1)


@pytest.mark.parametrize("size", [Size(240, 320), Size(480, 640)], ids=str)
@pytest.mark.parametrize("probe", [PROBE, ConvexProbe(5.0, 0.55, 14.0, 3.5, 2.0)])
def test_scan_conversion_keeps_places(probe: ConvexProbe, size: Size) -> None:
    """What lies at a place in the body lies at the same place, to scale, on the screen."""
    screen = lay_out_sector(probe, size)
    x, z = probe.points(SAMPLES)
    across, down = screen.convert(x), screen.convert(z)
    rows, columns = np.nonzero(screen.sector)
    middle = (size.width - 1) / 2
    assert np.abs(across[rows, columns] * screen.px_per_cm - (columns - middle)).max() < 1.0
    offsets = rows - down[rows, columns] * screen.px_per_cm
    assert np.ptp(offsets) < 1.0
    assert 0.2 < screen.sector.mean() < 0.8
    assert not screen.convert(np.ones_like(x))[~screen.sector].any()
