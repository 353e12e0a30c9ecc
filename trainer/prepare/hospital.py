"""`trainer prepare hospital`: DICOM, a clinical table and drawn masks become a dataset without identity.

Read `prepare_hospital` top to bottom. Each file leaves a record in DST/.progress, so that the same command
goes on where it was broken off, and does again only what has changed.
"""

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scanside import __version__
from scanside.deidentify.burned_in import WhenText
from scanside.deidentify.key import Key, load_or_make_key
from scanside.errors import InputError, SettingError
from scanside.facts import ClinicalRecord
from trainer.data.hospital import Cohort, CohortSlide, read_dataset
from trainer.files.lock import lock_target
from trainer.files.write import write_file
from trainer.prepare.clinical import Malignancy, read_clinical
from trainer.prepare.dataset import TEST_SHARE, SplitFacts, draw_split, finish_dataset, make_pseudonym
from trainer.prepare.instance import FileJob, LeftOutFrame, PreparedFile, prepare_file
from trainer.prepare.masks import Unused, match_masks
from trainer.prepare.pool import run_all
from trainer.prepare.read_text import find_reader
from trainer.prepare.report import MissingSlide, make_left_out_table, make_private_table, make_report
from trainer.prepare.tree import list_tree

_PROGRESS = ".progress"
_LOCK = "lock"  # in it; the first file that a run makes
_NOT_DICOM = {".json", ".csv", ".txt", ".png", ".jpg", ".jpeg"}  # what lies beside scans and masks


@dataclass(frozen=True)
class PreparationSettings:
    """The options of the command.

    Attributes:
        source: a tree of DICOM files.
        target: the dataset; empty, or begun by this command.
        clinical: the table.
        masks: a tree of Labelme files; the source where not given.
        key: the file of the secret; beside the target where not given.
        jobs: number of processes.
        cine_frames: how many frames of a cine are kept, besides those with a mask.
        seed: of the split.
        when_text: what becomes of a slide with text on its tissue.
    """

    source: Path
    target: Path
    clinical: Path
    masks: Path | None = None
    key: Path | None = None
    jobs: int = 1
    cine_frames: int = 5
    seed: int = 0
    when_text: WhenText = WhenText.BLANK

    @property
    def key_file(self) -> Path:
        beside = self.target.absolute()  # "." has no name of its own
        return self.key or beside.with_name(f"{beside.name}.key")

    @property
    def private_file(self) -> Path:
        """What was left out, with the files' names: beside the key, since names may be patients'."""
        return self.key_file.with_name(f"{self.key_file.name}.left-out.csv")


def prepare_hospital(settings: PreparationSettings, console: Console) -> Cohort:
    """Prepare, or go on preparing, a dataset.

    Raises:
        InputError: a folder, the table or a setting is wrong, or no slide could be made.
    """
    _check_folders(settings)
    clinical = read_clinical(settings.clinical)
    images = list_files(settings.source, besides=settings.clinical)
    with _lock_out_others(settings.target):
        return _prepare_alone(settings, clinical, images, console)


def _prepare_alone(
    settings: PreparationSettings,
    clinical: Mapping[str, tuple[ClinicalRecord, Malignancy]],
    images: Sequence[PurePosixPath],
    console: Console,
) -> Cohort:
    masks, unused = match_masks(settings.masks or settings.source, images)
    key = load_or_make_key(settings.key_file)
    _claim_folder(settings, key)
    jobs = [_make_job(settings, key, number, image, masks) for number, image in enumerate(images, start=1)]
    prepared = _prepare_files(jobs, settings, console)
    facts = {key.pseudonym(patient): fact for patient, fact in clinical.items()}
    slides, missing = join_tables(jobs, prepared, facts, unused)
    missing += list_closed(settings.source, settings.masks or settings.source)
    with_slides = {slide.patient for slide in slides}
    known = {name: SplitFacts(facts[name][0], facts[name][1] is Malignancy.YES) for name in with_slides}
    patients = draw_split(known, settings.seed)
    private = make_private_table(missing)
    _write_private(settings.private_file, private)
    if not slides:
        raise InputError(f"no slide could be made of {settings.source}: {settings.private_file} says why.")
    _drop_orphans(settings.target, slides)
    write_file(settings.target / "left-out.csv", make_left_out_table(missing))
    without = len(facts) - len(with_slides)
    write_file(
        settings.target / "report.md", make_report(patients, slides, missing, len(images), without).encode()
    )
    finish_dataset(
        settings.target,
        patients,
        slides,
        kind="hospital",
        name=settings.target.absolute().name,
        split={"method": "by patient, stratified", "seed": settings.seed, "share_test": TEST_SHARE},
        preparation={
            "cine_frames": settings.cine_frames,
            "cut": "sector at source resolution, grey",
            "text_on_tissue": settings.when_text.value,
            "text_read": find_reader() is not None,
        },
    )
    return read_dataset(settings.target)


def list_files(source: Path, besides: Path) -> list[PurePosixPath]:
    """List every file under `source` that may be DICOM, relative to it, sorted, without hidden ones."""
    images = []
    for path in list_tree(source)[0]:
        inside = PurePosixPath(path.relative_to(source).as_posix())
        hidden = any(part.startswith(".") for part in inside.parts)
        if not hidden and path.suffix.lower() not in _NOT_DICOM and path != besides:
            images.append(inside)
    if not images:
        raise InputError(f"{source} holds no file that may be DICOM. Check SRC.")
    return sorted(images)


def list_closed(*folders: Path) -> list[MissingSlide]:
    """List what could not be looked at in SRC and among the masks."""
    closed = {entry.path: entry for folder in folders for entry in list_tree(folder)[1]}
    return [
        MissingSlide(0, path, LeftOutFrame(entry.what, 0, entry.reason)) for path, entry in closed.items()
    ]


def join_tables(
    jobs: Sequence[FileJob],
    prepared: Mapping[int, PreparedFile],
    facts: Mapping[str, tuple[ClinicalRecord, Malignancy]],
    unused: Sequence[Unused],
) -> tuple[list[CohortSlide], list[MissingSlide]]:
    """Give each slide its patient's malignancy; leave out what has none, and what is there twice."""
    slides: list[CohortSlide] = []
    missing = [
        MissingSlide(0, unused_mask.path, LeftOutFrame("mask", 0, unused_mask.reason))
        for unused_mask in unused
    ]
    twice = _find_contradictions(prepared.values())
    names: set[str] = set()
    images: set[str] = set()
    for job in jobs:
        done = prepared[job.number]
        missing += [MissingSlide(job.number, job.path, left) for left in done.left_out]
        malignancy = facts[done.patient][1] if done.patient in facts else None
        if done.patient and malignancy in (None, Malignancy.UNKNOWN):
            reason = "patient not in the clinical table" if malignancy is None else "malignancy unknown"
            missing.append(MissingSlide(job.number, job.path, LeftOutFrame("file", 0, reason)))
            continue
        for slide in done.slides:
            reason = twice.get(slide.name) or twice.get(slide.image_sha256) or ""
            if not reason and slide.name in names:
                reason = "the same instance again"
            elif not reason and slide.image_sha256 in images:
                reason = "the same image again"
            if reason:
                missing.append(MissingSlide(job.number, job.path, LeftOutFrame("frame", slide.frame, reason)))
                continue
            names.add(slide.name)
            images.add(slide.image_sha256)
            slides.append(replace(slide, malignant=malignancy is Malignancy.YES))
    return sorted(slides, key=lambda slide: slide.name), missing


def _find_contradictions(prepared: Collection[PreparedFile]) -> dict[str, str]:
    """Find names of slides and digests of images whose content or patient is in doubt, with the reason."""
    all_slides = [slide for done in prepared for slide in done.slides]
    contents, owners = defaultdict(set), defaultdict(set)
    for slide in all_slides:
        contents[slide.name].add((slide.patient, slide.image_sha256, slide.mask_sha256))
        owners[slide.image_sha256].add(slide.patient)
    reasons = {
        name: "one SOP Instance UID for different images" for name, of in contents.items() if len(of) > 1
    }
    return reasons | {
        image: "one image under different patients" for image, of in owners.items() if len(of) > 1
    }


def _check_folders(settings: PreparationSettings) -> None:
    source, target, key = (p.resolve() for p in (settings.source, settings.target, settings.key_file))
    if not source.is_dir():
        raise InputError(f"{settings.source} is not a folder. Give the tree of DICOM files as SRC.")
    if settings.masks and not settings.masks.is_dir():
        raise InputError(f"--masks {settings.masks} is not a folder.")
    if target == source or source in target.parents or target in source.parents:
        raise SettingError(f"SRC {settings.source} and DST {settings.target} lie in each other. Part them.")
    if key.is_relative_to(target):
        raise SettingError(
            f"the key {settings.key_file} must not lie in the dataset: it finds patients again."
        )
    begun = any((target / _PROGRESS / name).is_file() for name in (_LOCK, "settings.json"))
    if target.exists() and not (target.is_dir() and (begun or not any(target.iterdir()))):
        raise InputError(f"{settings.target} is not empty and not begun by this command. Give a new folder.")


@contextmanager
def _lock_out_others(target: Path) -> Iterator[None]:
    """Keep other runs out of `target`, until this one ends or is killed: they would delete its images."""
    path = target / _PROGRESS / _LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise InputError(f"{target} can't be written: {error.strerror}. Choose another folder.") from error
    with lock_target(path, target, f"another run is writing to {target}. Wait for its end."):
        yield


def _claim_folder(settings: PreparationSettings, key: Key) -> None:
    """Refuse to go on with another key or preparation than the folder was begun with."""
    now = {
        "key": hashlib.sha256(b"scanside dataset\0" + key.secret).hexdigest(),
        "cine_frames": settings.cine_frames,
        "text": settings.when_text.value,
        "made_by": f"scanside {__version__}",
    }
    path = settings.target / _PROGRESS / "settings.json"
    if not path.exists():
        write_file(path, json.dumps(now).encode())
    try:
        begun = json.loads(path.read_bytes())
        changed = [name for name, value in now.items() if begun.get(name) != value]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged. Delete {settings.target} and begin again.") from error
    if changed:
        raise SettingError(
            f"{settings.target} was begun with another {' and '.join(changed)}. "
            "Use the same, give a new folder, or delete this one."
        )


def _make_job(
    settings: PreparationSettings,
    key: Key,
    number: int,
    image: PurePosixPath,
    masks: Mapping[PurePosixPath, Mapping[int, Path]],
) -> FileJob:
    path, drawn = settings.source / image, masks.get(image, {})
    state = [f"{frame} {_read_state(mask)}" for frame, mask in sorted(drawn.items())]
    record = make_pseudonym(key.secret, "R", str(image), _read_state(path), *state, digits=24)
    return FileJob(
        number, path, record, drawn, settings.target, settings.cine_frames, key, settings.when_text
    )


def _read_state(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:  # it is gone since the folder was listed; who opens it says so
        return "gone"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _prepare_files(
    jobs: Sequence[FileJob], settings: PreparationSettings, console: Console
) -> dict[int, PreparedFile]:
    """Prepare every file that has no record, over several processes; by job number."""
    records = settings.target / _PROGRESS
    prepared = {
        job.number: done for job in jobs if (done := _read_record(records / f"{job.record}.json", job.root))
    }
    todo = [job for job in jobs if job.number not in prepared]
    if todo:
        (settings.target / "dataset.json").unlink(missing_ok=True)  # unfinished from here on
    bar = Progress(
        TextColumn("preparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with bar:
        task = bar.add_task("", total=len(jobs), completed=len(prepared))
        for job, done in run_all(prepare_file, todo, settings.jobs):
            if done is None:  # no record: it may have been memory, and may go well next time
                done = PreparedFile(left_out=(LeftOutFrame("file", 0, "its decoder crashed"),))
            else:
                write_file(records / f"{job.record}.json", done.to_json().encode())
            prepared[job.number] = done
            bar.advance(task)
    return prepared


def _read_record(path: Path, root: Path) -> PreparedFile | None:
    """Read the record of a file that was prepared before, if all that it wrote is still whole."""
    try:
        done = PreparedFile.from_json(path.read_text())
        for slide in done.slides:
            if hashlib.sha256((root / slide.image).read_bytes()).hexdigest() != slide.image_sha256:
                return None
            if (
                slide.mask
                and hashlib.sha256((root / slide.mask).read_bytes()).hexdigest() != slide.mask_sha256
            ):
                return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return done


def _drop_orphans(target: Path, slides: Sequence[CohortSlide]) -> None:
    """Delete the files of slides that are not, or no longer, in the dataset."""
    kept = {target / slide.image for slide in slides} | {
        target / slide.mask for slide in slides if slide.mask
    }
    for folder in ("images", "masks"):
        for path in (target / folder).glob("*"):
            if path not in kept:
                path.unlink()


def _write_private(path: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}.") from error


def summarise(cohort: Cohort, settings: PreparationSettings) -> str:
    """Summarise what to tell at the end, in a few lines."""
    totals = Counter(cohort.about["counts"])
    tested = f"{totals['test_patients']} of them for testing"
    if not totals["test_patients"]:
        tested = "none of them for testing, so 'trainer run' will want more"
    return (
        f"{cohort.root}: patients: {totals['patients']}, {tested}; "
        f"slides: {totals['slides']}, masks: {totals['masks']}.\n"
        f"What was left out, and why: {cohort.root / 'report.md'}; with file names: {settings.private_file}\n"
        f"Keep {settings.key_file} away from the dataset: with it patients are found."
    )
