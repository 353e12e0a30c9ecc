"""`trainer run EXPERIMENT`: train what is missing of its arms, evaluate, write results and the report."""

from collections.abc import Iterable, Sequence

from scanside.errors import SettingError
from trainer.experiments.arm import Arm
from trainer.experiments.catalogue import EXPERIMENTS, Experiment
from trainer.experiments.evaluation import Evaluation, evaluate
from trainer.experiments.plan import Plan
from trainer.experiments.train_arm import train_arm
from trainer.predictions import Predictions


def run_experiment(experiment: Experiment, plan: Plan) -> Evaluation:
    """Train every arm of `experiment` for which data were given, with each seed.

    Raises:
        SettingError: no arm can be run.
    """
    left_out = {arm.name: why for arm in experiment.arms if (why := plan.missing(arm))}
    arms = [arm for arm in experiment.arms if arm.name not in left_out]
    if not arms:
        raise SettingError(f"{experiment.name}: {next(iter(left_out.values()))}.")
    predictions: dict[Arm, Sequence[tuple[Predictions, Predictions]]] = {}
    for arm in in_order(arms):
        found = [train_arm(arm, seed, plan) for seed in plan.seeds]
        if arm in arms:
            predictions[arm] = found
    return evaluate(experiment, predictions, left_out)


def in_order(arms: Iterable[Arm]) -> list[Arm]:
    """`arms` and all that they start from, each once, what is needed first."""
    ordered: list[Arm] = []
    for arm in arms:
        ordered += [one for one in (*in_order(arm.needs), arm) if one not in ordered]
    return ordered


def runnable(plan: Plan) -> list[Experiment]:
    """Every experiment of which at least one arm can be run with the data that were given."""
    return [e for e in EXPERIMENTS.values() if any(not plan.missing(arm) for arm in e.arms)]
