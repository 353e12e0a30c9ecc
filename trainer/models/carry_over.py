"""Weights of one network -> another: those of equal name and shape (thesis, section 3.5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class CarryOver:
    """What was carried over, by name in the state dict.

    Attributes:
        carried: names that both have, with equal shapes.
        reshaped: names that both have, with other shapes: left as they were initialised.
        fresh: names that only the network has: left as they were initialised.
        dropped: names that only the source has.
    """

    carried: tuple[str, ...]
    reshaped: tuple[str, ...]
    fresh: tuple[str, ...]
    dropped: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.carried)} tensors carried over; {len(self.reshaped)} of another shape and "
            f"{len(self.fresh)} new ones start afresh; {len(self.dropped)} of the source have no place"
        )


def carry_over(source: Mapping[str, Tensor], network: nn.Module) -> CarryOver:
    """Copy every tensor of `source` into `network` that it has under the same name with the same shape."""
    own = network.state_dict()
    both = [name for name in own if name in source]
    carried = [name for name in both if source[name].shape == own[name].shape]
    network.load_state_dict({name: source[name] for name in carried}, strict=False)
    return CarryOver(
        carried=tuple(carried),
        reshaped=tuple(name for name in both if name not in set(carried)),
        fresh=tuple(name for name in own if name not in source),
        dropped=tuple(name for name in source if name not in own),
    )
