"""How much a network's word changes when a scan is shown otherwise: brighter, compressed, cropped."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from scanside.image import Grey, Mask
from trainer.data.mmotu import PreparedScans
from trainer.default_model.outputs import Outputs, run_network
from trainer.statistics.operating_point import choose_at_sensitivity

SENSITIVITY = 0.8  # of the threshold at which decisions are compared
Change = Callable[[Grey], Grey]


def _make_gain(factor: float) -> Change:
    return lambda scan: np.minimum(scan * factor, 255).astype(np.uint8)


def _make_gamma(exponent: float) -> Change:
    table = np.rint(255 * np.linspace(0, 1, 256) ** exponent).astype(np.uint8)
    return lambda scan: np.asarray(cv2.LUT(scan, table), np.uint8)


def _make_zoom(factor: float) -> Change:
    """Make a zoom about the centre; what lies outside is black."""

    def zoom(scan: Grey) -> Grey:
        height, width = scan.shape
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, factor)
        flags = cv2.INTER_NEAREST if scan.max(initial=0) <= 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.warpAffine(scan, matrix, (width, height), flags=flags), np.uint8)

    return zoom


def _make_jpeg(quality: int) -> Change:
    def store(scan: Grey) -> Grey:
        _, stored = cv2.imencode(".jpg", scan, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)

    return store


def _mirror(scan: Grey) -> Grey:
    return np.ascontiguousarray(scan[:, ::-1])


# (what is done to the scan, what to its mask)
CHANGES: Mapping[str, tuple[Change, Change | None]] = {
    "mirrored": (_mirror, _mirror),
    "gain 1.3": (_make_gain(1.3), None),
    "gain 1 / 1.3": (_make_gain(1 / 1.3), None),
    "gamma 1.4": (_make_gamma(1.4), None),
    "gamma 1 / 1.4": (_make_gamma(1 / 1.4), None),
    "JPEG of quality 40": (_make_jpeg(40), None),
    "cropped by 8 %": (_make_zoom(1 / 0.92), _make_zoom(1 / 0.92)),
    "in a border of 10 %": (_make_zoom(0.9), _make_zoom(0.9)),
}


def measure_stress(
    network: nn.Module, held: PreparedScans, plain: Outputs, prior: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """Measure what each change does to what the network says.

    Args:
        plain: of `network` on `held` as it is, `prior` taken off its logits.
        prior: (classes,), what class weights added to the logits.

    Returns:
        decisions: share of scans that change sides of the threshold with a sensitivity of SENSITIVITY on the
        plain scans; classes: share whose likeliest class changes; iou: by how much the mean IoU falls.
    """
    threshold = choose_at_sensitivity(plain.malignant, plain.risk, SENSITIVITY).threshold
    result = {}
    for name, (change, of_mask) in CHANGES.items():
        masks = _change_each(held.masks.astype(np.uint8), of_mask) if of_mask else held.masks
        changed = replace(held, scans=_change_each(held.scans, change), masks=masks.astype(bool))
        outputs = run_network(network, changed, name)
        outputs = replace(outputs, logits=outputs.logits - prior)
        result[name] = {
            "decisions": float(np.mean((outputs.risk >= threshold) != (plain.risk >= threshold))),
            "classes": float(np.mean(outputs.logits.argmax(1) != plain.logits.argmax(1))),
            "iou": float(plain.iou.mean() - outputs.iou.mean()),
        }
    return result


def _change_each(scans: NDArray[np.uint8] | Mask, change: Change) -> NDArray[np.uint8]:
    return np.stack([change(np.asarray(scan, np.uint8)) for scan in scans])
