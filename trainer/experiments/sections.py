"""An experiment's results as a section of the report, and as results.json beside it."""

from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from scanside import RESEARCH_USE
from scanside.errors import SettingError
from trainer.data import mmotu
from trainer.data.hospital import read_dataset
from trainer.examples import load_examples
from trainer.experiments.arm import Arm
from trainer.experiments.clinical import facts_alone, malignancy_by_facts, toggle
from trainer.experiments.evaluation import Evaluation, row
from trainer.experiments.plan import Plan
from trainer.experiments.train_arm import load_arm, slides_of, train_arm
from trainer.report import charts
from trainer.report.page import Section, write_json
from trainer.report.table import (
    TextTable,
    comparisons_table,
    confusion_table,
    figures_table,
    interval,
    number,
)

CLINICAL = ("figure4", "clinical-only", "clinical-toggle")
_BENIGN_MALIGNANT = ("benign", "malignant")


def section_of(evaluation: Evaluation, plan: Plan) -> Section:
    """Tables, curves, and the examples of every arm's first seed; writes results.json."""
    experiment = evaluation.experiment
    tables = [figures_table(evaluation)]
    if evaluation.comparisons:
        tables.append(comparisons_table(evaluation))
    if any(r.decisions for r in evaluation.rows):
        tables.append(confusion_table(evaluation))
    first = plan.seeds[0]
    folders = [(r.arm, plan.folder(r.arm, first)) for r in evaluation.rows]
    logs = [(arm.label, folder / "logs" / "metrics.csv") for arm, folder in folders]
    pictures: list[tuple[str, str | bytes]] = []
    if any(r.result.risk is not None for r in evaluation.rows):
        pictures.append(("Test slides; mean risk over seeds.", charts.curves(evaluation.rows)))
    pictures.append((f"Seed {first}.", charts.training(logs)))
    for arm, folder in folders:
        classes = mmotu.CLASSES if arm.dataset == "mmotu" else _BENIGN_MALIGNANT
        caption = f"{arm.label}, seed {first}: the expert's outline is green, the network's orange."
        pictures.append((caption, charts.sheet(load_examples(folder / "examples.npz"), classes)))
    folder = plan.root / "results"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{experiment.name}.json", _results(evaluation, plan))
    settings = plan.configuration(evaluation.rows[0].arm)
    notes = [
        f"Preset {settings.preset}, {settings.training.epochs} epochs, input {settings.input.height} x "
        f"{settings.input.width}, {len(plan.seeds)} seed(s)"
        + (f", changed by {' '.join(plan.overrides)}" if plan.overrides else "")
        + f"; encoder weights at the start: {plan.weights}."
    ]
    return Section(f"{experiment.name}: {experiment.title}", tables, pictures, notes)


def clinical_section(name: str, plan: Plan) -> Section:
    """Figure 4, the classifier on the facts alone, or the facts switched at inference."""
    if name == "clinical-toggle":
        return _toggle_section(plan)
    source = plan.data.get("hospital") or plan.data.get("hospital-denoised")
    if source is None:
        raise SettingError(f"{name} was not run: no data: give --data hospital=DIR.")
    cohort = read_dataset(source)
    if name == "clinical-only":
        auc = facts_alone(cohort)
        cells = ((number(auc.value), interval(auc), str(auc.n)),)
        table = TextTable("AUC by patients, test part", ("AUC", "95 % interval", "patients"), cells)
        return Section("clinical-only: the two clinical facts without an image", [table])
    shares = malignancy_by_facts(cohort)
    rows = tuple((*key, number(e.value), interval(e), str(e.n)) for key, e in shares.items())
    columns = ("centre", "menopausal status", "malignant", "95 % interval", "patients")
    centres = sorted({centre for centre, _ in shares})
    statuses = sorted({status for _, status in shares})
    values = [(s, [shares[c, s].value if (c, s) in shares else 0.0 for c in centres]) for s in statuses]
    picture = charts.bars("Malignant patients by centre and menopausal status", centres, values, "share")
    title = "figure4: malignancy by menopausal status"
    return Section(title, [TextTable("Patients", columns, rows)], [("All patients.", picture)])


def _toggle_section(plan: Plan) -> Section:
    arms = [
        Arm("hospital", variant, "efficientnet", "mtl", clinical=True, pretrained=True)
        for variant in ("denoised", "original")
    ]
    arm = next((arm for arm in arms if not plan.missing(arm)), None)
    if arm is None:
        raise SettingError(f"clinical-toggle was not run: {plan.missing(arms[1])}.")
    for needed in (*arm.needs, arm):
        predictions = [train_arm(needed, seed, plan) for seed in plan.seeds]
    thresholds = row(arm, predictions).decisions["chosen on validation"].threshold
    rows = []
    for seed, threshold in zip(plan.seeds, thresholds, strict=True):
        network, slides = load_arm(arm, seed, plan), slides_of(arm, seed, plan, "test")
        for t in toggle(network, slides, threshold):
            flips = f"{number(t.flipped.value)} ({interval(t.flipped)})"
            set_to = f"{t.fact} = {t.value}"
            rows.append((str(seed), set_to, f"{t.shift:+.3f}", flips, number(t.auc.value), interval(t.auc)))
    columns = ("seed", "set to", "mean change of risk", "decisions flipped", "AUC", "95 % interval")
    table = TextTable(f"{arm.label}, test slides", columns, tuple(rows))
    return Section("clinical-toggle: each clinical fact switched at inference", [table])


def _results(evaluation: Evaluation, plan: Plan) -> dict[str, Any]:
    return {
        "experiment": evaluation.experiment.name,
        "research_use": RESEARCH_USE,
        "scale": plan.scale,
        "seeds": list(plan.seeds),
        "arms": {
            r.arm.slug: {
                "name": r.arm.label,
                "figures": _plain(dict(r.figures)),
                "decisions": _plain(dict(r.decisions)),
                "calibration_error": _plain(r.calibration_error),
            }
            for r in evaluation.rows
        },
        "comparisons": _plain(list(evaluation.comparisons)),
        "left_out": dict(evaluation.left_out),
    }


def _plain(value: Any) -> Any:
    """Dataclasses as tables, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
