"""A folder of DICOM files -> a folder of the same scans without identity, and a list of what was left out."""

import filecmp
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from scanside.deidentify.instance import Deidentified, deidentify
from scanside.deidentify.key import Key, load_or_make_key
from scanside.errors import InputError, NotScorable, SettingError
from trainer.prepare.pool import run_all
from trainer.tree import list_tree


@dataclass(frozen=True)
class LeftOut:
    """A file that was not written, and why."""

    source: Path
    reason: str


def run(source: Path, target: Path, key_file: Path) -> None:
    """De-identify every file under `source` into `target` and print what was left out.

    Raises:
        SettingError: folders within one another, or the key among what is passed on.
        InputError: no file could be de-identified.
    """
    _check_places(source, target, key_file)
    key = load_or_make_key(key_file)
    files, closed = list_tree(source)
    sources = [path for path in files if path.resolve() != key_file.resolve()]
    written, left_out = _all(sources, target, key)
    for left in [*(LeftOut(entry.path, entry.reason) for entry in closed), *left_out]:
        print(f"left out: {_shown(left.source.relative_to(source))}: {_shown(left.reason)}")
    black = sum(done.black_frames for done in written)
    print(f"{len(written)} of {len(sources)} files de-identified, {sum(d.frames for d in written)} frames.")
    if black:
        print(f"{black} frames hold no scan and are black.")
    if not written:
        raise InputError(f"nothing under {source} could be de-identified; the reasons are listed above.")


def _check_places(source: Path, target: Path, key_file: Path) -> None:
    if not source.is_dir():
        raise SettingError(f"{source} is not a folder. Check the path.")
    inside, outside = target.resolve(), source.resolve()
    if inside == outside or inside in outside.parents or outside in inside.parents:
        raise SettingError(f"{target} and {source} lie within one another. Choose a folder beside {source}.")
    if inside in key_file.resolve().parents:
        raise SettingError(f"the key {key_file} may not lie in {target}: whoever gets one must not get both.")


def _all(sources: list[Path], target: Path, key: Key) -> tuple[list[Deidentified], list[LeftOut]]:
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".unfinished-") as folder:
            return _all_by(Path(folder), sources, target, key)
    except OSError as error:  # of a source it would be a reason to leave it out
        reason = error.strerror or error
        raise InputError(f"{target} can't be written: {reason}. Free space, or choose another.") from error


def _all_by(
    folder: Path, sources: list[Path], target: Path, key: Key
) -> tuple[list[Deidentified], list[LeftOut]]:
    """By way of `folder`, from which only whole files are moved."""
    written: list[Deidentified] = []
    left_out: list[LeftOut] = []
    origin: dict[str, Path] = {}
    # One process, so that of two files with one UID it is always the first that is written.
    with closing(run_all(partial(_one, folder=folder, key=key), sources, 1)) as outcomes:
        for source, outcome in track(outcomes, "De-identifying", len(sources), console=Console(stderr=True)):
            if isinstance(outcome, Deidentified) and not _place(outcome, target):
                twin = origin.get(str(outcome.place), "a file of an earlier run")
                outcome = f"its SOP Instance UID is that of {twin}, its content is not"
            if isinstance(outcome, Deidentified):
                origin.setdefault(str(outcome.place), source)
                written.append(outcome)
            else:
                left_out.append(LeftOut(source, outcome or "it crashes the decoder: damaged."))
    return written, left_out


def _place(done: Deidentified, target: Path) -> bool:
    """Move a finished file to where it belongs; never over another one. An equal one is left as it is."""
    final = target / done.place
    if final.exists():
        same = filecmp.cmp(final, done.path, shallow=False)
        done.path.unlink()
        return same
    final.parent.mkdir(parents=True, exist_ok=True)
    done.path.replace(final)
    return True


def _one(source: Path, folder: Path, key: Key) -> Deidentified | str:
    """Never an exception for a file: what can't be cleaned is left out, with the reason.

    It is written into a folder of its own: the next file may have the same UID before this one is placed.
    """
    try:
        return deidentify(source, Path(tempfile.mkdtemp(dir=folder)), key)
    except NotScorable as error:
        return str(error)
    except MemoryError:
        return "it needs more memory than there is"


def _shown(text: object) -> str:
    """Text from outside, harmless on a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
