"""One training run on Lightning: resumes from its last checkpoint, logs to CSV and TensorBoard."""

import math
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics.functional.classification import multiclass_accuracy

from trainer.data.loader import Batch
from trainer.losses import dice
from trainer.metrics import iou_per_image


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        learning_rate: the peak; a linear rise over `warmup` of all steps, then a cosine to 0.
        weight_decay: decoupled (AdamW).
        ema: decay per step of the averaged weights that are kept.
        precision: Lightning's name, "32-true" or "bf16-mixed".
    """

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    warmup: float
    ema: float
    precision: str
    seed: int


class MultitaskTraining(lightning.LightningModule):
    """L = dice_weight Dice + cross-entropy with class weights."""

    def __init__(
        self, network: nn.Module, class_weights: Tensor, dice_weight: float, schedule: Schedule
    ) -> None:
        super().__init__()
        self.network = network
        self.dice_weight, self.schedule = dice_weight, schedule
        self.cross_entropy = nn.CrossEntropyLoss(class_weights)

    def on_train_batch_start(self, *_: object) -> None:
        # Dropout and stochastic depth draw from the global generator: tie it to the step, so that a
        # resumed run goes on as an unbroken one would.
        torch.manual_seed(self.schedule.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        loss, _, _ = self._losses(batch, "train")
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        _, class_logits, lesion_logits = self._losses(batch, "validation")
        accuracy = multiclass_accuracy(
            class_logits, batch["label"], num_classes=class_logits.shape[1], average="micro"
        )
        iou = iou_per_image(lesion_logits > 0, batch["mask"] > 0).mean()
        size = len(batch["label"])
        self.log("validation/accuracy", accuracy, batch_size=size, prog_bar=True)
        self.log("validation/iou", iou, batch_size=size, prog_bar=True)

    def _losses(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor, Tensor]:
        scan = batch["scan"].contiguous(memory_format=torch.channels_last)
        output = self.network(scan)
        class_logits, lesion_logits = output.class_logits.float(), output.lesion_logits.float()
        seg = dice(lesion_logits, batch["mask"], batch["has_mask"])
        cls = self.cross_entropy(class_logits, batch["label"])
        loss = self.dice_weight * seg + cls
        size = len(batch["label"])
        for name, value in {"loss": loss, "dice": seg, "cross_entropy": cls}.items():
            self.log(
                f"{stage}/{name}",
                value,
                on_step=False,
                on_epoch=True,
                batch_size=size,
                prog_bar=name == "loss",
            )
        return loss, class_logits, lesion_logits

    def configure_optimizers(self) -> dict[str, object]:
        plan = self.schedule
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        steps = int(self.trainer.estimated_stepping_batches)
        rise = max(1, round(plan.warmup * steps))

        def factor(step: int) -> float:
            if step < rise:
                return (step + 1) / rise
            return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def fit(
    training: MultitaskTraining,
    train: DataLoader[Batch],
    validation: DataLoader[Batch],
    folder: Path,
) -> None:
    """Train until `schedule.epochs`, going on from `folder/last.ckpt` where a run was broken off.

    The network is left with the averaged weights of the last epoch, in evaluation mode.
    """
    plan = training.schedule
    training.network.to(memory_format=torch.channels_last)
    last = folder / "last.ckpt"
    trainer = lightning.Trainer(
        max_epochs=plan.epochs,
        precision=plan.precision,  # type: ignore[arg-type]
        default_root_dir=folder,
        logger=[CSVLogger(folder, "logs", ""), TensorBoardLogger(folder, "tensorboard", "")],
        callbacks=[
            EMAWeightAveraging(decay=plan.ema),
            ModelCheckpoint(folder, filename="last", enable_version_counter=False),
            TQDMProgressBar(refresh_rate=10),
        ],
        log_every_n_steps=1,
        enable_model_summary=False,
    )
    resume = last if last.exists() else None
    trainer.fit(training, train, validation, ckpt_path=resume, weights_only=False if resume else None)
    # The callback keeps the averaged weights as the checkpoint's own; a finished run is only loaded.
    training.load_state_dict(torch.load(last, map_location="cpu", weights_only=False)["state_dict"])
    training.network.eval()
