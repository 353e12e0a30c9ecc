"""How hard is a synthetic cohort? A small network on its images alone, by patient, two-fold.

python -m benchmarks.cohort_difficulty COHORT [--clean]    --clean: the slides without annotations
"""

import argparse
import csv
from pathlib import Path
from statistics import NormalDist

import cv2
import numpy as np
import torch
from torch import nn

from scanside.image import Size
from scanside.scan.prepare import fill
from trainer.data.hospital import Cohort, read_dataset
from trainer.statistics.bootstrap import estimate
from trainer.statistics.figures import make_auc_figure

SIZE, EPOCHS, BATCH, SEED = Size(64, 104), 14, 32, 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--clean", action="store_true")
    words = parser.parse_args()
    cohort = read_dataset(words.cohort)
    images = read_images(cohort, words.clean)
    labels = torch.tensor([float(slide.malignant) for slide in cohort.slides])
    patients = np.array([slide.patient for slide in cohort.slides])
    # Folds 0 to 4 and the test part: six parts without a common patient, dealt to two halves.
    part = {patient.name: patient.fold for patient in cohort.patients}
    half = np.array([part[name] in (-1, 0, 1) for name in patients])
    risk = np.zeros(len(labels))
    for test in (half, ~half):
        risk[test] = predict(images[~test], labels[~test], images[test])
    auc = estimate(make_auc_figure(labels.numpy() > 0, risk, patients))
    separation = float(cohort.about["preparation"]["separation"])
    bound = NormalDist().cdf(separation / 2**0.5)
    which = "clean" if words.clean else "annotated"
    print(f"{which}: AUC {auc} slides of {len(set(patients))} patients; of suspicion itself {bound:.3f}")


def read_images(cohort: Cohort, clean: bool) -> torch.Tensor:
    with (cohort.root / "annotations.csv").open() as file:
        paths = {row["slide"]: row["clean"] for row in csv.DictReader(file)}
    shown = [paths[slide.name] if clean else slide.image for slide in cohort.slides]
    grey = [cv2.imread(str(cohort.root / path), cv2.IMREAD_GRAYSCALE) for path in shown]
    return torch.from_numpy(np.stack([fill(picture, SIZE) for picture in grey]))[:, None]


def predict(train: torch.Tensor, labels: torch.Tensor, test: torch.Tensor) -> np.ndarray:
    torch.manual_seed(SEED)
    layers: list[nn.Module] = []
    for before, after in ((1, 16), (16, 32), (32, 64), (64, 96)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 1)]
    network = nn.Sequential(*layers)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    steps = EPOCHS * (len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    loss = nn.BCEWithLogitsLoss()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(train))[: len(train) // BATCH * BATCH].split(BATCH):
            views = train[rows]
            views = views.flip(3) if torch.rand(()) < 0.5 else views
            views = views * (0.8 + 0.4 * torch.rand(BATCH, 1, 1, 1))
            optimiser.zero_grad()
            loss(network(views)[:, 0], labels[rows]).backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        return torch.cat([network(some)[:, 0] for some in test.split(128)]).numpy()


if __name__ == "__main__":
    main()
