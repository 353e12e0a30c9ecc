"""What every runtime offers: named float32 arrays in, named float32 arrays out."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]


class Runner(Protocol):
    """One network, loaded and ready."""

    @property
    def name(self) -> str:
        """Runtime, version and device, as shown to people: "ONNX Runtime 1.23.2, CPU"."""
        ...

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Raises:
            RunnerError: names or shapes do not fit the network, or the runtime failed.
        """
        ...
