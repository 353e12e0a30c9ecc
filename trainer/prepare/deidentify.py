"""A folder of DICOM files -> a folder of the same scans without identity, and a list of what was left out."""

import filecmp
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from scanside.deidentify.burned_in import TextRule, WhenText
from scanside.deidentify.instance import Deidentified, deidentify
from scanside.deidentify.key import Key, load_or_make_key
from scanside.deidentify.text import default_text_finder
from scanside.errors import InputError, NotScorable, SettingError
from trainer.prepare.pool import run_all
from trainer.prepare.read_text import find_reader
from trainer.prepare.tree import list_tree


@dataclass(frozen=True)
class LeftOutFile:
    """A file that was not written, and why."""

    source: Path
    reason: str


@dataclass(frozen=True)
class WrittenCopy:
    """A copy that was written, and the file that it was made from."""

    source: Path
    copy: Deidentified


def deidentify_folder(
    source: Path, target: Path, key_file: Path, when_text: WhenText = WhenText.BLANK
) -> None:
    """De-identify every file under `source` into `target`; print what was found in each and what is left out.

    Args:
        when_text: what becomes of a file with text on its tissue.

    Raises:
        SettingError: folders within one another, or the key among what is passed on.
        InputError: no file could be de-identified.
    """
    _check_places(source, target, key_file)
    key = load_or_make_key(key_file)
    files, closed = list_tree(source)
    sources = [path for path in files if not _is_same(path, key_file)]
    written, left_out = _deidentify_all(sources, target, key, when_text)
    for done in written:
        print(f"{_make_printable(done.source.relative_to(source))}: {done.copy.text.sentence}")
    for left in [*(LeftOutFile(entry.path, entry.reason) for entry in closed), *left_out]:
        print(f"left out: {_make_printable(left.source.relative_to(source))}: {_make_printable(left.reason)}")
    copies = [done.copy for done in written]
    black = sum(copy.black_frames for copy in copies)
    print(
        f"{len(copies)} of {len(sources)} files de-identified, {sum(copy.frames for copy in copies)} frames."
    )
    print(summarise_text([copy.text.names_patient for copy in copies if copy.text.frames], when_text))
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


def summarise_text(named: list[bool | None], when_text: WhenText) -> str:
    """Write one line: on how many files' tissue text was found, who read it, and what was done.

    Args:
        named: of each of them whether it may name the patient; None where it was not read.
    """
    done = {
        WhenText.BLANK: "It was blacked out.",
        WhenText.REFUSE: "Files with text were left out.",
        WhenText.KEEP: "It was kept, and their Patient Identity Removed is NO.",
    }
    counted = f"Text on tissue: found in {len(named)} of them. " + (done[when_text] if named else "")
    if find_reader() is None:
        return f"{counted.strip()} It was not read, since tesseract is not installed."
    return f"{counted.strip()} Read by tesseract: may name the patient in {sum(map(bool, named))}."


def _deidentify_all(
    sources: list[Path], target: Path, key: Key, when_text: WhenText
) -> tuple[list[WrittenCopy], list[LeftOutFile]]:
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".unfinished-") as folder:
            return _deidentify_by_way_of(Path(folder), sources, target, key, when_text)
    except OSError as error:  # of a source it would be a reason to leave it out
        reason = error.strerror or error
        raise InputError(f"{target} can't be written: {reason}. Free space, or choose another.") from error


def _deidentify_by_way_of(
    folder: Path, sources: list[Path], target: Path, key: Key, when_text: WhenText
) -> tuple[list[WrittenCopy], list[LeftOutFile]]:
    """De-identify by way of `folder`, from which only whole files are moved."""
    written: list[WrittenCopy] = []
    left_out: list[LeftOutFile] = []
    origin: dict[str, Path] = {}
    # One process, so that of two files with one UID it is always the first that is written.
    work = partial(_deidentify_one, folder=folder, key=key, when_text=when_text)
    with closing(run_all(work, sources, 1)) as outcomes:
        for source, outcome in track(outcomes, "De-identifying", len(sources), console=Console(stderr=True)):
            if isinstance(outcome, Deidentified) and not _place_copy(outcome, target):
                twin = origin.get(str(outcome.place), "a file of an earlier run")
                outcome = f"its SOP Instance UID is that of {twin}, its content is not"
            if isinstance(outcome, Deidentified):
                origin.setdefault(str(outcome.place), source)
                written.append(WrittenCopy(source, outcome))
            else:
                left_out.append(LeftOutFile(source, outcome or "it crashes the decoder: damaged."))
    return written, left_out


def _place_copy(done: Deidentified, target: Path) -> bool:
    """Move a finished file to where it belongs; never over another one. An equal one is left as it is."""
    final = target / done.place
    if final.exists():
        same = filecmp.cmp(final, done.path, shallow=False)
        done.path.unlink()
        return same
    final.parent.mkdir(parents=True, exist_ok=True)
    done.path.replace(final)
    return True


def _deidentify_one(source: Path, folder: Path, key: Key, when_text: WhenText) -> Deidentified | str:
    """De-identify one file without raising for it: what can't be cleaned is left out, with the reason.

    It is written into a folder of its own: the next file may have the same UID before this one is placed.
    """
    try:
        rule = TextRule(default_text_finder(), find_reader(), when_text)
        return deidentify(source, Path(tempfile.mkdtemp(dir=folder)), key, rule)
    except NotScorable as error:
        return str(error)
    except MemoryError:
        return "it needs more memory than there is"


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # gone since the folder was listed: who opens it says so
        return False


def _make_printable(text: object) -> str:
    """Make text from outside harmless on a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
