"""The report of all experiments that were run: one HTML file for people, and the same tables in Markdown."""

import base64
import html
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from scanside import RESEARCH_USE, __version__
from scanside.errors import InputError
from scanside.regular_file import read_regular
from trainer.report.table import TextTable

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto 4rem; padding: 0 1rem;
  color: #1b1b1b; background: #fff }
.banner { background: #7a1f1f; color: #fff; padding: .4rem .8rem; position: sticky; top: 0; z-index: 1 }
table { border-collapse: collapse; margin: .4rem 0 .6rem; font-size: 13px; line-height: 1.35;
  font-variant-numeric: tabular-nums; border-top: 2px solid #333; border-bottom: 2px solid #333 }
th { text-align: left; border-bottom: 1px solid #333 }
th, td { padding: .25rem 1.1rem .25rem 0; vertical-align: top }
tr + tr td { border-top: 1px solid #e4e4e4 } td small { color: #666 }
h2 { margin-top: 3rem; border-top: 1px solid #bbb; padding-top: 1rem } h3 { margin: 1.6rem 0 .2rem }
.note { color: #555; font-size: 13px; margin: .1rem 0 } .wide { overflow-x: auto }
figure { margin: 1.4rem 0 } figcaption { color: #555; font-size: 13px }
svg, img { max-width: 100%; height: auto } details { margin: 1rem 0 } nav a { margin-right: 1rem }
"""
_MANY_ROWS = 24  # a longer table is folded


@dataclass
class Section:
    """One experiment: notes, then its tables, then its pictures.

    Attributes:
        pictures: (caption, SVG text or JPEG bytes).
    """

    title: str
    tables: list[TextTable] = field(default_factory=list)
    pictures: list[tuple[str, str | bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def warn_of_scale(scale: str) -> str:
    """Say that the figures of a run that is not full mean nothing."""
    return "" if scale == "full" else f"A {scale} run: few images, small, short. These figures mean nothing."


def describe_environment() -> TextTable:
    """Describe what the figures were computed with."""
    packages = ("torch", "lightning", "monai", "numpy", "opencv-python-headless", "scikit-learn", "scipy")
    rows = [("scanside", __version__), ("Python", platform.python_version()), ("machine", platform.machine())]
    return TextTable(
        "This report was made with", ("what", "version"), (*rows, *((p, version(p)) for p in packages))
    )


def write_report(folder: Path, sections: Sequence[Section], scale: str) -> tuple[Path, Path]:
    """Write report.html and report.md into `folder`.

    Args:
        scale: anything but "full" is named above everything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, text = folder / "report.html", folder / "report.md"
    every = [*sections, Section("Environment", [describe_environment()])]
    page.write_text(_make_html(every, warn_of_scale(scale)), encoding="utf-8")
    text.write_text(_make_markdown(every, warn_of_scale(scale)), encoding="utf-8")
    return page, text


def write_json(path: Path, content: object) -> None:
    """Write JSON for programs; NaN is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def save_section(section: Section, path: Path) -> None:
    """Keep a section whose pictures are SVG, so that a report can be made without the data."""
    write_json(path, asdict(section))


def load_section(path: Path) -> Section:
    """Read what `save_section` wrote.

    Raises:
        InputError: it is damaged.
    """
    try:
        content = json.loads(read_regular(path))
        tables = [
            TextTable(
                t["title"], tuple(t["columns"]), tuple(tuple(row) for row in t["rows"]), tuple(t["notes"])
            )
            for t in content["tables"]
        ]
        pictures: list[tuple[str, str | bytes]]
        pictures = [(str(caption), str(picture)) for caption, picture in content["pictures"]]
        return Section(str(content["title"]), tables, pictures, [str(note) for note in content["notes"]])
    except Exception as error:
        raise InputError(f"{path} is damaged: {error}. Run the experiment again.") from error


def _make_html(sections: Sequence[Section], warned: str) -> str:
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>scanside: results</title>"]
    parts.append(f"<style>{_STYLE}</style><p class=banner>{html.escape(f'{RESEARCH_USE} {warned}')}</p>")
    links = (f"<a href='#s{n}'>{html.escape(s.title.partition(':')[0])}</a>" for n, s in enumerate(sections))
    parts.append(f"<h1>Results</h1><nav>{' '.join(links)}</nav>")
    for n, section in enumerate(sections):
        parts.append(f"<h2 id=s{n}>{html.escape(section.title)}</h2>")
        parts += [f"<p class=note>{html.escape(note)}</p>" for note in section.notes]
        parts += [_make_html_table(table) for table in section.tables]
        for caption, picture in section.pictures:
            shown = f"{_make_picture(picture, caption)}<figcaption>{html.escape(caption)}</figcaption>"
            parts.append(f"<figure>{shown}</figure>")
    return "\n".join(parts) + "\n"


def _make_html_table(table: TextTable) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{_make_html_cell(cell)}</td>" for cell in row) for row in table.rows
    )
    notes = "".join(f"<p class=note>{html.escape(note)}</p>" for note in table.notes)
    shown = f"<div class=wide><table><tr>{head}\n{body}</table></div>{notes}"
    title = html.escape(table.title)
    if len(table.rows) > _MANY_ROWS:
        return f"<details><summary>{title} ({len(table.rows)} rows)</summary>{shown}</details>"
    return f"<h3>{title}</h3>{shown}"


def _make_html_cell(cell: str) -> str:
    first, *others = cell.split("\n")
    return html.escape(first) + "".join(f"<br><small>{html.escape(line)}</small>" for line in others)


def _make_picture(picture: str | bytes, caption: str) -> str:
    if isinstance(picture, str):
        return picture
    data = base64.b64encode(picture).decode()
    return f'<img alt="{html.escape(caption)}" src="data:image/jpeg;base64,{data}">'


def _make_markdown(sections: Sequence[Section], warned: str) -> str:
    parts = ["# Results", f"{RESEARCH_USE} {warned}".rstrip()]
    for section in sections:
        parts.append(f"## {_escape_text(section.title)}")
        parts += [_escape_text(note) for note in section.notes]
        for table in section.tables:
            parts.append(f"### {_escape_text(table.title)}")
            lines = [_make_line(table.columns), _make_line(["---"] * len(table.columns))]
            parts.append("\n".join(lines + [_make_line(row) for row in table.rows]))
            parts += [_escape_text(note) for note in table.notes]
    return "\n\n".join(parts) + "\n"


def _make_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escape_text(cell) for cell in cells) + " |"


def _escape_text(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|").replace("\n", "<br>")
