"""Networks round a halved size up: what they give is cut to the size of what they got."""

from torch import Tensor


def match_size(output: Tensor, scan: Tensor) -> Tensor:
    """Cut the surplus rows at the bottom and columns at the right of `output`."""
    return output[:, :, : scan.shape[2], : scan.shape[3]]
