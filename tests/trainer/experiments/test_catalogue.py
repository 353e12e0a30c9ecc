"""The experiments against what the thesis prints, and the arms that tables share."""

from trainer.experiments.analyses import ANALYSES
from trainer.experiments.catalogue import EXPERIMENTS
from trainer.experiments.run import order_arms
from trainer.report.printed import ARM_FIGURES, read_printed
from trainer.runs.arm import Arm


def test_every_row_of_tables_1_to_7_is_printed_and_has_an_arm() -> None:
    tables = {f"table{n}" for n in range(1, 8)}
    arms = {(name, arm.name) for name in tables for arm in EXPERIMENTS[name].arms}
    assert arms == set(read_printed())
    assert len(arms) == 6 + 6 + 4 * 5 + 3


def test_the_print_agrees_with_its_own_counts() -> None:
    """101 malignant and 630 benign slides: every sensitivity is k / 101, every accuracy follows."""
    primary = [
        p
        for (table, _), p in read_printed().items()
        if table not in ("table1", "table2") and "auc" in p.figures
    ]
    assert len(primary) == 4 * 4 + 3
    for row in primary:
        hits, spared = round(row.figures["sensitivity"] * 101), round(row.figures["specificity"] * 630)
        assert abs(row.figures["sensitivity"] - hits / 101) < 6e-5
        assert abs(row.figures["accuracy"] - (hits + spared) / 731) < 6e-5
        assert abs(row.figures["precision"] - hits / (hits + 630 - spared)) < 6e-5
        assert abs(row.figures["f1"] - 2 * hits / (101 + hits + 630 - spared)) < 6e-5


def test_the_misprint_of_table_3_is_named() -> None:
    row = read_printed()["table3", "U-Net cls + clinical"]
    assert row.figures["accuracy"] == 0.8399 and "93.99" in row.note


def test_what_tables_share_is_one_training() -> None:
    full = EXPERIMENTS["table7"].arms[0]
    assert full in EXPERIMENTS["table6"].arms
    local = [arm for arm in EXPERIMENTS["data-size"].arms if arm.share == 1]
    assert set(local) <= {*EXPERIMENTS["table1"].arms, *EXPERIMENTS["table5"].arms}
    every = {arm for experiment in EXPERIMENTS.values() for arm in experiment.arms}
    assert len({arm.slug for arm in every}) == len(every), "two trainings would share a folder"


def test_labels_tell_the_arms_of_an_experiment_apart() -> None:
    for experiment in EXPERIMENTS.values():
        labels = [experiment.label(arm) for arm in experiment.arms]
        assert len(set(labels)) == len(labels), experiment.name


def test_every_contrast_is_between_arms_that_have_the_figure() -> None:
    needs = {"iou": ("seg", "mtl"), "auc": ("cls", "mtl"), "class_accuracy": ("cls", "mtl")}
    for experiment in EXPERIMENTS.values():
        for pair in experiment.pairs:
            assert {pair.first, pair.second} <= set(experiment.arms)
            assert pair.first.task in needs[pair.figure] and pair.second.task in needs[pair.figure]
    assert set(ARM_FIGURES) >= {"iou", "auc"}


def test_what_an_arm_starts_from_comes_before_it() -> None:
    cascade = EXPERIMENTS["table7"].arms[1]
    ordered = order_arms([cascade])
    assert [arm.slug for arm in ordered] == [
        "mmotu-denoised-efficientnet-cls",
        "mmotu-denoised-efficientnet-seg",
        "hospital-denoised-efficientnet-seg-pretrained",
        "hospital-denoised-cascade-cls-pretrained",
    ]
    assert Arm("mmotu", "original", "unet", "seg").needs == ()


def test_the_command_knows_every_experiment() -> None:
    from trainer.commands.run import EXPERIMENTS as named

    apart = {"default-model", "default-choices", "default-folds", "edge-denoiser", "confounder", "all"}
    assert set(named) == {*apart, *EXPERIMENTS, *ANALYSES}
