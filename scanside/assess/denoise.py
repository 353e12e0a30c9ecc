"""Burned-in annotations (text, calipers, arrows) taken out of a scan before a network sees it.

A denoiser finds the annotated pixels and says what lies under them. Only those pixels change: what is tissue
stays as the machine stored it, bit for bit (docs/bundle.md, "The denoiser").
"""

from dataclasses import dataclass, replace

import numpy as np

from scanside.errors import UnlikeTraining
from scanside.flags import Flag
from scanside.image import Mask
from scanside.model.bundle import DENOISER, Bundle
from scanside.model.manifest import DenoiserLimits
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.outputs import check_range
from scanside.runtime.protocol import Runner
from scanside.scan.types import Scan


@dataclass(frozen=True)
class Denoised:
    """A scan without its annotations.

    Attributes:
        scan: what the network gets; the very scan that was given where nothing was found in it.
        mask: (H, W) bool, pixels of the network's input: what was replaced.
    """

    scan: Scan
    mask: Mask

    @property
    def share(self) -> float:
        """Share of the network's input that was replaced."""
        return float(self.mask.mean())


class Denoiser:
    """Removes annotations.

    Args:
        runner: the denoiser's graph: `scan` and `chroma` (N, 1, H, W) in, `annotation_probability` and
            `clean` (N, H, W) out, all of them from 0 to 1.
        limits: when it is believed, and when it is not.
    """

    def __init__(self, runner: Runner, limits: DenoiserLimits) -> None:
        self.runner, self.limits = runner, limits

    def remove(self, scan: Scan) -> Denoised:
        """Replace the annotated pixels of `scan`.

        Args:
            scan: prepared with `chroma`; without one it is taken for a grey scan.

        Raises:
            UnlikeTraining: more would be replaced than ever was when the denoiser was measured.
            RunnerError: the runtime failed, or returned something that is no probability or no scan.
        """
        chroma = np.zeros_like(scan.pixels) if scan.chroma is None else scan.chroma
        outputs = self.runner.run({"scan": scan.pixels[None, None], "chroma": chroma[None, None]})
        shape = (1, *scan.pixels.shape)
        check_range(outputs, {"annotation_probability": shape, "clean": shape}, "the denoiser")
        mask = np.asarray(outputs["annotation_probability"][0] > self.limits.threshold, bool)
        if np.count_nonzero(mask) < self.limits.min_pixels:
            return Denoised(scan, np.zeros_like(mask))
        if mask.mean() > self.limits.max_share:
            raise UnlikeTraining(
                f"unlike the training data: {mask.mean():.1%} of the scan looks like text or marks, "
                f"limit {self.limits.max_share:.0%}"
            )
        # In 256 greys as every scan: datasets keep no others, and the edge must show the network the same.
        clean = np.rint(outputs["clean"][0] * 255).clip(0, 255).astype(np.uint8) / np.float32(255)
        pixels = np.where(mask, clean, scan.pixels)
        return Denoised(replace(scan, pixels=pixels, flags=scan.flags | {Flag.ANNOTATIONS}), mask)


def denoiser_of(bundle: Bundle, runner: Runner | None = None) -> Denoiser | None:
    """The denoiser that `bundle` carries; None when it has none.

    Args:
        runner: where it runs; ONNX Runtime on the CPU when not given.
    """
    limits = bundle.manifest.denoiser
    if limits is None:
        return None
    return Denoiser(runner or OnnxRuntime(bundle.files[DENOISER], what="the denoiser"), limits)
