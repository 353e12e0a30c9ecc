"""An arm: one network, trained on one data set in one way. A table's row; several tables may share it."""

from dataclasses import dataclass, replace

from trainer.models.spec import EncoderName, Task

ENCODER_NAMES: dict[EncoderName, str] = {
    "unet": "U-Net",
    "efficientnet": "EfficientNet",
    "resnet18": "ResNet18",
    "resnet50": "ResNet50",
    "densenet121": "DenseNet121",
}
TASK_NAMES: dict[Task, str] = {"seg": "seg", "cls": "cls", "mtl": "MTL"}


@dataclass(frozen=True)
class Arm:
    """What is trained, and on what.

    Attributes:
        dataset: "mmotu" or "hospital".
        variant: "original", or "denoised": annotations removed.
        encoder: a key of ENCODER_NAMES.
        task: "seg", "cls" or "mtl" (both at once).
        clinical: whether the clinical facts are fused in.
        pretrained: start from the arm of MMOTU with the same variant, encoder and task (thesis 3.5.2).
        share: of the training patients (images where there are none) that are used.
        cascade: classify the crop around the lesion that a segmentation arm finds (table 7).
    """

    dataset: str
    variant: str
    encoder: EncoderName
    task: Task
    clinical: bool = False
    pretrained: bool = False
    share: float = 1.0
    cascade: bool = False

    @property
    def name(self) -> str:
        """As the tables print it."""
        what = "Cascade" if self.cascade else f"{ENCODER_NAMES[self.encoder]} {TASK_NAMES[self.task]}"
        return what + (" + clinical" if self.clinical else "")

    @property
    def slug(self) -> str:
        """The name of its folder: equal arms of several tables are one training."""
        parts = [self.dataset, self.variant, "cascade" if self.cascade else self.encoder, self.task]
        parts += ["clinical"] if self.clinical else []
        parts += ["pretrained"] if self.pretrained else []
        parts += [f"{round(100 * self.share)}percent"] if self.share < 1 else []
        return "-".join(parts)

    @property
    def starts_from(self) -> "Arm | None":
        """The arm whose weights this one starts from."""
        if not self.pretrained:
            return None
        return Arm("mmotu", self.variant, self.encoder, self.task)

    @property
    def crops_with(self) -> "Arm | None":
        """The segmentation arm that finds the lesion of a cascade (THESIS, networks)."""
        if not self.cascade:
            return None
        return replace(self, task="seg", clinical=False, cascade=False)

    @property
    def needs(self) -> "tuple[Arm, ...]":
        """The arms that have to be trained before."""
        return tuple(arm for arm in (self.starts_from, self.crops_with) if arm)
