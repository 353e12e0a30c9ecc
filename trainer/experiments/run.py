"""`trainer run EXPERIMENT`: train what is missing of its arms, make the report of what lies on disk."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scanside.errors import InputError, SettingError
from trainer.data import mmotu
from trainer.data.hospital import read_dataset
from trainer.data.slides import check_parts
from trainer.experiments.analyses import ANALYSES
from trainer.experiments.catalogue import EXPERIMENTS
from trainer.report.page import Section, load_section, save_section, write_report
from trainer.report.sections import make_section
from trainer.report.terminal import print_section
from trainer.runs.arm import Arm
from trainer.runs.experiment import Experiment
from trainer.runs.finished import FinishedRun, find_finished, is_done
from trainer.runs.plan import Plan, choose_root
from trainer.runs.train_arm import train_arm
from trainer.training.hardware import Hardware, find_hardware


def run_experiment(name: str, plan: Plan) -> tuple[Path, Path]:
    """Run one experiment, or "all" for which data were given.

    Returns:
        The report as HTML and as Markdown.

    Raises:
        SettingError: nothing can be run with the data that were given.
        InputError: of the data something is missing.
    """
    names = list(CATALOGUE) if name == "all" else [name]
    unable = {experiment: why for experiment in names if (why := _explain_unable(experiment, plan))}
    if len(unable) == len(names):
        raise SettingError(f"{names[0]} can't be run: {unable[names[0]]}.")
    remarks = _check_data(plan)
    hardware, remark = find_hardware(plan.devices)
    for line in filter(None, (remark, *remarks)):
        print(line)
    sections = []
    for experiment in names:
        if experiment not in unable:
            sections.append(_run_one(experiment, plan, hardware))
            print_section(sections[-1], plan.scale)
    if remarks:
        sections.append(Section("Data", notes=remarks))
    if unable:
        sections.append(
            Section("Not run", notes=[f"{experiment}: {why}." for experiment, why in unable.items()])
        )
    return write_report(plan.root / "reports" / name, sections, plan.scale)


def write_full_report(out: Path, scale: str) -> tuple[Path, Path]:
    """Write the report of every experiment that has a finished arm, without data and without training.

    Raises:
        InputError: nothing is done under `out`.
    """
    root = choose_root(out, scale)
    done, sections = find_finished(root), []
    for name in CATALOGUE:
        saved = root / "sections" / f"{name}.json"
        if saved.exists():
            sections.append(load_section(saved))
        elif name in EXPERIMENTS and any(arm in done for arm in EXPERIMENTS[name].arms):
            sections.append(_make_section(EXPERIMENTS[name], done, {}, root))
    if not sections:
        raise InputError(f"{root} holds no finished {scale} run. Give the --out of 'trainer run'.")
    return write_report(root / "reports" / "everything", sections, scale)


def _check_data(plan: Plan) -> list[str]:
    """Check every data set before hours of training may pass until the first arm that reads it.

    Returns:
        What a reader of the report has to know of them.

    Raises:
        InputError: a file of MMOTU is missing, or a hospital's data set is damaged or lacks a part.
        SettingError: one without annotations is given for one with them.
    """
    remarks = []
    for name, folder in plan.data.items():
        if name.startswith("mmotu"):
            mmotu.compute_fingerprint(folder)
            denoised = mmotu.is_denoised(folder)
        else:
            cohort = read_dataset(folder)
            check_parts(cohort)
            denoised = cohort.is_denoised
        if denoised and not name.endswith("-denoised"):
            raise SettingError(f"--data {name}: {folder} is without annotations. Give it as {name}-denoised.")
        if name.endswith("-denoised") and not denoised:
            remarks.append(f"{name} does not say that annotations were removed: not of 'trainer denoise'.")
    return remarks


def _run_one(name: str, plan: Plan, hardware: Hardware) -> Section:
    if name in ANALYSES:
        analysis = ANALYSES[name]
        train_arms(name, analysis.arms(plan), plan, hardware)
        section = analysis.section(plan, hardware)
        save_section(section, plan.root / "sections" / f"{name}.json")
        return section
    experiment = EXPERIMENTS[name]
    left_out = {arm: why for arm in experiment.arms if (why := plan.missing(arm))}
    train_arms(name, [arm for arm in experiment.arms if arm not in left_out], plan, hardware)
    return _make_section(experiment, find_finished(plan.root), left_out, plan.root)


def train_arms(name: str, arms: Sequence[Arm], plan: Plan, hardware: Hardware) -> None:
    """Train `arms` and all that they need, with each seed."""
    ordered = order_arms(arms)
    for number, arm in enumerate(ordered, start=1):
        for seed in plan.seeds:
            before = "done before" if is_done(plan.folder(arm, seed)) else ""
            what = f"{name}, arm {number} of {len(ordered)}: {arm.slug}, seed {seed}"
            print(f"{what} {before}".rstrip(), flush=True)
            train_arm(arm, seed, plan, hardware)


def order_arms(arms: Iterable[Arm]) -> list[Arm]:
    """Order `arms` and all that they start from, each once, what is needed first."""
    ordered: list[Arm] = []
    for arm in arms:
        ordered += [needed for needed in (*order_arms(arm.needs), arm) if needed not in ordered]
    return ordered


def _make_section(
    experiment: Experiment,
    done: Mapping[Arm, tuple[FinishedRun, ...]],
    left_out: Mapping[Arm, str],
    root: Path,
) -> Section:
    mine = {arm: done[arm] for arm in experiment.arms if arm in done}
    why = {arm: left_out.get(arm, "not trained yet") for arm in experiment.arms if arm not in mine}
    return make_section(experiment, mine, why, root)


def _explain_unable(name: str, plan: Plan) -> str:
    """Explain why nothing of an experiment can be run; empty where something can."""
    if name in ANALYSES:
        return ANALYSES[name].unable(plan)
    missing = [plan.missing(arm) for arm in EXPERIMENTS[name].arms]
    return missing[0] if all(missing) else ""


CATALOGUE = (*EXPERIMENTS, *ANALYSES)
