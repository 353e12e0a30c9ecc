"""What a lesion on both sides of a cut is worth: the shipped bundle on scans it did not train on.

    python -m benchmarks.lesion_leak MMOTU_DIR

The bundle of version 0.1.0 was trained on folds 1 to 4 of MMOTU's official training set. The other scans are
counted apart: those of whose lesion (trainer/data/mmotu_groups.csv) it trained on another scan, and the rest.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from scanside.assess.denoise import denoiser_of
from scanside.model.bundle import DEFAULT_BUNDLE, NETWORK, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from trainer.data.mmotu import MALIGNANT, prepare_scans, read_split
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import make_auc_figure, make_mean_figure
from trainer.terminal.progress import track


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a copy of MMOTU")
    parser.add_argument("--images", type=int, help="only so many, evenly spaced (all)")
    options = parser.parse_args()
    split = read_split()
    trained = [e for e in split if e.part == "train" and e.official_fold != 0]
    lesions, examinations = {e.lesion for e in trained}, {e.examination for e in trained}
    others = [e for e in split if e.part != "train" or e.official_fold == 0]
    if options.images:
        others = [others[i] for i in np.linspace(0, len(others) - 1, options.images).round().astype(int)]
    bundle = load_bundle(DEFAULT_BUNDLE)
    size, denoiser = bundle.manifest.input_size, denoiser_of(bundle)
    scans = prepare_scans(options.data, others, size, "scans that were not trained on", denoiser=denoiser)
    runner = OnnxRuntime(bundle.files[NETWORK])
    risk, right, iou = np.zeros(len(others)), np.zeros(len(others), bool), np.zeros(len(others))
    for row, scan in enumerate(track(scans.scans, "scoring")):
        outputs = runner.run({"scan": scan[None, None].astype(np.float32) / 255})
        classes = outputs["class_probability"][0]
        outlined = outputs["lesion_probability"][0] > 0.5
        risk[row], right[row] = classes[MALIGNANT], classes.argmax() == others[row].label
        iou[row] = (outlined & scans.masks[row]).sum() / max((outlined | scans.masks[row]).sum(), 1)
    groups = np.array([entry.examination for entry in others])
    kinds = {
        "all": np.ones(len(others), bool),
        "its lesion was trained on": np.array([e.lesion in lesions for e in others]),
        "its lesion was not": np.array([e.lesion not in lesions for e in others]),
        "its examination was not": np.array([e.examination not in examinations for e in others]),
    }
    columns = ("scans", "images", "examinations", "accuracy, 8 classes", "IoU", "AUC")
    table = Table(*columns, title=f"{bundle.manifest.name}, {bundle.digest[:12]}")
    malignant = scans.labels == MALIGNANT
    for kind, rows in kinds.items():
        by = groups[rows]
        figures = (make_mean_figure(right[rows], by), make_mean_figure(iou[rows], by))
        cells = [_shown(estimate(figure)) for figure in figures]
        cells.append(_shown(estimate(make_auc_figure(malignant[rows], risk[rows], by))))
        table.add_row(kind, str(rows.sum()), str(_count(by)), *cells)
    Console(width=140).print(table)


def _count(groups: NDArray[np.int64]) -> int:
    return len(np.unique(groups))


def _shown(found: Estimate) -> str:
    if found.reason:
        return f"{found.value:.3f}, {found.reason}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


if __name__ == "__main__":
    main()
