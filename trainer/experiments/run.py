"""`trainer run EXPERIMENT`: train what is missing of its arms, evaluate, write results and the report."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from scanside.errors import SettingError
from trainer.experiments.arm import Arm
from trainer.experiments.catalogue import EXPERIMENTS, Experiment
from trainer.experiments.evaluation import evaluate
from trainer.experiments.plan import Plan
from trainer.experiments.sections import CLINICAL, clinical_section, section_of
from trainer.experiments.train_arm import train_arm
from trainer.predictions import Predictions
from trainer.report.page import Section, write_report
from trainer.report.table import TextTable


def run(name: str, plan: Plan) -> tuple[Path, Path]:
    """Run one experiment, or "all" for which data were given.

    Returns:
        The report as HTML and as Markdown.

    Raises:
        SettingError: nothing can be run with the data that were given.
    """
    names = [*EXPERIMENTS, *CLINICAL] if name == "all" else [name]
    sections, left_out = [], []
    for one in names:
        try:
            sections.append(_run_one(one, plan))
        except SettingError as error:
            if name != "all":
                raise
            left_out.append(str(error))
    if not sections:
        raise SettingError(left_out[0])
    folder = plan.root / "reports" / name
    folder.mkdir(parents=True, exist_ok=True)
    if left_out:
        sections.append(Section("Not run", [], notes=left_out))
    about = TextTable("Data sets", ("name", "folder"), tuple((n, str(p)) for n, p in plan.data.items()))
    return write_report(folder, sections, plan.scale, about)


def _run_one(name: str, plan: Plan) -> Section:
    if name in CLINICAL:
        return clinical_section(name, plan)
    experiment = EXPERIMENTS[name]
    predictions, left_out = train_arms(experiment, plan)
    return section_of(evaluate(experiment, predictions, left_out), plan)


def train_arms(
    experiment: Experiment, plan: Plan
) -> tuple[dict[Arm, Sequence[tuple[Predictions, Predictions]]], dict[str, str]]:
    """Train every arm of `experiment` for which data were given, with each seed.

    Returns:
        (validation, test) predictions by arm, one pair for each seed; why the other arms were left out.

    Raises:
        SettingError: no arm can be run.
    """
    left_out = {arm.label: why for arm in experiment.arms if (why := plan.missing(arm))}
    arms = [arm for arm in experiment.arms if not plan.missing(arm)]
    if not arms:
        raise SettingError(f"{experiment.name} was not run: {next(iter(left_out.values()))}.")
    found = {}
    for number, arm in enumerate(ordered := in_order(arms), start=1):
        Console().print(f"{experiment.name}, arm {number} of {len(ordered)}: {arm.label}")
        found[arm] = [train_arm(arm, seed, plan) for seed in plan.seeds]
    return {arm: found[arm] for arm in arms}, left_out


def in_order(arms: Iterable[Arm]) -> list[Arm]:
    """`arms` and all that they start from, each once, what is needed first."""
    ordered: list[Arm] = []
    for arm in arms:
        ordered += [one for one in (*in_order(arm.needs), arm) if one not in ordered]
    return ordered
