"""Tissue -> the echo that a probe hears: scatterers, pulse and beam, attenuation, envelope, log compression.

Many scatterers lie in each sample, at random distances. After demodulation each adds exp(2 i k z), k the
carrier's wave number and z its distance; their sum is a complex Gaussian number whose variance is the
tissue's echogenicity. Convolved with the pulse's envelope and the beam it is fully developed speckle:
Rayleigh, mean to standard deviation 1.91 (Wagner et al., IEEE Trans. Sonics Ultrason. 30, 1983).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.phantom.probe import LINES, SAMPLES, ConvexProbe
from scanside.phantom.speckle import Plane

_SOUND_CM_PER_US = 0.154
_CYCLES = 2.2  # of the pulse, full width at half maximum
_BANDS = 16  # in which the beam's width is constant
_SIDE_LOBES_DB = -38.0
_REVERBERATION_DB, _REVERBERATION_DB_PER_CM = 8.0, 40.0


@dataclass(frozen=True)
class Medium:
    """What lies at each sample.

    Attributes:
        echo_db: (SAMPLES, LINES) float32, backscatter relative to common tissue.
        attenuation: (SAMPLES, LINES) float32, dB / (cm MHz), one way; soft tissue about 0.5, fluid 0.
    """

    echo_db: Plane
    attenuation: Plane


@dataclass(frozen=True)
class Console:
    """What the examiner and the machine set.

    Attributes:
        gain_db: added to every echo.
        range_db: between black and white.
        noise_db: of the receiver, relative to common tissue near the probe.
        compensated: dB / (cm MHz) that time gain compensation gives back.
        contrast: exponent of the grey map.
        smoothing: share of a smoothed copy in the picture, as speckle reduction does.
    """

    gain_db: float
    range_db: float
    noise_db: float
    compensated: float
    contrast: float
    smoothing: float


def compute_envelope(medium: Medium, probe: ConvexProbe, console: Console, rng: np.random.Generator) -> Plane:
    """Compute the echo's envelope, (SAMPLES, LINES) float32, 1 (root mean square) for common tissue.

    The gain for depth makes up for common attenuation, so what attenuates less (fluid) enhances all behind it
    and what attenuates more (solid parts, calcium) throws a shadow. It lifts the receiver's noise with depth.
    """
    step = probe.depth_cm / SAMPLES
    excess = medium.attenuation - np.float32(console.compensated)
    lost_db = 2 * probe.frequency_mhz * step * np.cumsum(excess, axis=0, dtype=np.float32)
    power = _convert_to_power(medium.echo_db - lost_db)
    width = cv2.blur(power, (LINES // 6, 9), borderType=cv2.BORDER_REFLECT)
    power += _convert_to_power(np.float32(_SIDE_LOBES_DB)) * width
    power += _convert_to_power(_REVERBERATION_DB - _REVERBERATION_DB_PER_CM * probe.depths_cm)
    scatterers = rng.standard_normal((SAMPLES, LINES, 2), np.float32) * np.sqrt(power / 2)[:, :, None]
    heard = _convolve_beam(_convolve_pulse(scatterers, probe, step), probe)
    gain_db = 2 * probe.frequency_mhz * console.compensated * probe.depths_cm
    noise = np.sqrt(_convert_to_power(console.noise_db + np.minimum(gain_db, 60)) / 2)
    heard += noise[:, :, None] * rng.standard_normal(heard.shape, np.float32)
    return np.asarray(np.hypot(heard[:, :, 0], heard[:, :, 1]), np.float32)


def compress_echo(heard: Plane, console: Console) -> NDArray[np.float32]:
    """Compress an envelope to grey values in [0, 255], float32: `range_db` below white is black."""
    level = (20 * np.log10(np.maximum(heard, 1e-6)) + console.gain_db) / console.range_db
    grey = np.clip(level, 0, 1) ** np.float32(console.contrast) * np.float32(255)
    smooth = cv2.GaussianBlur(grey, (0, 0), sigmaX=1.0, sigmaY=1.6)
    return np.asarray((1 - console.smoothing) * grey + console.smoothing * smooth, np.float32)


def _convert_to_power(db: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.exp(np.asarray(db, np.float32) * np.float32(np.log(10) / 10)), np.float32)


def _convolve_pulse(field: NDArray[np.float32], probe: ConvexProbe, step_cm: float) -> NDArray[np.float32]:
    """Along the beam: there and back, a pulse of n cycles is n half wavelengths long."""
    length_cm = _CYCLES * _SOUND_CM_PER_US / probe.frequency_mhz / 2
    kernel = _make_gaussian(length_cm / step_cm)
    return np.asarray(cv2.sepFilter2D(field, -1, np.ones(1, np.float32), kernel), np.float32)


def _convolve_beam(field: NDArray[np.float32], probe: ConvexProbe) -> NDArray[np.float32]:
    """Across the beam: as wide as wavelength times depth over aperture, at least two wavelengths."""
    wavelength_cm = _SOUND_CM_PER_US / probe.frequency_mhz
    heard = np.empty_like(field)
    for rows in np.array_split(np.arange(SAMPLES), _BANDS):
        depth_cm = (rows.mean() + 0.5) * probe.depth_cm / SAMPLES
        width_cm = wavelength_cm * max(2.0, depth_cm / probe.aperture_cm)
        line_cm = 2 * probe.half_angle * (probe.radius_cm + depth_cm) / LINES
        band = np.s_[rows[0] : rows[-1] + 1]
        kernel = _make_gaussian(width_cm / line_cm)
        heard[band] = cv2.sepFilter2D(field[band], -1, kernel, np.ones(1, np.float32))
    return heard


def _make_gaussian(full_width: float) -> NDArray[np.float32]:
    """Make a kernel that keeps the mean power of white noise; `full_width` at half maximum, samples."""
    sigma = max(full_width / 2.355, 0.3)
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(kernel / np.sqrt((kernel**2).sum()), np.float32)
