"""Curves and pictures of a report, each as the text of an SVG or the bytes of a JPEG."""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from scanside.errors import InputError
from scanside.image import Mask
from trainer.results.evaluation import Evaluation
from trainer.runs.examples import Examples
from trainer.statistics.calibration import compute_reliability

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "scanside", "font.size": 9})

_TILE = (220, 140)  # width and height of one slide on a sheet, pixels
DRAWN, OUTLINED = (90, 220, 90), (255, 170, 40)  # RGB: the expert's outline, the network's


def draw_curves(evaluation: Evaluation) -> str:
    """Draw ROC, precision-recall and reliability curves of each arm that classifies, by its mean risk."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    roc, pr, reliable = figure.subplots(1, 3)
    for row in evaluation.rows:
        y, risk = row.result.malignant, row.result.risk
        if risk is None or y.all() or not y.any():
            continue
        mean = risk.mean(axis=0)
        false, true, _ = roc_curve(y, mean)
        precision, recall, _ = precision_recall_curve(y, mean)
        roc.plot(false, true, label=evaluation.experiment.label(row.arm))
        pr.plot(recall, precision)
        bins = compute_reliability(y, mean, row.result.patient)
        reliable.plot([b.risk for b in bins], [b.malignant.value for b in bins], marker="o", markersize=3)
        pr.axhline(y.mean(), color="0.8", linewidth=0.8, zorder=0)
    _frame_axes(roc, "ROC", "1 - specificity", "sensitivity", diagonal=True)
    _frame_axes(pr, "Precision and recall", "recall", "precision")
    _frame_axes(reliable, "Reliability", "risk", "share that is malignant", diagonal=True)
    roc.legend(fontsize=7, loc="lower right")
    return _write_svg(figure)


def draw_training(logs: Sequence[tuple[str, Path]]) -> str:
    """Draw the loss by epoch of every arm's first seed: training dashed, validation solid.

    Args:
        logs: (name of the arm, metrics.csv as Lightning's CSVLogger writes it).

    Raises:
        InputError: a log is missing or damaged.
    """
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, path) in enumerate(logs):
        for stage, style in (("train", "--"), ("validation", "-")):
            epoch, loss = _read_log(path, f"{stage}/loss")
            label = name if stage == "validation" else None
            axes.plot(epoch + 1, loss, style, color=f"C{number % 10}", label=label)
    axes.set(title="Training (dashed) and validation loss", xlabel="epoch", ylabel="loss")
    axes.legend(fontsize=7)
    return _write_svg(figure)


def _read_log(path: Path, figure: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read epochs, from 0, and the figure at the end of each."""
    try:
        columns = np.genfromtxt(path, delimiter=",", names=True, deletechars="", dtype=float)
        epoch, values = columns["epoch"], columns[figure]
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path} holds no {figure}: {error}. Remove its folder to train again.") from error
    known = np.isfinite(values)
    return epoch[known], values[known]


def draw_bars(
    title: str, groups: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], unit: str
) -> str:
    """Draw grouped bars, one colour for each series."""
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series):
        at = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        axes.bar(at, values, width, label=name)
    axes.set_xticks(np.arange(len(groups)), groups)
    axes.set(title=title, ylabel=unit)
    axes.legend(fontsize=8)
    return _write_svg(figure)


def draw_sheet(examples: Examples, classes: Sequence[str]) -> bytes:
    """Draw slides with the outlines of expert (green) and network (orange), their class and call.

    Below each row what the network looked at, where it classifies: dark blue little, yellow most.
    """
    drawn = [_draw_tile(examples, i, classes) for i in range(len(examples.kinds))]
    heated = [_draw_heat(examples.scans[i], heat) for i, heat in enumerate(examples.saliency)]
    rows = []
    for kind in ("right", "wrong", "doubtful"):
        mine = [i for i, k in enumerate(examples.kinds) if k == kind]
        if mine:
            rows.append(_join_tiles([drawn[i] for i in mine]))
            rows += [_join_tiles([heated[i] for i in mine])] if examples.saliency.any() else []
    picture = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _join_tiles(tiles: Sequence[NDArray[np.uint8]], wide: int = 4) -> NDArray[np.uint8]:
    return np.hstack([*tiles, *[np.zeros_like(tiles[0])] * (wide - len(tiles))])


def _draw_heat(scan: NDArray[np.uint8], saliency: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(cv2.resize(scan, _TILE), cv2.COLOR_GRAY2RGB)
    colour = cv2.applyColorMap(cv2.resize(saliency, _TILE), cv2.COLORMAP_PLASMA)
    return np.asarray(cv2.addWeighted(grey, 0.6, cv2.cvtColor(colour, cv2.COLOR_BGR2RGB), 0.4, 0), np.uint8)


def _draw_tile(examples: Examples, row: int, classes: Sequence[str]) -> NDArray[np.uint8]:
    tile = cv2.cvtColor(cv2.resize(examples.scans[row], _TILE), cv2.COLOR_GRAY2RGB)
    for mask, colour in ((examples.drawn[row], DRAWN), (examples.outlined[row], OUTLINED)):
        cv2.drawContours(tile, _find_contours(mask), -1, colour, 1, cv2.LINE_AA)
    called, sure = int(examples.called[row]), float(examples.sure[row])
    verdict = (
        f"IoU {sure:.2f}" if called < 0 else f"said: {_shorten_class(classes[called])} {100 * sure:.0f} %"
    )
    caption = np.zeros((34, _TILE[0], 3), np.uint8)
    lines = (f"{examples.kinds[row]}: {_shorten_class(classes[int(examples.labels[row])])}", verdict)
    for number, text in enumerate(lines):
        at = (3, 12 + 14 * number)
        cv2.putText(caption, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(np.vstack([tile, caption]), np.uint8)


def _shorten_class(name: str) -> str:
    """Shorten the name of MMOTU's malignant class, which no caption holds."""
    return name.replace("high-grade serous cystadenocarcinoma", "serous carcinoma")


def _find_contours(mask: Mask) -> Sequence[NDArray[np.int32]]:
    small = cv2.resize(mask.astype(np.uint8), _TILE, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [np.asarray(outline, np.int32) for outline in outlines]


def _frame_axes(axes: Axes, title: str, x: str, y: str, *, diagonal: bool = False) -> None:
    axes.set(title=title, xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
    if diagonal:
        axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8, zorder=0)


def _write_svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("-->")[2] or text.getvalue()
