"""`trainer run confounder`: does it matter that annotations are removed?

A small classifier learns two classes of MMOTU from scans on which drawn annotations correlate with the class,
as where one hospital measures every malignant lesion. It is tested twice: on scans with the same correlation,
which is what its developers would see, and on scans with none. What it learnt of the annotations instead of
the lesion is lost on the second. With a denoiser both are run again on scans whose annotations are removed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scanside.image import Size
from trainer.confounder.classifier import build_classifier, fit_classifier, predict_logits
from trainer.confounder.scans import TwoClasses, draw_annotated, read_two_classes
from trainer.data import mmotu
from trainer.data.mmotu import MmotuImage
from trainer.denoiser.ready import ReadyDenoiser
from trainer.files.arrays import load_arrays, save_arrays
from trainer.report.page import Section
from trainer.report.table import TextTable, format_interval, format_number, format_probability
from trainer.runs.claim import claim_folder
from trainer.statistics.bootstrap import estimate
from trainer.statistics.figures import Figure, make_auc_figure
from trainer.statistics.paired import estimate_difference

_SIZE = Size(168, 272)
_TEST_SEED = 20_000  # which test scans are annotated: the same for every classifier


@dataclass(frozen=True)
class ConfounderRecipe:
    """Every number of the experiment.

    Attributes:
        classes: the two classes, indices into mmotu.CLASSES.
        correlations: of annotation and class, in the training scans.
        preset: of trainer.annotations: what is drawn.
        seeds: classifiers of each kind.
        images: use only so many of each part; None is all.
    """

    classes: tuple[int, int] = (0, 2)
    correlations: tuple[float, ...] = (0.0, 0.5, 1.0)
    preset: str = "thesis"
    size: Size = _SIZE
    epochs: int = 12
    batch: int = 16
    learning_rate: float = 2e-3
    seeds: int = 2
    first_seed: int = 0
    images: int | None = None


@dataclass(frozen=True)
class TestLogits:
    """What one classifier says of the test scans.

    Attributes:
        alike: (N,) float64, logits of the second class; annotations correlate as in training.
        apart: (N,) float64, the same where annotations have nothing to do with the class.
    """

    alike: NDArray[np.float64]
    apart: NDArray[np.float64]


def shrink_recipe(recipe: ConfounderRecipe) -> ConfounderRecipe:
    """Return the same recipe with a few small scans, to see that everything works."""
    return replace(recipe, correlations=(0.0, 1.0), size=Size(56, 88), epochs=1, seeds=1, images=24)


def run_confounder(
    data: Path, folder: Path, recipe: ConfounderRecipe, ready: ReadyDenoiser | None = None
) -> Section:
    """Train and test every classifier that is not done yet.

    Args:
        data: a copy of MMOTU.
        folder: where the run is written; a broken-off run goes on from there. Each denoiser gets a folder of
            its own in it, so another one leaves what was trained on stored scans as it is.
        ready: takes the annotations out of the scans that every classifier is trained and tested on again.

    Raises:
        SettingError: the folder holds a run with other settings or data.
    """
    second, denoiser = recipe.classes[1], ready.denoiser if ready else None
    parts = []
    for part in (("train",), ("validation", "test")):
        entries = _choose_images(part, recipe)
        scans = read_two_classes(
            data,
            entries,
            second,
            recipe.size,
            denoiser,
            recipe.preset,
            recipe.first_seed,
            f"{part[-1]} scans",
        )
        parts.append(scans)
    (train, train_files), (test, test_files) = parts
    drawn = hashlib.sha256(train.stored.tobytes() + test.stored.tobytes()).hexdigest()
    made = {"recipe": asdict(recipe), "files": [train_files, test_files], "drawn": drawn}
    folders = {False: folder / "stored"}
    claim_folder(folders[False], made)
    if denoiser:
        digest = hashlib.sha256(train.removed.tobytes() + test.removed.tobytes()).hexdigest()
        folders[True] = folder / f"removed-{digest[:12]}"
        claim_folder(folders[True], {**made, "removed": digest})
    results: dict[tuple[float, bool], list[TestLogits]] = {}
    for correlation in recipe.correlations:
        for denoised, where in folders.items():
            for seed in range(recipe.first_seed, recipe.first_seed + recipe.seeds):
                path = where / f"correlation-{correlation:g}-seed-{seed}.npz"
                if not path.exists():
                    print(f"confounder: {where.name}, {path.stem}", flush=True)
                    save_arrays(_train_and_test(train, test, correlation, denoised, seed, recipe), path)
                tested = load_arrays(TestLogits, path, "predictions")
                results.setdefault((correlation, denoised), []).append(tested)
    return _make_section(results, recipe, train, test, ready)


def _choose_images(parts: tuple[str, ...], recipe: ConfounderRecipe) -> list[MmotuImage]:
    inside = [entry for entry in mmotu.read_split() if mmotu.choose_part(entry, "grouped") in parts]
    return [entry for entry in inside if entry.label in recipe.classes][: recipe.images]


def _train_and_test(
    train: TwoClasses,
    test: TwoClasses,
    correlation: float,
    denoised: bool,
    seed: int,
    recipe: ConfounderRecipe,
) -> TestLogits:
    torch.manual_seed(seed)
    classifier = build_classifier()
    shown = train.shown(draw_annotated(train.second, correlation, seed), denoised=denoised)
    fit_classifier(classifier, shown, train.second, recipe.epochs, recipe.batch, recipe.learning_rate, seed)
    tests = (
        test.shown(draw_annotated(test.second, by, _TEST_SEED), denoised=denoised)
        for by in (correlation, 0.0)
    )
    return TestLogits(*(predict_logits(classifier, scans) for scans in tests))


def _make_section(
    results: dict[tuple[float, bool], list[TestLogits]],
    recipe: ConfounderRecipe,
    train: TwoClasses,
    test: TwoClasses,
    ready: ReadyDenoiser | None,
) -> Section:
    figures: dict[tuple[float, bool], Figure] = {}
    rows = []
    examinations = np.array([entry.examination for entry in _choose_images(("validation", "test"), recipe)])
    for (correlation, denoised), tested in results.items():
        alike, apart = (
            make_auc_figure(test.second, np.stack([getattr(logits, kind) for logits in tested]), examinations)
            for kind in ("alike", "apart")
        )
        figures[correlation, denoised] = apart
        cells = (
            f"{format_number(e.value)}\n{format_interval(e)}" for e in (estimate(alike), estimate(apart))
        )
        rows.append((f"{correlation:g}", "removed" if denoised else "as stored", *cells))
    first, second = (mmotu.CLASSES[label] for label in recipe.classes)
    notes = [
        f"{second} against {first}: {len(train.second)} training and {len(test.second)} test scans of MMOTU, "
        f"no examination on both sides; drawn annotations: preset '{recipe.preset}'. Annotations that the "
        "scans carry already stay in both classes as they are.",
        f"{recipe.seeds} classifiers of each kind, {recipe.epochs} epochs, {recipe.size.height} x "
        f"{recipe.size.width} px. Intervals by examinations.",
    ]
    columns = (
        "correlation in training",
        "annotations",
        "AUC, correlation as in training",
        "AUC, no correlation",
    )
    tables = [TextTable("Test scans", columns, tuple(rows))]
    if ready:
        untouched = train.left + test.left
        total = 2 * (len(train.second) + len(test.second))
        notes.append(
            f"Denoiser: {ready.document['trained_on']}, fingerprint {ready.document['fingerprint'][:16]}. "
            f"Left as they were, since too much of them seemed annotated: {untouched} of {total} scans."
        )
        tables.append(_make_gains_table(figures, recipe.correlations))
    return Section("confounder: annotations that correlate with the class", tables, [], notes)


def _make_gains_table(figures: dict[tuple[float, bool], Figure], correlations: Sequence[float]) -> TextTable:
    rows = []
    for correlation in correlations:
        apart = estimate_difference(figures[correlation, False], figures[correlation, True])
        shown = apart.sampling if np.isnan(apart.combined.low) else apart.combined
        cells = (format_number(shown.value, sign=True), format_interval(shown), format_probability(apart.p))
        rows.append((f"{correlation:g}", *cells))
    columns = ("correlation in training", "AUC, removed less as stored", "95 % interval", "p")
    return TextTable("Gain on test scans without correlation", columns, tuple(rows))
