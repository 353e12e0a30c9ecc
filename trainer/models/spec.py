"""Which network: plain values, free of torch, so that a configuration can be read without it."""

from dataclasses import dataclass
from typing import Literal, get_args

from scanside.errors import SettingError

EncoderName = Literal[
    "unet", "efficientnet", "efficientnet_lite0", "resnet18", "resnet50", "densenet121", "none"
]
Task = Literal["seg", "cls", "mtl"]
Surplus = Literal["bottom", "top"]

_WITH_DECODER = ("unet", "efficientnet", "efficientnet_lite0")


@dataclass(frozen=True)
class NetworkSpec:
    """One network of the thesis.

    Attributes:
        encoder: "none" is the classifier on the clinical facts alone.
        task: segmentation, classification, or both from one encoder.
        classes: number of classes; a segmentation network has no use for it.
        clinical_inputs: number of clinical facts fused before the head; 0 for none.
        dropout: after the head's first hidden layer.
        hidden: widths of the head's hidden layers.
        pooled_blocks: U-Net: how many of its last encoder blocks are averaged for the head (thesis,
            figure 7: 2; the author's code: 1, the bottleneck).
        unet_width: U-Net: channels of its first block; each further block has twice as many.
        stochastic_depth: EfficientNet: probability at the last block; grows linearly from 0.
        guided: the head also reads the mean of the last stage weighted by the outline that the network draws
            itself; with task "mtl" alone.
        surplus: which end a decoder crops where the encoder rounded a size up. "bottom" (and right) keeps
            decoder and skip aligned; "top" (and left) is the author's code.
    """

    encoder: EncoderName
    task: Task
    classes: int = 2
    clinical_inputs: int = 0
    dropout: float = 0.25
    hidden: tuple[int, ...] = (256, 64)
    pooled_blocks: int = 2
    unet_width: int = 64
    stochastic_depth: float = 0.2
    surplus: Surplus = "bottom"
    guided: bool = False

    def __post_init__(self) -> None:
        """
        Raises:
            SettingError: a combination that makes no network.
        """
        for name, value, known in (
            ("encoder", self.encoder, get_args(EncoderName)),
            ("task", self.task, get_args(Task)),
            ("surplus", self.surplus, get_args(Surplus)),
        ):
            if value not in known:
                raise SettingError(f"network {name} {value!r}: choose one of {', '.join(known)}.")
        if self.task != "cls" and self.encoder not in _WITH_DECODER:
            raise SettingError(
                f"{self.encoder} has no decoder: task {self.task} goes with {' or '.join(_WITH_DECODER)}."
            )
        if self.task == "seg" and self.clinical_inputs:
            raise SettingError("a segmentation network reads no clinical facts: set clinical_inputs to 0.")
        if self.guided and self.task != "mtl":
            raise SettingError("a guided head needs an outline and classes: task mtl.")
        if self.encoder == "none" and not self.clinical_inputs:
            raise SettingError("a network without an encoder needs clinical_inputs.")
        low = 1 if self.task != "seg" else 0
        if self.classes < low or self.clinical_inputs < 0 or any(width < 1 for width in self.hidden):
            raise SettingError(f"network: a number of classes, inputs or units is too small in {self}.")
        if not 1 <= self.pooled_blocks <= 5:
            raise SettingError(f"pooled_blocks {self.pooled_blocks}: U-Net has blocks 1 to 5.")
        if self.unet_width < 1:
            raise SettingError(f"unet_width {self.unet_width}: give at least 1.")
        if not (0 <= self.dropout < 1 and 0 <= self.stochastic_depth < 1):
            raise SettingError("dropout and stochastic_depth are probabilities: from 0 to below 1.")
