"""What a training runs on. It changes no result but for rounding, and on a CPU not even that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from scanside.errors import SettingError


@dataclass(frozen=True)
class Hardware:
    """Processors of one training.

    Attributes:
        accelerator: "cuda" or "cpu", as Lightning calls them.
        devices: how many; each takes its part of every batch (distributed data parallel).
        workers: processes that make batches for each device; 0: the training's own does.
    """

    accelerator: str = "cpu"
    devices: int = 1
    workers: int = 0

    @property
    def device(self) -> torch.device:
        """Where a trained network is evaluated."""
        return torch.device(self.accelerator)

    def share(self, batch: int) -> int:
        """Return the slides of a batch for each device.

        Raises:
            SettingError: the batch can't be shared out.
        """
        if batch % self.devices or batch < 2 * self.devices:
            raise SettingError(
                f"training.batch={batch} can't be shared among {self.devices} devices: "
                "set a multiple of them, two slides each at least."
            )
        return batch // self.devices


def find_hardware(devices: int) -> tuple[Hardware, str]:
    """Find the GPUs that are there, up to `devices`; else the CPU.

    Returns:
        The hardware, and a remark where it is less than was asked for.
    """
    present = torch.cuda.device_count()
    if not present:
        return Hardware(), f"No GPU: --devices {devices} is ignored." if devices > 1 else ""
    used = min(devices, present)
    # Views are drawn by (seed, epoch, slide), so the number of workers changes no result.
    workers = max(1, min(8, (os.cpu_count() or 2) // used - 1))
    remark = f"{present} GPU(s) found, fewer than --devices {devices}." if used < devices else ""
    return Hardware("cuda", used, workers), remark


@contextmanager
def make_repeatable(hardware: Hardware) -> Iterator[None]:
    """Make the same command give the same bits on a CPU; on a GPU the fastest kernels are taken.

    What it sets is the whole process's, so it is put back at the end.
    """
    if hardware.accelerator != "cpu":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
        yield
        return
    torch.set_flush_denormal(True)  # vanishing moments of the optimiser slow a CPU down several times
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_flush_denormal(False)
