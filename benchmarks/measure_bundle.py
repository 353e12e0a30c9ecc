"""Measure the default bundle again, with its weights as they are: after a change of the preparation.

    python -m benchmarks.measure_bundle MMOTU [--bundle FOLDER] [--write]

Threshold, reference of the gate, its limit and every figure come from the same images, by the same rules, as
in `trainer run default-model`; the networks run as beside the scanner, in ONNX Runtime. With --write they
replace what the bundle says of itself, with its model card. Weights, temperature, golden cases and figures
of the denoiser stay.
"""

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from export.bundle import carried_denoiser, write_bundle
from export.model_card import model_card
from scanside.assess.denoise import denoiser_of
from scanside.errors import SettingError
from scanside.model.bundle import DEFAULT_BUNDLE, GOLDEN, NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Runner
from trainer.data import mmotu
from trainer.data.mmotu import PreparedScans
from trainer.data.prepared_record import compute_prepared_fingerprint
from trainer.default_model.outputs import Outputs, compute_figures
from trainer.default_model.train import DefaultModelRecipe, choose_parts, fit_reference, measure_distances
from trainer.terminal.progress import track
from trainer.training.metrics import compute_iou

PREPARATION = (
    "The weights were trained on scans as an earlier version prepared them; calibration, denoiser and FP16 "
    "were measured on such. Threshold, gate and figures are of the prepared set "
)

AGAIN = "measured again, with the weights unchanged"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, metavar="MMOTU", help="a copy of the 2D set")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="folder (the default bundle)")
    parser.add_argument("--write", action="store_true", help="write what was measured into the bundle")
    args = parser.parse_args()
    bundle, recipe = load_bundle(args.bundle), DefaultModelRecipe()
    if bundle.manifest.input_size != recipe.size:
        raise SettingError(f"{args.bundle} is not of the default model's input size. Name another bundle.")
    document, reference = measure(bundle, args.data, recipe)
    _show(bundle.manifest.document, document)
    if args.write:
        part = carried_denoiser(bundle)
        write_bundle(
            args.bundle,
            {key: value for key, value in document.items() if key not in ("schema", "files", "denoiser")},
            network=bundle.files[NETWORK],
            golden=bundle.arrays(GOLDEN),
            reference={name: array.astype(np.float32) for name, array in reference.items()},
            model_card=model_card(document),
            denoiser=part and replace(part, document=document["denoiser"]),
        )
    return 0


def measure(
    bundle: Bundle, data: Path, recipe: DefaultModelRecipe
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The manifest as it ought to be, and the gate's reference."""
    runner, denoiser = OnnxRuntime(bundle.files[NETWORK]), denoiser_of(bundle)
    scans, outputs = {}, {}
    for name, entries in choose_parts(recipe).items():
        scans[name] = mmotu.prepare_scans(data, entries, recipe.size, f"{name} images", denoiser=denoiser)
        outputs[name] = run_bundle(runner, scans[name], name)
    held_out, test = outputs["development"], outputs["test"]
    threshold = float(np.quantile(held_out.risk[~held_out.malignant], recipe.specificity))
    reference = fit_reference(outputs["train"], recipe.reference_variance)
    limit = float(np.quantile(measure_distances(held_out.features, reference), recipe.inlier_share))
    passed = (measure_distances(test.features, reference) <= limit) & ~np.isnan(scans["test"].removed)
    document = dict(bundle.manifest.document)
    document["training"] = {
        **document["training"],
        "preparation": PREPARATION + f"{compute_prepared_fingerprint()[:16]}.",
    }
    document["threshold"] = {**document["threshold"], "risk": threshold}
    document["reference"] = {
        **document["reference"],
        "max_distance": limit,
        "accepted_on_test": float(passed.mean()),
    }
    document["performance"] = {
        **document["performance"],
        "measured_on": document["performance"]["measured_on"].rsplit(";", 1)[0] + "; " + AGAIN,
        **{name: asdict(estimate) for name, estimate in compute_figures(test, threshold).items()},
    }
    if denoiser is not None:
        document["denoiser"] = {**document["denoiser"], "found": _found(scans)}
    return document, reference


def run_bundle(runner: Runner, data: PreparedScans, what: str) -> Outputs:
    """What the bundle's network gives on prepared scans, one at a time as beside the scanner."""
    rows = []
    for scan, mask in track(tuple(zip(data.scans, data.masks, strict=True)), f"evaluating on {what}"):
        found = runner.run({"scan": scan[None, None] / np.float32(255)})
        lesion = torch.from_numpy(found["lesion_probability"][0] > 0.5)[None, None]
        overlap = compute_iou(lesion, torch.from_numpy(mask)[None, None])
        logits = np.log(np.maximum(found["class_probability"][0].astype(np.float64), 1e-30))
        rows.append((logits, found["features"][0].astype(np.float64), float(overlap[0])))
    logits, features, overlaps = (np.array(column) for column in zip(*rows, strict=True))
    return Outputs(logits, features, overlaps, data.labels)


def _found(scans: dict[str, PreparedScans]) -> dict[str, dict[str, int]]:
    names = {"train": "training", "development": "development", "test": "test"}
    return {
        names[part]: {
            "images": len(prepared.entries),
            "annotated": int(np.count_nonzero(np.nan_to_num(prepared.removed, nan=1.0))),
            "not_believed": int(np.isnan(prepared.removed).sum()),
        }
        for part, prepared in scans.items()
    }


def _show(before: Any, after: Any) -> None:
    table = Table("", "stated", "measured")
    rows = [(("threshold", "risk")), ("reference", "max_distance"), ("reference", "accepted_on_test")]
    for part, name in rows:
        table.add_row(name, f"{before[part][name]:.4f}", f"{after[part][name]:.4f}")
    for name, figure in after["performance"].items():
        if isinstance(figure, dict):
            was = before["performance"][name]
            table.add_row(
                name, *(f"{f['value']:.3f} [{f['low']:.3f}, {f['high']:.3f}]" for f in (was, figure))
            )
    Console().print(table)
    Console().print(after.get("denoiser", {}).get("found"))


if __name__ == "__main__":
    sys.exit(main())
