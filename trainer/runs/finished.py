"""What lies in a folder of runs: its trainings, and what each of them was made of."""

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from scanside.errors import InputError, SettingError
from scanside.regular_file import open_regular, read_regular
from trainer.runs.arm import Arm
from trainer.runs.claim import claim_folder
from trainer.settings.configuration import Configuration
from trainer.settings.fields import build_from_mapping

PARTS = ("validation", "test")


@dataclass(frozen=True)
class RunRecord:
    """All that decides the result of one training, as run.json keeps it.

    Attributes:
        weights: of the encoder at the start, as `train_arm.name_initial_weights` names them.
        data_kind: "mmotu", "hospital" or "synthetic".
        data_fingerprint: SHA-256 of the data set.
        builds_on: SHA-256 of the weights of each arm that it needs, by the arm's slug.
    """

    arm: Arm
    seed: int
    configuration: Configuration
    weights: str
    data_kind: str
    data_fingerprint: str
    builds_on: dict[str, str]

    def plain(self) -> dict[str, object]:
        """Return it as JSON gives it back: lists, no tuples."""
        plain: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return plain


@dataclass(frozen=True)
class FinishedRun:
    """A training that is done, and where it lies."""

    made: RunRecord
    folder: Path


def claim_arm(folder: Path, made: RunRecord) -> None:
    """Claim a folder as `claim_folder`, and name what differs.

    Raises:
        SettingError: it holds a training with other settings, other data or on other weights.
    """
    path = folder / "run.json"
    if not path.exists():
        claim_folder(folder, made.plain())
        return
    theirs, mine = read_run_record(path).plain(), made.plain()
    if theirs != mine:
        parts = [name.replace("_", " ") for name in mine if theirs[name] != mine[name]]
        differing = " and ".join(parts) + _name_first_difference(theirs, mine)
        raise SettingError(
            f"{folder} holds a training with another {differing}. "
            "Choose another --out, or remove that folder."
        )


def read_run_record(path: Path) -> RunRecord:
    """Read a run.json.

    Raises:
        InputError: it is damaged, or of another version.
    """
    try:
        content = json.loads(read_regular(path))
        content["configuration"]["input"].setdefault("ca125", False)  # there was none at first
        content["configuration"]["input"].setdefault("split", "official")
        content["configuration"]["input"].setdefault("test_fold", 0)
        return RunRecord(
            build_from_mapping(Arm, content["arm"], "arm."),
            int(content["seed"]),
            build_from_mapping(Configuration, content["configuration"], "configuration."),
            str(content["weights"]),
            str(content.get("data_kind", content["arm"]["dataset"])),  # not recorded at first
            str(content["data_fingerprint"]),
            {str(slug): str(digest) for slug, digest in content["builds_on"].items()},
        )
    except Exception as error:
        raise InputError(
            f"{path} tells of no training: {error}. Remove its folder to train again."
        ) from error


def find_finished(root: Path) -> dict[Arm, tuple[FinishedRun, ...]]:
    """Find every training under `root` that is done, by arm, in the order of the seeds."""
    runs_of: dict[Arm, list[FinishedRun]] = defaultdict(list)
    for path in (root / "arms").glob("*/seed-*/run.json"):
        if is_done(path.parent):
            made = read_run_record(path)
            runs_of[made.arm].append(FinishedRun(made, path.parent))
    return {arm: tuple(sorted(runs, key=lambda run: run.made.seed)) for arm, runs in runs_of.items()}


def is_done(folder: Path) -> bool:
    """Return whether the training in `folder` has come to its end."""
    return all((folder / f"{part}.npz").exists() for part in PARTS)


def digest_file(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Raises:
        InputError: it is not there.
    """
    try:
        with open_regular(path) as file:
            sha256 = hashlib.sha256()
            while block := file.read(2**20):
                sha256.update(block)
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror}). Remove its folder to train again."
        ) from error
    return sha256.hexdigest()


def _name_first_difference(theirs: dict[str, object], mine: dict[str, object]) -> str:
    """Name which setting differs first, so that a person need not compare files."""
    a, b = theirs["configuration"], mine["configuration"]
    assert isinstance(a, dict) and isinstance(b, dict)
    for section, values in a.items():
        if values != b[section]:
            if not isinstance(values, dict):
                return f" ({section} {values}, asked for {b[section]})"
            name = next(name for name in values if values[name] != b[section][name])
            return f" ({section}.{name} {values[name]}, asked for {b[section][name]})"
    return ""
