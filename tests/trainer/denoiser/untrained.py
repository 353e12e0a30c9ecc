"""An edge denoiser that learnt nothing, for tests of what is done with one."""

import torch

from trainer.denoiser.checkpoint import DenoiserCheckpoint
from trainer.models.denoiser.edge import EdgeDenoiser

LIMITS = {"threshold": 0.5, "min_pixels": 8, "max_share": 0.9}


def untrained(seed: int = 0) -> DenoiserCheckpoint:
    """An edge denoiser that computes something at every weight, batch norms as uneven as trained ones."""
    torch.manual_seed(seed)
    network = EdgeDenoiser((4, 8, 16, 16), (1, 2))
    torch.nn.init.normal_(network.out.weight, std=0.2)
    for norm in [part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)]:
        torch.nn.init.uniform_(norm.weight, 0.3, 1.7)
        torch.nn.init.normal_(norm.bias, std=0.3)
    for _ in range(20):  # until the running statistics are those of the data
        network(torch.rand(4, 1, 56, 88), torch.rand(4, 1, 56, 88))
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    manifest = {**LIMITS, "trained_on": "nothing", "figures": {"pixel_f1": figure}}
    return DenoiserCheckpoint(dict(network.eval().state_dict()), (4, 8, 16, 16), (1, 2), manifest)
