"""Every experiment of the thesis: its arms, and the pairs that are compared."""

from dataclasses import replace

from trainer.models.spec import EncoderName, Task
from trainer.runs.arm import Arm
from trainer.runs.experiment import ArmPair, Experiment


def _list_mmotu_arms(variant: str) -> tuple[Arm, ...]:
    return tuple(Arm("mmotu", variant, e, t) for e in ("unet", "efficientnet") for t in ("seg", "cls", "mtl"))


def _list_hospital_arms(variant: str, encoder: EncoderName) -> tuple[Arm, ...]:
    plain = [Arm("hospital", variant, encoder, task, pretrained=True) for task in ("seg", "cls", "mtl")]
    return (*plain, *(replace(arm, clinical=True) for arm in plain[1:]))


def _pair_tasks(arms: tuple[Arm, ...]) -> tuple[ArmPair, ...]:
    """Pair multitask with each single task, arm by arm."""
    pairs = []
    for mtl in (arm for arm in arms if arm.task == "mtl"):
        of_class = "class_accuracy" if mtl.dataset == "mmotu" else "auc"
        singles: tuple[tuple[Task, str], ...] = (("seg", "iou"), ("cls", of_class))
        for task, figure in singles:
            single = replace(mtl, task=task)
            pairs += [ArmPair(mtl, single, figure)] if single in arms else []
    return tuple(pairs)


def _pair_clinical(arms: tuple[Arm, ...]) -> tuple[ArmPair, ...]:
    return tuple(ArmPair(arm, replace(arm, clinical=False), "auc") for arm in arms if arm.clinical)


def _make_table(name: str, title: str, arms: tuple[Arm, ...]) -> Experiment:
    return Experiment(name, title, arms, _pair_tasks(arms) + _pair_clinical(arms))


def _list_experiments() -> tuple[Experiment, ...]:
    full = replace(Arm("hospital", "denoised", "efficientnet", "cls", pretrained=True), clinical=True)
    cascade = replace(full, clinical=False, cascade=True)
    cascades = (cascade, replace(cascade, clinical=True))
    efficient = tuple(Arm("mmotu", "original", "efficientnet", task) for task in ("seg", "cls", "mtl"))
    local = _list_hospital_arms("original", "efficientnet")[:3]
    sizes = tuple(replace(arm, share=share) for arm in (*efficient, *local) for share in (0.25, 0.5, 1.0))
    tuned = tuple(Arm("hospital", "original", "efficientnet", t, pretrained=True) for t in ("cls", "mtl"))
    scratch = tuple(replace(arm, pretrained=False) for arm in tuned)
    encoders: tuple[EncoderName, ...] = ("efficientnet", "resnet18", "resnet50", "densenet121")
    backbones = tuple(Arm("hospital", "original", encoder, "cls") for encoder in encoders)
    return (
        _make_table("table1", "MMOTU, original scans", _list_mmotu_arms("original")),
        _make_table("table2", "MMOTU, annotations removed", _list_mmotu_arms("denoised")),
        _make_table("table3", "Hospital, original scans, U-Net", _list_hospital_arms("original", "unet")),
        _make_table(
            "table4", "Hospital, annotations removed, U-Net", _list_hospital_arms("denoised", "unet")
        ),
        _make_table(
            "table5",
            "Hospital, original scans, EfficientNet",
            _list_hospital_arms("original", "efficientnet"),
        ),
        _make_table(
            "table6",
            "Hospital, annotations removed, EfficientNet",
            _list_hospital_arms("denoised", "efficientnet"),
        ),
        Experiment(
            "table7",
            "Hospital, annotations removed: whole image against cascade",
            (full, *cascades),
            (ArmPair(full, cascades[1], "auc"), ArmPair(cascades[1], cascades[0], "auc")),
        ),
        Experiment(
            "backbones",
            "Which encoder",
            backbones,
            tuple(ArmPair(backbones[0], other, "auc") for other in backbones[1:]),
        ),
        Experiment("data-size", "Multitask against single task, by training data", sizes, _pair_tasks(sizes)),
        Experiment(
            "pretraining",
            "With and without pre-training on MMOTU",
            tuned + scratch,
            tuple(ArmPair(a, b, "auc") for a, b in zip(tuned, scratch, strict=True)),
        ),
    )


EXPERIMENTS = {experiment.name: experiment for experiment in _list_experiments()}
