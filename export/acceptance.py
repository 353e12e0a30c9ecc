"""Is the network in another precision still the same network? Measured on held-out scans, against FP32."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanside.assess.assessor import MIN_LESION_SHARE, check_outputs
from scanside.assess.gate import Reference
from scanside.errors import InputError
from scanside.model.bundle import Manifest
from scanside.runtime.protocol import Runner
from trainer.statistics.figures import make_auc_figure

_CONTINUOUS = ("risk_max", "risk_p99", "iou_loss", "distance_p99")

Numbers = NDArray[np.float64]

_NEAR_THRESHOLD = 0.02  # of risk: an image this close to the threshold may fall on either side
_NEAR_GATE = 0.05  # of the gate's limit, likewise


@dataclass(frozen=True)
class Scans:
    """Labelled scans, as a network gets them.

    Attributes:
        name: which they are, for people.
        fingerprint: SHA-256 of their source files.
        scans: (N, H, W) uint8.
        masks: (N, H, W) bool, the lesion.
        malignant: (N,) bool.
    """

    name: str
    fingerprint: str
    scans: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    malignant: NDArray[np.bool_]

    def inputs(self, index: int) -> dict[str, NDArray[np.float32]]:
        """One scan as the network's input; scans with clinical facts are not had."""
        return {"scan": self.scans[index][None, None] / np.float32(255)}


@dataclass(frozen=True)
class Behaviour:
    """What a network makes of scans, one value each.

    Attributes:
        risk: 0 to 1.
        iou: of the lesion with its mask; NaN where both are empty.
        distance: of the out-of-distribution gate.
        scored: whether the edge would give a risk.
    """

    risk: Numbers
    iou: Numbers
    distance: Numbers
    scored: NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """What a precision may change at most; docs/runtimes.md explains each.

    Attributes:
        risk_max, risk_p99: difference of risk, largest and at the 99th percentile.
        iou_loss, auc_loss: mean IoU and AUC, less than FP32's.
        flips_beyond: images whose call changes though FP32's risk is more than .02 from the threshold.
        scored_flips: share of images that one precision scores and the other does not, less those whose
            distance in FP32 is within 5 % of the gate's limit.
        distance_p99: difference of distance, as a share of the gate's limit.
    """

    risk_max: float
    risk_p99: float
    iou_loss: float = 0.01
    auc_loss: float = 0.005
    flips_beyond: float = 0
    scored_flips: float = 0.01
    distance_p99: float = 0.05


LIMITS = {"float16": Limits(0.005, 0.005), "int8": Limits(1.0, 0.02)}


@dataclass(frozen=True)
class Report:
    """What was measured; the limits stand beside it.

    Attributes:
        figures: by the names of Limits.
        also: what else a person wants to see, not judged.
    """

    precision: str
    measured_on: str
    fingerprint: str
    images: int
    figures: dict[str, float]
    also: dict[str, float]

    @property
    def beyond(self) -> list[str]:
        """Names of the figures that are above their limit, or no number."""
        limits = asdict(LIMITS[self.precision])
        return [name for name, value in self.figures.items() if not value <= limits[name]]

    @property
    def hurt(self) -> float:
        """How far the worst figure is on its way to its limit; above 1 it is beyond.

        Of the figures that few scans tell: a single pair that changes places moves an AUC of 50 by .003.
        """
        limits = asdict(LIMITS[self.precision])
        return max(float(self.figures[n] / limits[n]) for n in _CONTINUOUS if n in self.figures)

    def document(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return {**asdict(self), "limits": asdict(LIMITS[self.precision]), "passed": not self.beyond}


def observe(runner: Runner, scans: Scans, manifest: Manifest, reference: Reference) -> Behaviour:
    """Run the network on every scan, one at a time, as the edge does.

    Raises:
        RunnerError: an output is no probability.
    """
    rows = []
    malignant = [index for index, c in enumerate(manifest.classes) if c.malignant]
    for index, mask in enumerate(scans.masks):
        outputs = runner.run(scans.inputs(index))
        check_outputs(outputs, manifest, 1)
        lesion = outputs["lesion_probability"][0] > 0.5
        union = np.count_nonzero(lesion | mask)
        distance = reference.distance(outputs["features"][0])
        rows.append(
            (
                outputs["class_probability"][0, malignant].sum(),
                np.count_nonzero(lesion & mask) / union if union else np.nan,
                distance,
                distance <= manifest.max_distance and lesion.mean() >= MIN_LESION_SHARE,
            )
        )
    risk, iou, distances, scored = (np.array(column) for column in zip(*rows, strict=True))
    return Behaviour(risk.astype(float), iou, distances, scored.astype(bool))


def compare(exact: Behaviour, other: Behaviour, scans: Scans, manifest: Manifest, precision: str) -> Report:
    """The report on `other`, of `precision`, against `exact`.

    Raises:
        InputError: the scans are not of both kinds, so that there is no AUC.
    """
    if scans.malignant.all() or not scans.malignant.any():
        raise InputError(f"{scans.name}: malignant and benign scans are needed to compare precisions.")
    risk = np.abs(exact.risk - other.risk)
    flipped = (exact.risk >= manifest.threshold) != (other.risk >= manifest.threshold)
    near = np.abs(exact.risk - manifest.threshold) <= _NEAR_THRESHOLD
    regated = exact.scored != other.scored
    at_gate = np.abs(exact.distance / manifest.max_distance - 1) <= _NEAR_GATE
    distance = np.abs(exact.distance - other.distance) / manifest.max_distance
    iou_exact, iou_other = (float(np.nanmean(b.iou)) for b in (exact, other))
    auc_exact, auc_other = (
        float(make_auc_figure(scans.malignant, b.risk).by_seed[0]) for b in (exact, other)
    )
    return Report(
        precision=precision,
        measured_on=scans.name,
        fingerprint=scans.fingerprint,
        images=len(scans.scans),
        figures={
            "risk_max": float(risk.max()),
            "risk_p99": float(np.percentile(risk, 99)),
            "iou_loss": iou_exact - iou_other,
            "auc_loss": auc_exact - auc_other,
            "flips_beyond": float(np.count_nonzero(flipped & ~near)),
            "scored_flips": float((regated & ~at_gate).mean()),
            "distance_p99": float(np.percentile(distance, 99)),
        },
        also={
            "all_flips": float(np.count_nonzero(flipped)),
            "all_scored_flips": float(np.count_nonzero(regated)),
            "iou_float32": iou_exact,
            "iou": iou_other,
            "auc_float32": auc_exact,
            "auc": auc_other,
            "scored_float32": float(exact.scored.mean()),
            "scored": float(other.scored.mean()),
        },
    )
