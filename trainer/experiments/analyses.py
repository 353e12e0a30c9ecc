"""The experiments that are not a table of arms: denoisers, and what the clinical facts tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.denoiser import search as denoiser
from trainer.report import clinical
from trainer.report.page import Section
from trainer.runs.arm import Arm
from trainer.runs.plan import Plan
from trainer.training.hardware import Hardware


@dataclass(frozen=True)
class Analysis:
    """An experiment that makes its own section of the report.

    Attributes:
        unable: why it can't be run with the data of a plan; empty where it can.
        arms: what has to be trained for it.
        section: trains what is left, and makes the section.
    """

    unable: Callable[[Plan], str]
    arms: Callable[[Plan], Sequence[Arm]]
    section: Callable[[Plan, Hardware], Section]


def _miss_cohort(plan: Plan) -> str:
    return "" if {"hospital", "hospital-denoised"} & set(plan.data) else "no data: give --data hospital=DIR"


def _miss_mmotu(plan: Plan) -> str:
    return "" if "mmotu" in plan.data else "no data: give --data mmotu=DIR"


def _miss_fused_arm(plan: Plan) -> str:
    return "" if clinical.find_fused_arm(plan) else f"no data: give {clinical.FUSED_NEEDS}"


def _list_fused_arm(plan: Plan) -> Sequence[Arm]:
    arm = clinical.find_fused_arm(plan)
    return [arm] if arm else []


def _list_no_arms(_: Plan) -> Sequence[Arm]:
    return ()


ANALYSES = {
    "denoiser": Analysis(_miss_mmotu, _list_no_arms, denoiser.make_section),
    "figure4": Analysis(_miss_cohort, _list_no_arms, clinical.make_figure4),
    "clinical-only": Analysis(_miss_cohort, _list_no_arms, clinical.make_clinical_only),
    "clinical-toggle": Analysis(_miss_fused_arm, _list_fused_arm, clinical.make_toggle),
    "branch-shares": Analysis(_miss_fused_arm, _list_fused_arm, clinical.make_branch_shares),
}
