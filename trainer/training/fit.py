"""One training run on Lightning: resumes from its last checkpoint, logs to CSV and TensorBoard."""

import logging
import warnings
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics.functional.classification import multiclass_accuracy

from scanside.errors import InputError, SettingError
from trainer.data.loader import Batch
from trainer.models.memory_format import use_channels_last
from trainer.models.network import Network
from trainer.settings.configuration import Loss, Optimiser, Training
from trainer.terminal.epoch_bar import EpochBar
from trainer.training.hardware import Hardware
from trainer.training.losses import compute_terms
from trainer.training.metrics import compute_iou
from trainer.training.optimiser import build_optimiser, build_schedule

_LOSS = "validation/loss"


class TrainingModule(lightning.LightningModule):
    """What Lightning has to know of any network; a subclass says in `compute_terms` what is minimised.

    Args:
        network: takes images as (N, C, H, W).
        training: `fit_network` follows it.
        seed: of what is drawn in the network itself.
    """

    def __init__(self, network: nn.Module, optimiser: Optimiser, training: Training, seed: int) -> None:
        super().__init__()
        self.network = network
        self.optimiser, self.training_plan, self.seed = optimiser, training, seed

    def terms(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        """Compute what is minimised as "loss", and what else to log; stage is "train" or "validation"."""
        raise NotImplementedError

    def on_train_batch_start(self, *_: object) -> None:
        # Dropout and stochastic depth draw from the global generator: tie it to the step, so that a
        # resumed run goes on as an unbroken one would.
        torch.manual_seed(self.seed * 1_000_003 + self.global_step + 1_000_000_007 * self.global_rank)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        return self._logged(batch, "train")["loss"]

    def validation_step(self, batch: Batch, _: int) -> None:
        self._logged(batch, "validation")

    def image(self, batch: Batch, name: str = "scan") -> Tensor:
        """Return an image of the batch in the memory format of the network."""
        image = batch[name]
        return (
            image.contiguous(memory_format=torch.channels_last) if self.training_plan.channels_last else image
        )

    def _logged(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        figures = self.terms(batch, stage)
        for name, value in figures.items():
            self.log(
                f"{stage}/{name}",
                value,
                on_step=False,
                on_epoch=True,
                batch_size=len(batch["scan"]),
                sync_dist=True,
            )
        return figures

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        steps = int(self.trainer.estimated_stepping_batches)
        moved = build_optimiser(self.network.parameters(), self.optimiser)
        return {
            "optimizer": moved,
            "lr_scheduler": {"scheduler": build_schedule(moved, self.optimiser, steps), "interval": "step"},
        }


class NetworkModule(TrainingModule):
    """A network that segments, classifies or does both."""

    network: Network

    def __init__(
        self, network: Network, loss: Loss, optimiser: Optimiser, training: Training, seed: int
    ) -> None:
        super().__init__(network, optimiser, training, seed)
        self.loss = loss

    def terms(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        clinical = batch["clinical"][:, : self.network.spec.clinical_inputs]
        output = self.network(self.image(batch), clinical)
        figures = compute_terms(output, batch, self.loss)
        if stage == "validation" and output.class_logits is not None:
            classes = output.class_logits.shape[1]
            figures["accuracy"] = multiclass_accuracy(
                output.class_logits, batch["label"], num_classes=classes, average="micro"
            )
        if stage == "validation" and output.lesion_logits is not None and batch["has_mask"].any():
            iou = compute_iou(output.lesion_logits > 0, batch["mask"] > 0)
            figures["iou"] = iou[batch["has_mask"]].mean()
        return figures


def fit_network(
    fitting: TrainingModule,
    train: DataLoader[Batch],
    validation: DataLoader[Batch],
    folder: Path,
    label: str,
    hardware: Hardware = Hardware(),  # noqa: B008 - frozen
) -> None:
    """Train, going on from `folder/last.ckpt` where a run was broken off.

    The network is left on the CPU, in evaluation mode, with the weights that
    `fitting.training_plan.keep` names.

    Args:
        label: named by the progress bar.

    Raises:
        SettingError: the training diverged.
        InputError: `folder/last.ckpt` is not a checkpoint, or holds more than weights and plain values.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # which devices it found, tips
    plan = fitting.training_plan
    if plan.channels_last:
        use_channels_last(fitting.network)
    last, best = folder / "last.ckpt", folder / "best.ckpt"
    keeps_best = plan.keep == "lowest validation loss"
    callbacks: list[Callback] = [EMAWeightAveraging(decay=plan.ema)] if plan.ema else []
    if keeps_best:  # before the last one, whose file holds this one's state
        small = not plan.ema  # Lightning puts averaged weights only into whole checkpoints
        callbacks.append(
            ModelCheckpoint(folder, "best", _LOSS, save_weights_only=small, enable_version_counter=False)
        )
    callbacks.append(ModelCheckpoint(folder, "last", enable_version_counter=False))
    trainer = lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        # Spawned, so that what follows the training runs once.
        strategy="ddp_spawn" if hardware.devices > 1 else "auto",
        sync_batchnorm=hardware.accelerator == "cuda" and hardware.devices > 1,
        use_distributed_sampler=False,  # EpochSampler shares the slides out
        max_epochs=plan.epochs,
        precision=plan.precision,
        default_root_dir=folder,
        logger=[CSVLogger(folder, "logs", ""), TensorBoardLogger(folder, "tensorboard", "")],
        callbacks=[*callbacks, EpochBar(label)],
        log_every_n_steps=1,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    resume = last if last.exists() else None
    if resume is not None:
        _check_checkpoint(resume)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.|torch\.|torchmetrics\.")
        trainer.fit(fitting, train, validation, ckpt_path=resume, weights_only=True if resume else None)
    # Averaged weights are the checkpoint's own; a finished run is only loaded.
    kept = torch.load(best if keeps_best else last, map_location="cpu", weights_only=True)
    fitting.load_state_dict(kept["state_dict"])
    if not all(weight.isfinite().all() for weight in fitting.network.state_dict().values()):
        raise SettingError(
            f"{label}: training diverged, its weights are not numbers. Remove {folder} and set a lower "
            "optimiser.lr, or training.precision=32-true."
        )
    fitting.cpu()
    fitting.network.eval()


def _check_checkpoint(path: Path) -> None:
    """Check that a file holds weights alone: the run's folder may be a stranger's.

    Raises:
        InputError: the file holds more than weights and plain values, or is damaged.
    """
    try:
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch's own words advise to run the code in the file
        raise InputError(
            f"{path} is not a checkpoint of this training: not weights and plain values alone. "
            f"Remove {path.parent} to begin again."
        ) from error
