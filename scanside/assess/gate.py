"""Out-of-distribution gate: is a scan like what the model was trained on?

The distance is Mahalanobis's, between the features that a network gives for a scan and those of the
training images (Lee et al., NeurIPS 2018), in the whitened space that the bundle brings.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scanside.errors import BundleError, RunnerError

UNLIKE = "unlike the training data"  # how a reason of the gate begins
Floats = NDArray[np.float32]


class Reference:
    """Where the training data lie in the encoder's features.

    Args:
        arrays: `mean` (D,), `whitening` (D, K): features less the mean, times whitening, have unit
            covariance over the training images.

    Raises:
        BundleError: an array is missing, does not fit, or would tell nothing of a scan.
    """

    def __init__(self, arrays: Mapping[str, Floats]) -> None:
        try:
            self._mean, self._whitening = arrays["mean"], arrays["whitening"]
        except KeyError as error:
            raise BundleError(f"the bundle's reference has no array {error}. Export it again.") from error
        if self._whitening.ndim != 2 or self._mean.shape != self._whitening.shape[:1]:
            raise BundleError("the bundle's reference arrays do not fit each other. Export it again.")
        finite = np.isfinite(self._mean).all() and np.isfinite(self._whitening).all()
        if not (finite and self._whitening.size and self._whitening.any(axis=0).all()):
            raise BundleError(
                "the bundle's reference must be finite, and no column of its whitening zero; a gate of these "
                "would tell nothing. Export it again."
            )

    def distance(self, features: Floats) -> float:
        """Root mean square of the whitened features (D,): about 1 for a training image.

        Raises:
            RunnerError: there are not D of them.
        """
        if features.shape != self._mean.shape:
            raise RunnerError(
                f"the network gave features of shape {features.shape}, the bundle's reference has "
                f"{self._mean.shape}. Export the bundle again."
            )
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not near
            white = (features - self._mean) @ self._whitening
            return float(np.sqrt(np.mean(white**2)))
