"""Every hyperparameter of an arm, built once and passed in: presets, `--set key=value`, JSON and back.

`as-thesis` is what the text of the thesis says, `as-code` what its author's code does. They differ only in
what `_AS_CODE` lists. Free of torch, so that a command can refuse a wrong setting at once.
"""

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, cast, get_args, get_type_hints

from scanside.errors import SettingError
from scanside.image import Size
from trainer.models.spec import EncoderName, NetworkSpec, Surplus, Task
from trainer.settings.augmentation import Augmentation
from trainer.settings.fields import bounded_field, build_from_mapping, check_fields, find_near, parse_value

Preset = Literal["as-thesis", "as-code"]
DatasetName = Literal["mmotu", "hospital", "pairs"]


@dataclass(frozen=True)
class Input:
    """What a network is given.

    Attributes:
        height, width: of the whole scan, in pixels.
        cascade_side: of the square around the lesion that the cascade classifies, in pixels.
        cascade_margin: added on each side of the lesion's box, as a share of the box's side.
        cascade_fallback: side of the centre square that is taken where no lesion was outlined.
        mask_above: a resized mask is lesion where it is above this. 0 enlarges it (the author's code).
        split, test_fold: which scans of MMOTU train, validate and test (trainer.data.mmotu.choose_part).
        ca125: whether networks with clinical facts read CA125 beside menopausal status and centre.
    """

    height: int = bounded_field(336, 32, 4096)
    width: int = bounded_field(544, 32, 4096)
    cascade_side: int = bounded_field(164, 32, 4096)
    cascade_margin: float = bounded_field(0.01, 0.0, 1.0)
    cascade_fallback: int = bounded_field(256, 1, 4096)
    mask_above: float = bounded_field(0.5, 0.0, 0.99)
    split: Literal["grouped", "official"] = "grouped"
    test_fold: int = bounded_field(0, 0, 4)
    ca125: bool = False

    @property
    def size(self) -> Size:
        return Size(self.height, self.width)

    @property
    def clinical_facts(self) -> int:
        """How many facts a network with clinical facts reads, in the order of slides.CLINICAL_INPUTS."""
        return 3 if self.ca125 else 2

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Layers:
    """What the arms' networks have in common; `NetworkSpec` explains the names.

    Attributes:
        dropout_cls: dropout of networks that classify only.
    """

    hidden: tuple[int, ...] = bounded_field((256, 64), 1, 65536)
    dropout: float = bounded_field(0.25, 0.0, 0.99)
    dropout_cls: float = bounded_field(0.25, 0.0, 0.99)
    pooled_blocks: int = bounded_field(2, 1, 5)
    unet_width: int = bounded_field(64, 1, 1024)
    stochastic_depth: float = bounded_field(0.2, 0.0, 0.99)
    surplus: Surplus = "bottom"

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Loss:
    """What is minimised: dice_weight Dice + classification_weight classification; a single task's own alone.

    Attributes:
        class_weights: of the cross-entropy, one per class; empty for none.
        focal_alpha, focal_gamma: of the focal loss.
    """

    dice_weight: float = bounded_field(0.3, above=0.0)
    classification_weight: float = bounded_field(1.0, above=0.0)
    classification: Literal["focal", "cross-entropy"] = "cross-entropy"
    class_weights: tuple[float, ...] = bounded_field((), above=0.0)
    focal_alpha: float = bounded_field(0.25, above=0.0)
    focal_gamma: float = bounded_field(2.0, 0.0)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.classification == "focal" and self.class_weights:
            raise SettingError("the focal loss takes no class_weights: give loss.class_weights= (empty).")


@dataclass(frozen=True)
class Optimiser:
    """How weights are moved.

    Attributes:
        lr: learning rate; the peak of a schedule that is not constant.
        momentum: of SGD; Adam has none of its own to set.
        weight_decay: L2 penalty of adam and sgd, decoupled in adamw.
        schedule: "cosine" rises over `warmup` of all steps, then falls to 0.
    """

    name: Literal["adam", "sgd", "adamw"] = "adam"
    lr: float = bounded_field(1e-3, above=0.0)
    momentum: float = bounded_field(0.9, 0.0, 0.999)
    weight_decay: float = bounded_field(0.0, 0.0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = bounded_field(0.05, 0.0, 1.0)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Training:
    """How long, and which weights are kept.

    Attributes:
        ema: decay per step of averaged weights, which are then validated and kept; 0 for none.
        precision: Lightning's name.
        channels_last: memory format of images and weights.
    """

    epochs: int = bounded_field(200, 1, 100_000)
    batch: int = bounded_field(8, 2, 4096)
    keep: Literal["lowest validation loss", "last epoch"] = "lowest validation loss"
    ema: float = bounded_field(0.0, 0.0, 0.99999)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    channels_last: bool = True

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class EvaluationSettings:
    """What figures are computed on.

    Attributes:
        iou_on: "all slides in mtl" counts a missing mask as empty in multitask arms (the author's code).
        thresholds: risks at which decisions are printed, beside the one chosen on validation.
    """

    iou_on: Literal["masked slides", "all slides in mtl"] = "masked slides"
    thresholds: tuple[float, ...] = bounded_field((0.5, 0.2), 0.0, 1.0)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Configuration:
    """Every hyperparameter that the arms of an experiment on one data set share."""

    preset: Preset
    dataset: DatasetName
    input: Input = field(default_factory=Input)
    network: Layers = field(default_factory=Layers)
    loss: Loss = field(default_factory=Loss)
    optimiser: Optimiser = field(default_factory=Optimiser)
    training: Training = field(default_factory=Training)
    augmentation: Augmentation = field(default_factory=Augmentation)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        check_fields(self)

    def spec(self, encoder: EncoderName, task: Task, classes: int, clinical_inputs: int = 0) -> NetworkSpec:
        """Describe the network of one arm.

        Raises:
            SettingError: no such network, or the class weights are not one per class.
        """
        weights = self.loss.class_weights
        if task != "seg" and weights and len(weights) != classes:
            raise SettingError(f"loss.class_weights has {len(weights)} values for {classes} classes.")
        layers = self.network
        return NetworkSpec(
            encoder=encoder,
            task=task,
            classes=classes,
            clinical_inputs=clinical_inputs,
            dropout=layers.dropout_cls if task == "cls" else layers.dropout,
            hidden=layers.hidden,
            pooled_blocks=layers.pooled_blocks,
            unet_width=layers.unet_width,
            stochastic_depth=layers.stochastic_depth,
            surplus=layers.surplus,
        )


# THESIS, losses and training.
_AS_THESIS: dict[DatasetName, tuple[str, ...]] = {
    "mmotu": ("loss.classification=focal", "optimiser.name=sgd"),
    "hospital": ("loss.class_weights=1,2",),
    "pairs": ("training.batch=4", "training.keep=last epoch"),
}
# Where the author's code does otherwise. His training script for MMOTU is not published: only its networks
# and masks are known.
_AS_CODE: dict[DatasetName, tuple[str, ...]] = {
    "mmotu": (
        "network.hidden=256",
        "network.dropout=0.2",
        "network.dropout_cls=0.4",
        "network.pooled_blocks=1",
        "network.surplus=top",
        "input.mask_above=0",
    ),
    "hospital": (
        "network.pooled_blocks=1",
        "network.surplus=top",
        "input.mask_above=0",
        "optimiser.weight_decay=1e-5",
        "training.epochs=80",
        "augmentation.shift=0",
        "augmentation.constant_shift=0.05",
        "evaluation.iou_on=all slides in mtl",
    ),
    "pairs": ("training.epochs=50",),
}


def resolve(preset: str, dataset: str, overrides: tuple[str, ...] = ()) -> Configuration:
    """Resolve the configuration of `preset` for `dataset`, changed by `overrides`.

    Args:
        overrides: "section.key=value" each, as given to --set; the last one of a key counts. With the name
            of a data set before the key it is of that one alone.

    Raises:
        SettingError: an unknown preset, data set or key, or a value that its key does not take.
    """
    for what, name, kind in (("preset", preset, Preset), ("data set", dataset, DatasetName)):
        if name not in get_args(kind):
            raise SettingError(f"{what} {name!r}: choose one of {', '.join(get_args(kind))}.")
    start = Configuration(cast(Preset, preset), cast(DatasetName, dataset))  # both are checked above
    steps = _AS_THESIS[start.dataset] + (_AS_CODE[start.dataset] if preset == "as-code" else ())
    return override(start, (*steps, *overrides))


def override(configuration: Configuration, settings: tuple[str, ...]) -> Configuration:
    """Put "section.key=value" into `configuration`, all of a section at once.

    Args:
        settings: "hospital.section.key=value" is passed over where the data set is another.

    Raises:
        SettingError: an unknown key, or a value that its key does not take.
    """
    changes: dict[str, dict[str, Any]] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip().replace("optimizer.", "optimiser.", 1)
        dataset, _, inner = key.partition(".")
        if dataset in get_args(DatasetName):
            if dataset != configuration.dataset:
                continue
            key = inner
        if not equals:
            raise SettingError(f"--set {setting}: write KEY=VALUE, for example optimiser.lr=1e-4.")
        if key not in list_keys():
            raise SettingError(f"--set {setting}: there is no {key}. Near: {find_near(key, list_keys())}.")
        section, _, name = key.partition(".")
        kind = get_type_hints(type(getattr(configuration, section)))[name]
        changes.setdefault(section, {})[name] = parse_value(kind, text.strip(), f"--set {key}")
    sections = {
        section: replace(getattr(configuration, section), **values) for section, values in changes.items()
    }
    return replace(configuration, **sections)


def list_keys() -> list[str]:
    """List every "section.key" that can be set."""
    kinds = get_type_hints(Configuration)
    return [f"{s}.{f.name}" for s, kind in kinds.items() if is_dataclass(kind) for f in fields(kind)]


def to_json(configuration: Configuration) -> str:
    return json.dumps(asdict(configuration), indent=2) + "\n"


def from_json(text: str) -> Configuration:
    """Read the configuration that `to_json` wrote.

    Raises:
        SettingError: `text` is not a configuration of this version.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingError(f"the configuration is not JSON: {error}. It is written with each run.") from error
    return build_from_mapping(Configuration, content)
