"""Figures of merit by hand."""

import numpy as np
import pytest
import torch

from trainer.default_model.outputs import Outputs, compute_figures
from trainer.training.metrics import compute_iou


def test_iou_of_masks() -> None:
    a, b = torch.zeros(3, 1, 4, 4, dtype=torch.bool), torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    a[0, 0, :2], b[0, 0, 1:3] = True, True
    a[1, 0, 0] = True
    assert compute_iou(a, b).tolist() == pytest.approx([1 / 3, 0, 1])


def test_figures_count_what_they_say() -> None:
    logits = np.zeros((10, 8))
    labels = np.array([7, 7, 7, 0, 0, 0, 0, 1, 1, 1])
    logits[np.arange(10), [7, 7, 0, 0, 0, 0, 7, 1, 1, 0]] = 5
    result = compute_figures(Outputs(logits, np.zeros((10, 4)), np.full(10, 0.5), labels), threshold=0.5)
    assert result["sensitivity"].value == pytest.approx(2 / 3)
    assert result["specificity"].value == pytest.approx(6 / 7)
    assert result["accuracy_8_classes"].value == pytest.approx(0.7)
    assert result["iou"].value == 0.5
    assert [e.n for e in result.values()] == [10, 3, 7, 10, 10]
