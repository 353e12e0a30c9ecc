"""One bar with the time left for each training; where no person watches, a line for each epoch."""

import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class EpochBar(ProgressBar):
    """Steps of the whole training, loss and figures of its last epoch."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label
        self._bar: Progress | None = None  # made when training starts: it can't go to another process
        self._begun = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        console = Console()
        if trainer.is_global_zero and console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), "left")
            self._bar = Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[figures]}"))
            steps = int(trainer.estimated_stepping_batches)
            self._bar.add_task(self._label, total=steps, completed=trainer.global_step, figures="")
            self._bar.start()

    def on_train_epoch_start(self, *_: Any) -> None:
        self._begun = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=trainer.global_step)

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        shown = {name: float(value) for name, value in trainer.callback_metrics.items()}
        figures = ", ".join(f"{name} {shown[name]:.3f}" for name in _SHOWN if name in shown)
        if self._bar:
            self._bar.update(self._bar.task_ids[0], figures=figures)
        elif trainer.is_global_zero:
            took = time.monotonic() - self._begun
            epoch = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
            print(f"{self._label}: {epoch}, {took:.1f} s, {figures}", flush=True)

    def on_train_end(self, *_: Any) -> None:
        self._stop()

    def on_exception(self, *_: Any) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def disable(self) -> None:
        """Lightning asks for it on every process but the first; those have no bar."""

    def enable(self) -> None:
        """The other way round."""


_SHOWN = ("train/loss", "validation/loss", "validation/accuracy", "validation/iou")
