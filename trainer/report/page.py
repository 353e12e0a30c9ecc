"""The report of all experiments that were run: one HTML file for people, and the same tables in Markdown."""

import base64
import html
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from scanside import RESEARCH_USE, __version__
from trainer.report.table import TextTable

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
.banner { background: #7a1f1f; color: #fff; padding: .4rem .8rem; position: sticky; top: 0 }
table { border-collapse: collapse; margin: .6rem 0 1.2rem; font-size: 13px }
table { font-variant-numeric: tabular-nums }
th { text-align: left; border-bottom: 2px solid #444; padding: .15rem .7rem .15rem 0 }
td { border-bottom: 1px solid #ddd; padding: .15rem .7rem .15rem 0 }
h2 { margin-top: 2.4rem; border-top: 1px solid #bbb; padding-top: 1rem }
.note { color: #7a1f1f } figure { margin: 1rem 0 } figcaption { color: #555; font-size: 13px }
svg { max-width: 100%; height: auto } img { max-width: 100% }
"""


@dataclass
class Section:
    """One experiment: its tables, then its pictures.

    Attributes:
        pictures: (caption, SVG text or PNG bytes).
    """

    title: str
    tables: list[TextTable]
    pictures: list[tuple[str, str | bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def environment() -> TextTable:
    """What the figures were computed with."""
    packages = ("torch", "lightning", "monai", "numpy", "opencv-python-headless", "scikit-learn", "scipy")
    rows = [("scanside", __version__), ("Python", platform.python_version()), ("machine", platform.machine())]
    return TextTable("Environment", ("what", "version"), tuple(rows + [(p, version(p)) for p in packages]))


def write_report(
    folder: Path, sections: Sequence[Section], scale: str, about: TextTable
) -> tuple[Path, Path]:
    """Write report.html and report.md into `folder`.

    Args:
        scale: anything but "full" is said above every table.
        about: the data sets and their fingerprints.
    """
    warning = "" if scale == "full" else f"{scale} run: few images, small, short. These figures mean nothing."
    page, text = folder / "report.html", folder / "report.md"
    closing = [Section("Data and environment", [about, environment()])]
    page.write_text(_html([*sections, *closing], warning), encoding="utf-8")
    text.write_text(_markdown([*sections, *closing], warning), encoding="utf-8")
    return page, text


def write_json(path: Path, content: object) -> None:
    """For programs; NaN is null."""
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def _html(sections: Sequence[Section], warning: str) -> str:
    parts = [f"<!doctype html><meta charset=utf-8><title>scanside: results</title><style>{_STYLE}</style>"]
    parts.append(f"<p class=banner>{html.escape(RESEARCH_USE)} {html.escape(warning)}</p><h1>Results</h1>")
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p class=note>{html.escape(note)}</p>" for note in section.notes]
        for table in section.tables:
            parts.append(_html_table(table))
        for caption, picture in section.pictures:
            shown = f"{_picture(picture, caption)}<figcaption>{html.escape(caption)}</figcaption>"
            parts.append(f"<figure>{shown}</figure>")
    return "\n".join(parts) + "\n"


def _html_table(table: TextTable) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    notes = "".join(f"<p class=note>{html.escape(note)}</p>" for note in table.notes)
    return f"<h3>{html.escape(table.title)}</h3><table><tr>{head}</tr>{body}</table>{notes}"


def _picture(picture: str | bytes, caption: str) -> str:
    if isinstance(picture, str):
        return picture
    data = base64.b64encode(picture).decode()
    return f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{data}">'


def _markdown(sections: Sequence[Section], warning: str) -> str:
    parts = [f"# Results\n\n{RESEARCH_USE} {warning}".rstrip()]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += section.notes
        for table in section.tables:
            lines = [f"### {table.title}", "", _line(table.columns), _line(["---"] * len(table.columns))]
            parts.append("\n".join(lines + [_line(row) for row in table.rows]))
            parts += list(table.notes)
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
