"""Distance to the training data."""

import numpy as np
import pytest

from scanside.assess.gate import Reference
from scanside.errors import BundleError, RunnerError


def test_distance_of_training_data_is_about_one() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4)) + 7
    mean = features.mean(axis=0)
    whitening = np.linalg.cholesky(np.linalg.inv(np.cov(features.T)))
    reference = Reference({"mean": mean.astype(np.float32), "whitening": whitening.astype(np.float32)})
    distances = np.array([reference.distance(row.astype(np.float32)) for row in features])
    assert np.sqrt(np.mean(distances**2)) == pytest.approx(1, abs=0.01)
    assert reference.distance(mean.astype(np.float32)) == pytest.approx(0, abs=1e-3)
    assert reference.distance((mean + 100).astype(np.float32)) > 10 * distances.max()


@pytest.mark.parametrize("names", [[], ["mean"], ["whitening"]])
def test_missing_array(names: list[str]) -> None:
    arrays = {"mean": np.zeros(3, np.float32), "whitening": np.eye(3, dtype=np.float32)}
    with pytest.raises(BundleError, match="no array"):
        Reference({name: arrays[name] for name in names})


@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 3, 3)])
def test_arrays_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match="do not fit"):
        Reference({"mean": np.zeros(3, np.float32), "whitening": np.ones(shape, np.float32)})


@pytest.mark.parametrize(
    ("mean", "whitening"),
    [(np.nan, np.ones((3, 2))), (0, np.full((3, 2), np.inf)), (0, np.zeros((3, 2))), (0, np.ones((3, 0)))],
)
def test_arrays_that_tell_no_scan_from_another(mean: float, whitening: np.ndarray) -> None:
    with pytest.raises(BundleError, match="would tell nothing"):
        Reference({"mean": np.full(3, mean, np.float32), "whitening": whitening.astype(np.float32)})


def test_features_of_another_network() -> None:
    reference = Reference({"mean": np.zeros(3, np.float32), "whitening": np.eye(3, dtype=np.float32)})
    with pytest.raises(RunnerError, match="shape"):
        reference.distance(np.zeros(4, np.float32))
