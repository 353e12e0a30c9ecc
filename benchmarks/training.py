"""Samples per second: this trainer's loader and step against a plain loop, side by side in one run.

    SCANSIDE_DATA=DIR python -m benchmarks.training

The plain loop is what a first script does: PIL decodes and resizes every image and mask in every epoch, in
the training's own process, torchvision-like augmentation by PIL, tensors in the default memory format.
Ours prepares once, draws views with OpenCV, and trains with channels_last. Same network (EfficientNet
multitask), same loss, same optimiser, same batch, same images. Blocks of steps alternate, so that whatever
else the machine does slows both.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import cycle
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from scanside.image import Size
from trainer.data import mmotu
from trainer.data.loader import Batch, make_training_loader
from trainer.data.slides import read_mmotu_slides
from trainer.experiments.catalogue import EXPERIMENTS
from trainer.models.build import build_network
from trainer.settings.configuration import resolve
from trainer.training.hardware import find_hardware, make_repeatable
from trainer.training.losses import compute_terms
from trainer.training.optimiser import build_optimiser

CONFIGURATION = resolve("as-thesis", "mmotu")


class PilImages(Dataset[Batch]):
    """Decode, resize, flip, turn: anew for each epoch."""

    def __init__(self, root: Path, entries: list[mmotu.MmotuImage], size: Size) -> None:
        self._layout, self._entries, self._size = mmotu.find_layout(root), entries, size

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Batch:
        entry, rng = self._entries[index], np.random.default_rng()
        wide = (self._size.width, self._size.height)
        scan = Image.open(self._layout.image(entry)).convert("L").resize(wide)
        mask = Image.open(self._layout.mask(entry)).convert("L").resize(wide, Image.Resampling.NEAREST)
        if rng.random() < 0.5:
            flip = Image.Transpose.FLIP_LEFT_RIGHT
            scan, mask = scan.transpose(flip), mask.transpose(flip)
        angle = rng.uniform(-20, 20)
        scan, mask = scan.rotate(angle, Image.Resampling.BILINEAR), mask.rotate(angle)
        return {
            "scan": torch.from_numpy(np.array(scan))[None].float() / 255,
            "mask": (torch.from_numpy(np.array(mask))[None] > 0).float(),
            "has_mask": torch.tensor(True),
            "label": torch.tensor(entry.label),
        }


class Loop:
    """One way of training, with its clock."""

    def __init__(
        self, batches: Iterator[Batch], device: torch.device, precision: torch.dtype | None, *, last: bool
    ) -> None:
        torch.manual_seed(0)
        spec = CONFIGURATION.spec("efficientnet", "mtl", len(mmotu.CLASSES))
        self.format = torch.channels_last if last else torch.contiguous_format
        self.network = build_network(spec).to(device).to(memory_format=self.format).train()
        self.optimiser = build_optimiser(self.network.parameters(), CONFIGURATION.optimiser)
        self.batches, self.device, self.precision = batches, device, precision
        self.seconds: list[float] = []
        self.waited: list[float] = []

    def step(self) -> None:
        """One step; what it took, and how much of it was waiting for the batch."""
        start = time.perf_counter()
        batch = {name: value.to(self.device, non_blocking=True) for name, value in next(self.batches).items()}
        waited = time.perf_counter() - start
        kind = self.device.type
        with torch.autocast(kind, self.precision, enabled=self.precision is not None):
            output = self.network(batch["scan"].contiguous(memory_format=self.format))
        self.optimiser.zero_grad()
        compute_terms(output, batch, CONFIGURATION.loss)["loss"].backward()
        self.optimiser.step()
        if kind == "cuda":
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - start)
        self.waited.append(waited)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8, help="of each loop, after one to warm up")
    parser.add_argument("--height", type=int, default=CONFIGURATION.input.height)
    parser.add_argument("--width", type=int, default=CONFIGURATION.input.width)
    parser.add_argument("--images", type=int, default=64, help="that the loops go round on")
    parser.add_argument("--amp", action="store_true", help="ours in bfloat16")
    options = parser.parse_args()
    if "SCANSIDE_DATA" not in os.environ:
        print("Set SCANSIDE_DATA to a folder that holds mmotu/.", file=sys.stderr)
        return 1
    root, size = Path(os.environ["SCANSIDE_DATA"]) / "mmotu", Size(options.height, options.width)
    entries = [entry for entry in mmotu.read_split() if entry.part == "train"][: options.images]
    hardware, _ = find_hardware(1)
    batch = CONFIGURATION.training.batch
    plain = DataLoader(PilImages(root, entries, size), batch_size=batch, shuffle=True, drop_last=True)
    slides = read_mmotu_slides(root, size, "train", options.images)
    ours = make_training_loader(
        slides,
        sizes=((0, size),),
        ranges=CONFIGURATION.augmentation,
        batch=batch,
        seed=0,
        workers=hardware.workers,
    )
    first = Loop(again(lambda: iter(plain)), hardware.device, None, last=False)
    precision = torch.bfloat16 if options.amp else None
    mine = Loop(again(lambda: iter(ours)), hardware.device, precision, last=True)
    loops = {"plain loop": first, "this trainer": mine}
    for _ in range(options.steps + 1):
        for name, loop in loops.items():
            # What makes ours repeatable must not slow the other.
            with make_repeatable(hardware) if name == "this trainer" else nullcontext():
                loop.step()
    show(loops, batch, size, f"{hardware.accelerator}, {torch.get_num_threads()} threads")
    return 0


def again(epoch: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
    """Batches without end."""
    for start in cycle([epoch]):
        yield from start()


def show(loops: dict[str, Loop], batch: int, size: Size, machine: str) -> None:
    name = EXPERIMENTS["table1"].arms[-1].name
    table = Table(title=f"{name}, {size.height} x {size.width}, batch {batch}, {machine}; medians of steps")
    for column in ("loop", "samples/s", "ratio", "waiting for data"):
        table.add_column(column)
    rates = {n: batch / median(loop.seconds[1:]) for n, loop in loops.items()}
    for loop_name, loop in loops.items():
        share = sum(loop.waited[1:]) / sum(loop.seconds[1:])
        ratio = rates[loop_name] / rates["plain loop"]
        table.add_row(loop_name, f"{rates[loop_name]:.2f}", f"{ratio:.2f}", f"{100 * share:.1f} %")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
