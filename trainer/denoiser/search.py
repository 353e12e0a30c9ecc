"""`trainer run denoiser`: the thesis's search for a denoiser, its networks and losses side by side."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import lightning
import numpy as np

from scanside.image import Size
from trainer.data import mmotu
from trainer.denoiser import whole
from trainer.denoiser.figures import WHERE, Restoration, measure_restoration
from trainer.denoiser.fitting import WholeDenoiserModule
from trainer.denoiser.loader import Views, make_plain_loader, make_training_loader
from trainer.denoiser.pairs import ScanPair, stack_pairs
from trainer.denoiser.sources import describe_training, make_pairs, read_part
from trainer.files.arrays import load_arrays, save_arrays
from trainer.models.denoiser.build import DenoiserName, build_denoiser
from trainer.report.page import Section
from trainer.report.table import TextTable
from trainer.runs.claim import claim_folder
from trainer.runs.plan import SMOKE, Plan
from trainer.settings.configuration import Configuration, override, resolve
from trainer.statistics.estimate import Estimate
from trainer.training.fit import fit_network
from trainer.training.hardware import Hardware, make_repeatable

TESTS = ("thesis", "broad")  # whose annotations the test pairs carry
_VIEWS = Views(gamma=0.0, grey=0.0)


@dataclass(frozen=True)
class DenoiserArm:
    """One row: a network and what it minimises.

    Attributes:
        alpha, beta: weight of annotated and of other pixels; equal: plain MSE.
        ssim: weight of 1 - SSIM.
        annotations: preset of those that it learns on.
    """

    network: DenoiserName
    alpha: float = 1.0
    beta: float = 1.0
    ssim: float = 0.0
    annotations: str = "thesis"

    @property
    def slug(self) -> str:
        """The name of its folder."""
        parts = [self.network, f"alpha{self.alpha:g}", f"beta{self.beta:g}"]
        parts += [f"ssim{self.ssim:g}"] if self.ssim else []
        return "-".join([*parts, *([] if self.annotations == "thesis" else [self.annotations])])

    @property
    def name(self) -> str:
        """As the table prints it."""
        network = {"unet": "U-Net", "autoencoder": "Autoencoder", "jung": "Jung's"}[self.network]
        loss = "MSE" if self.alpha == self.beta else f"weighted {self.alpha:g} / {self.beta:g}"
        loss += f" + {self.ssim:g} SSIM" if self.ssim else ""
        return f"{network}, {loss}" + ("" if self.annotations == "thesis" else f", {self.annotations} pairs")


ARMS = (
    DenoiserArm("autoencoder"),
    DenoiserArm("autoencoder", alpha=300.0),
    DenoiserArm("unet"),
    DenoiserArm("unet", ssim=0.05),
    DenoiserArm("unet", alpha=10.0, beta=0.1, ssim=0.05),  # the thesis's first
    *(DenoiserArm("unet", alpha=alpha) for alpha in (10.0, 50.0, 150.0, 300.0, 1000.0)),  # 300: its choice
    DenoiserArm("jung", alpha=150.0),  # the last one of its author's code
    DenoiserArm("unet", alpha=300.0, annotations="broad"),
)


def make_section(plan: Plan, hardware: Hardware) -> Section:
    """Train what is missing, and compare all arms on the same test pairs."""
    configuration = override(
        resolve(plan.preset, "pairs"), (*(SMOKE if plan.scale == "smoke" else ()), *plan.overrides)
    )
    rows: dict[str, list[list[str]]] = {test: [] for test in TESTS}
    for number, arm in enumerate(ARMS, start=1):
        print(f"denoiser, arm {number} of {len(ARMS)}: {arm.slug}", flush=True)
        folders = [_train_arm(arm, seed, configuration, plan, hardware) for seed in plan.seeds]
        for test in TESTS:
            rows[test].append([arm.name, *_format_cells(_join_seeds(folders, test))])
    columns = ("arm", *(f"{figure} {where}" for where in WHERE for figure in ("PSNR, dB", "SSIM")))
    size = configuration.input.size
    notes = (
        f"Scans at {size.height} x {size.width} px, {configuration.training.epochs} epochs, width "
        f"{configuration.network.unet_width} (thesis: 336 x 544, 200, 64), {len(plan.seeds)} seed(s). Inside "
        "and outside: of the annotated pixels. 95 % intervals by bootstrap over scans.",
    )
    tables = []
    for test in TESTS:
        pairs = stack_pairs(_make_pairs(plan, "test", test, size))
        untouched = measure_restoration(np.asarray(pairs.scan.astype(np.float32) / 255, np.float32), pairs)
        what = "the thesis's annotations" if test == "thesis" else "all kinds of annotations"
        cells = tuple(map(tuple, [["untouched", *_format_cells(untouched)], *rows[test]]))
        tables.append(TextTable(f"Test scans with {what}", columns, cells, notes))
    return Section("denoiser: networks and losses", tables)


def _train_arm(
    arm: DenoiserArm, seed: int, configuration: Configuration, plan: Plan, hardware: Hardware
) -> Path:
    """Return the folder of one training, which is begun, gone on with, or done."""
    folder, size = plan.root / "denoisers" / arm.slug / f"seed-{seed}", configuration.input.size
    made = {"arm": asdict(arm), "seed": seed, "configuration": asdict(configuration)}
    made["data_fingerprint"] = _fingerprint(plan.data["mmotu"])
    claim_folder(folder, made)
    if (folder / f"{TESTS[-1]}.npz").exists():
        return folder
    lightning.seed_everything(seed, verbose=False)
    width, training = configuration.network.unet_width, configuration.training
    network = build_denoiser(arm.network, width)
    fitting = WholeDenoiserModule(
        network, configuration.optimiser, training, seed, arm.alpha, arm.beta, arm.ssim
    )
    train, validation = (_make_pairs(plan, part, arm.annotations, size) for part in ("train", "validation"))
    what = f"{arm.slug}, seed {seed}"
    with make_repeatable(hardware):
        loader = make_training_loader(len(train), lambda _: train, size, _VIEWS, training.batch, seed)
        fit_network(fitting, loader, make_plain_loader(validation, training.batch), folder, what, hardware)
    state, about = (
        dict(network.state_dict()),
        {**made, "trained_on": describe_training(len(train), plan.scale)},
    )
    whole.save(whole.WholeCheckpoint(state, arm.network, width, size, about), folder / "checkpoint.pt")
    for test in TESTS:
        pairs = stack_pairs(_make_pairs(plan, "test", test, size))
        save_arrays(
            measure_restoration(whole.clean_scans(network, pairs.scan), pairs), folder / f"{test}.npz"
        )
    for checkpoint in ("best.ckpt", "last.ckpt"):  # large, and of use to a broken-off training only
        (folder / checkpoint).unlink(missing_ok=True)
    return folder


_fingerprint = lru_cache(mmotu.compute_fingerprint)


def _make_pairs(plan: Plan, part: str, annotations: str, size: Size) -> list[ScanPair]:
    return _draw_pairs(plan.data["mmotu"], part, plan.images, annotations, size)


@lru_cache(maxsize=8)  # arms share them
def _draw_pairs(data: Path, part: str, scans: int | None, annotations: str, size: Size) -> list[ScanPair]:
    seed = ("train", "validation", "test").index(part)
    return make_pairs(read_part(data, part, scans), [size], seed, annotations, what=f"{part} pairs")


def _join_seeds(folders: Sequence[Path], test: str) -> Restoration:
    """Join the figures of several seeds into one, (S, 3, N)."""
    runs = [load_arrays(Restoration, folder / f"{test}.npz", "figures of a denoiser") for folder in folders]
    return Restoration(**{name: np.stack([getattr(run, name) for run in runs]) for name in vars(runs[0])})


def _format_cells(figures: Restoration) -> list[str]:
    estimates = [estimate for where in WHERE for estimate in (figures.psnr(where), figures.ssim(where))]
    return [
        _format_cell(estimate, digits)
        for estimate, digits in zip(estimates, (2, 3) * len(WHERE), strict=True)
    ]


def _format_cell(estimate: Estimate, digits: int) -> str:
    interval = estimate.reason or f"[{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
    return f"{estimate.value:.{digits}f}\n{interval}"
