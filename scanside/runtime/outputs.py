"""What a network gives is looked at before anything hangs on it."""

from collections.abc import Mapping

import numpy as np

from scanside.errors import RunnerError
from scanside.runtime.protocol import Arrays


def check_range(outputs: Arrays, shapes: Mapping[str, tuple[int, ...]], who: str) -> None:
    """Refuse what can't be from 0 to 1.

    Args:
        shapes: of each output that has to be there.
        who: gave them, for the message: "the network".

    Raises:
        RunnerError: an output is missing, of another shape, not finite or outside [0, 1].
    """
    for name, shape in shapes.items():
        values = outputs.get(name)
        if values is None or values.shape != shape:
            got = "nothing" if values is None else f"shape {values.shape}"
            raise RunnerError(f"{who} gave {got} as {name}, not shape {shape}.")
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1 + 1e-5):
            raise RunnerError(f"{who}'s {name} has values outside 0 to 1.")
