"""A precision is let in by what it changes, figure by figure; layers that hurt stay in FP32."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: export's tests need scanside-export[convert]")

from export.acceptance import Behaviour, Report, Scans, compare
from export.search import nodes_to_keep
from scanside.errors import InputError, RunnerError
from scanside.model.bundle import DEFAULT_BUNDLE, Manifest, load_bundle

N = 200
THRESHOLD = 0.3


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return replace(load_bundle(DEFAULT_BUNDLE).manifest, threshold=THRESHOLD, max_distance=2.0)


SCANS = Scans(
    "200 scans", "", np.zeros((N, 1, 1), np.uint8), np.zeros((N, 1, 1), bool), np.arange(N) % 4 == 0
)
EXACT = Behaviour(
    risk=np.where(SCANS.malignant, 0.8, 0.1),
    iou=np.full(N, 0.7),
    distance=np.full(N, 1.0),
    scored=np.ones(N, bool),
)


def at(values: np.ndarray, rows: object, to: float) -> np.ndarray:
    changed = values.copy()
    changed[rows] = to
    return changed


@pytest.mark.parametrize(
    ("other", "precision", "beyond"),
    [
        (EXACT, "int8", []),
        (replace(EXACT, risk=EXACT.risk + 0.019), "int8", []),
        (replace(EXACT, risk=EXACT.risk + 0.021), "int8", ["risk_p99"]),
        (replace(EXACT, risk=at(EXACT.risk, 1, 0.2)), "int8", []),  # one of 200: below p99
        (replace(EXACT, risk=EXACT.risk + 0.004), "float16", []),
        (replace(EXACT, risk=at(EXACT.risk, 1, 0.106)), "float16", ["risk_max"]),
        (replace(EXACT, iou=EXACT.iou - 0.009), "int8", []),
        (replace(EXACT, iou=EXACT.iou - 0.011), "int8", ["iou_loss"]),
        (replace(EXACT, iou=EXACT.iou + 0.1), "int8", []),
        (replace(EXACT, risk=at(EXACT.risk, 1, 0.31)), "int8", ["flips_beyond"]),
        (replace(EXACT, risk=at(EXACT.risk, slice(0, 8, 4), 0.05)), "int8", ["auc_loss", "flips_beyond"]),
        (replace(EXACT, distance=EXACT.distance * 1.2), "int8", ["distance_p99"]),
        (replace(EXACT, scored=at(EXACT.scored, slice(0, 3), False)), "int8", ["scored_flips"]),
        (replace(EXACT, risk=at(EXACT.risk, 0, np.nan)), "int8", ["risk_max", "risk_p99"]),
    ],
)
def test_each_figure_beyond_its_limit(
    other: Behaviour, precision: str, beyond: list[str], manifest: Manifest
) -> None:
    report = compare(EXACT, other, SCANS, manifest, precision)
    found = [name for name in report.beyond if name != "auc_loss" or "auc_loss" in beyond]
    assert set(beyond) <= set(found)
    assert report.document()["passed"] is not bool(report.beyond)
    if not beyond:
        assert report.beyond == []


def test_near_the_threshold_and_near_the_gate_a_flip_is_allowed(manifest: Manifest) -> None:
    exact = replace(EXACT, risk=at(EXACT.risk, 1, 0.295), distance=at(EXACT.distance, slice(0, 5), 1.95))
    other = replace(exact, risk=at(exact.risk, 1, 0.305), scored=at(exact.scored, slice(0, 5), False))
    report = compare(exact, other, SCANS, manifest, "int8")
    assert report.beyond == []
    assert report.also["all_flips"] == 1 and report.also["all_scored_flips"] == 5


def test_scans_of_one_kind_judge_nothing(manifest: Manifest) -> None:
    with pytest.raises(InputError, match="malignant and benign"):
        compare(EXACT, EXACT, replace(SCANS, malignant=np.zeros(N, bool)), manifest, "int8")


class Network:
    """Three of ten layers hurt; a report is beyond its limits while two of them are quantised."""

    layers = tuple((f"conv{i}", f"act{i}") for i in range(10))
    hurting = frozenset({"conv2", "conv5", "conv7"})

    def report(self, keep: Collection[str], tolerated: int = 1) -> Report:
        hurting = self.hurting - set(keep)
        value = 0.03 if len(hurting) > tolerated else 0.01 * len(hurting)
        return Report("int8", "", "", 1, {"risk_p99": value}, {})


def test_layers_that_hurt_stay_and_no_more_than_needed() -> None:
    network = Network()
    kept = nodes_to_keep(network.layers, network.report, network.report)
    assert len(set(kept) & network.hurting) >= 2
    assert len(kept) <= 2 * 3


def test_nothing_is_kept_where_nothing_hurts() -> None:
    network = Network()
    network.hurting = frozenset()
    assert nodes_to_keep(network.layers, network.report, network.report) == ()


def test_a_network_that_int8_ruins_is_refused() -> None:
    network = Network()
    with pytest.raises(RunnerError, match="too much even with 75% of its layers"):
        nodes_to_keep(network.layers, lambda _: network.report(()), network.report)
