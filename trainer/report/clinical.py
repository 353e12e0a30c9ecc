"""Sections of the report on clinical facts: what they tell alone, and what they do to a decision."""

import numpy as np

from scanside.errors import InputError
from trainer.data.hospital import Cohort, read_dataset
from trainer.data.slides import CLINICAL_INPUTS, Slides
from trainer.models.network import Network
from trainer.report import charts
from trainer.report.page import Section
from trainer.report.table import TextTable, format_interval, format_number
from trainer.results.arm_predictions import load_arm_predictions
from trainer.results.clinical import estimate_malignancy_by_facts, evaluate_facts_alone, toggle_facts
from trainer.results.evaluation import make_row
from trainer.results.shapley import compute_branch_shares
from trainer.runs.arm import Arm
from trainer.runs.finished import find_finished
from trainer.runs.plan import Plan
from trainer.runs.train_arm import load_arm, read_slides
from trainer.settings.configuration import resolve
from trainer.statistics.bootstrap import estimate
from trainer.statistics.figures import make_mean_figure
from trainer.training.hardware import Hardware


def _read_cohort(plan: Plan) -> Cohort:
    return read_dataset(plan.data.get("hospital") or plan.data["hospital-denoised"])


def make_figure4(plan: Plan, _: Hardware) -> Section:
    cohort = _read_cohort(plan)
    shares = estimate_malignancy_by_facts(cohort)
    rows = tuple((*key, format_number(e.value), format_interval(e), str(e.n)) for key, e in shares.items())
    columns = ("centre", "menopausal status", "malignant", "95 % interval (Wilson)", "patients")
    centres = sorted({centre for centre, _ in shares})
    statuses = sorted({status for _, status in shares})
    series = [(s, [shares[c, s].value if (c, s) in shares else 0.0 for c in centres]) for s in statuses]
    picture = charts.draw_bars("Malignant patients", centres, series, "share")
    table = TextTable(f"All {len(cohort.patients)} patients", columns, rows)
    title = "figure4: malignancy by menopausal status and centre"
    caption = (
        "Thesis: no pattern at the oncology centre; elsewhere malignant patients are mostly postmenopausal."
    )
    return Section(title, [table], [(caption, picture)], [_describe_source(cohort)])


def make_clinical_only(plan: Plan, _: Hardware) -> Section:
    cohort = _read_cohort(plan)
    facts = resolve(plan.preset, "hospital", plan.overrides).input.clinical_facts
    rows = []
    for count in sorted({2, facts}):
        auc = evaluate_facts_alone(cohort, count)
        rows.append(
            (", ".join(CLINICAL_INPUTS[:count]), format_number(auc.value), format_interval(auc), str(auc.n))
        )
    note = 'Logistic regression. The thesis "failed to achieve meaningful performance" and prints no figure.'
    table = TextTable(
        "Test patients",
        ("facts", "AUC", "95 % interval", "patients"),
        tuple(rows),
        (note,),
    )
    return Section(
        "clinical-only: the clinical facts without an image", [table], [], [_describe_source(cohort)]
    )


FUSED_NEEDS = "--data hospital=DIR and --data mmotu=DIR"


def find_fused_arm(plan: Plan) -> Arm | None:
    """Find the multitask arm with clinical facts that can be trained: denoised before original."""
    arms = (
        Arm("hospital", variant, "efficientnet", "mtl", clinical=True, pretrained=True)
        for variant in ("denoised", "original")
    )
    return next((arm for arm in arms if not plan.missing(arm)), None)


def _require_fused_arm(plan: Plan) -> Arm:
    arm = find_fused_arm(plan)
    if arm is None:
        raise InputError(f"an arm with clinical facts can't be trained: give {FUSED_NEEDS}.")
    return arm


def _load_trained(plan: Plan, hardware: Hardware) -> list[tuple[int, Network, Slides]]:
    """Load (seed, network, test slides) of the fused arm."""
    arm = _require_fused_arm(plan)
    return [
        (seed, load_arm(arm, seed, plan), read_slides(arm, seed, plan, "test", hardware))
        for seed in plan.seeds
    ]


def make_toggle(plan: Plan, hardware: Hardware) -> Section:
    arm = _require_fused_arm(plan)
    done = {run.made.seed: run for run in find_finished(plan.root)[arm]}
    decisions = make_row(arm, [load_arm_predictions(done[seed]) for seed in plan.seeds]).decisions
    rule = next(iter(decisions))  # CHOSEN, unless the validation part has one class alone
    thresholds = decisions[rule].threshold
    rows = []
    for (seed, network, slides), threshold in zip(_load_trained(plan, hardware), thresholds, strict=True):
        for t in toggle_facts(network, slides, threshold, hardware):
            flips = f"{format_number(t.flipped.value)}\n{format_interval(t.flipped)}"
            auc = f"{format_number(t.auc.value)}\n{format_interval(t.auc)}"
            name = t.fact.replace("_", " ")
            rows.append((str(seed), f"{name} = {t.value}", f"{t.shift:+.3f}", flips, auc))
    columns = ("seed", "set to, for everybody", "mean change of risk", "share of decisions that flip", "AUC")
    notes = (f"Threshold: {rule}. Intervals by patients.",)
    table = TextTable(f"{arm.name}, {arm.variant} test slides", columns, tuple(rows), notes)
    return Section("clinical-toggle: each clinical fact switched at inference (thesis, section 8)", [table])


def make_branch_shares(plan: Plan, hardware: Hardware) -> Section:
    arm = _require_fused_arm(plan)
    names = CLINICAL_INPUTS[: plan.configuration(arm).input.clinical_facts]
    rows = []
    for seed, network, slides in _load_trained(plan, hardware):
        shares = compute_branch_shares(network, slides, hardware)
        share = estimate(make_mean_figure(shares.clinical_share[None], slides.patients))
        sizes = [np.abs(values).mean() for values in (shares.image, shares.clinical)]
        rows.append(
            (
                str(seed),
                *(f"{size:.3f}" for size in sizes),
                format_number(share.value),
                format_interval(share),
            )
        )
    columns = (
        "seed",
        "image: mean size",
        "clinical facts: mean size",
        "share of the clinical facts",
        "95 % interval",
    )
    notes = (
        "Shapley values of the two branches (Shapley 1953) for the log odds of malignancy, each against the "
        f"other test slides. Clinical facts: {', '.join(names)}. Sizes are in log odds; the share "
        "is that of one slide, averaged. It tells what the network uses, not what is true of patients.",
    )
    table = TextTable(f"{arm.name}, {arm.variant} test slides", columns, tuple(rows), notes)
    return Section(
        "branch-shares: how much of a decision is image, how much clinical facts (thesis, section 8)", [table]
    )


def _describe_source(cohort: Cohort) -> str:
    synthetic = " Drawn by scanside: no patient's." if cohort.about["kind"] == "synthetic" else ""
    return f"Data: {cohort.about['kind']} cohort, fingerprint {cohort.fingerprint[:16]}.{synthetic}"
