"""What a person asked `trainer run` for, and where each arm of it lies on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scanside.errors import SettingError
from trainer.runs.arm import Arm
from trainer.settings.configuration import Configuration, override, resolve

# A small run shows that everything works; its figures mean nothing.
SMOKE = (
    *("input.height=56", "input.width=88", "input.cascade_side=40", "input.cascade_fallback=48"),
    *("training.epochs=2", "training.batch=8", "network.unet_width=8"),
)
_SMOKE_IMAGES, _SMOKE_PATIENTS = 48, 24


@dataclass(frozen=True)
class Plan:
    """One call of `trainer run`.

    Attributes:
        data: folders by name: "mmotu", "hospital", and either with "-denoised" behind it.
        out: where runs are written.
        seeds: every arm is trained once with each.
        overrides: "section.key=value", as given to --set.
        weights: "none", "imagenet" (downloaded), torchvision's file, or a folder of such files.
        devices: number of GPUs; without one the CPU is used.
    """

    data: Mapping[str, Path]
    out: Path
    seeds: tuple[int, ...] = (0, 1, 2)
    preset: str = "as-thesis"
    overrides: tuple[str, ...] = ()
    scale: str = "full"
    weights: str = "none"
    devices: int = 1

    def check(self) -> None:
        """
        Raises:
            SettingError: a data set or a hyperparameter that nothing reads.
        """
        known = [f"{name}{variant}" for name in ("mmotu", "hospital") for variant in ("", "-denoised")]
        for name in self.data:
            if name not in known:
                raise SettingError(f"--data {name}: known data sets are {', '.join(known)}.")
        for dataset in ("mmotu", "hospital", "pairs"):
            resolve(self.preset, dataset, self.overrides)

    @property
    def images(self) -> int | None:
        """How many images of MMOTU each part has; None is all."""
        return _SMOKE_IMAGES if self.scale == "smoke" else None

    @property
    def patients(self) -> int | None:
        """How many patients each part of the hospital's data has; None is all."""
        return _SMOKE_PATIENTS if self.scale == "smoke" else None

    def configuration(self, arm: Arm) -> Configuration:
        """Return every hyperparameter of `arm`."""
        configuration = resolve(self.preset, arm.dataset)
        return override(configuration, (*(SMOKE if self.scale == "smoke" else ()), *self.overrides))

    def folder(self, arm: Arm, seed: int) -> Path:
        """Return where one training of `arm` is written."""
        return self.root / "arms" / arm.slug / f"seed-{seed}"

    @property
    def root(self) -> Path:
        """Where everything of this scale is written."""
        return choose_root(self.out, self.scale)

    def missing(self, arm: Arm) -> str:
        """Say why `arm` can't be run with the data that were given; empty where it can."""
        for needed in (arm, *arm.needs):
            name = name_source(needed)
            if name not in self.data:
                return f"no data: give --data {name}=DIR" + (
                    " (a copy whose annotations are removed)" if needed.variant == "denoised" else ""
                )
        return ""

    def source(self, arm: Arm) -> Path:
        """Return the folder of the arm's data."""
        return self.data[name_source(arm)]


def choose_root(out: Path, scale: str) -> Path:
    """Choose where runs of a scale lie: figures of small ones must never mix with others."""
    return out if scale == "full" else out / scale


def name_source(arm: Arm) -> str:
    """Return the name under which --data gives the arm's data."""
    return arm.dataset + ("-denoised" if arm.variant == "denoised" else "")
