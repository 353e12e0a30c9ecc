"""What the docs say that a program can check: command lines, keys, transfer syntaxes, files, make targets."""

import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from pydicom.uid import UltrasoundImageStorage
from pynetdicom import AE

from edge.network.receive import Receiver
from edge.protocol.agent import AgentState, ModelInfo
from edge.protocol.row import Row, ShownRow
from edge.protocol.study import StudyState
from edge.settings import Settings
from edge.storage.spool import Spool
from edge.view.focus.keys import KEYS
from export.cli import COMMANDS
from scanside.dicom.codecs import COMPRESSED, NATIVE
from scanside.dicom.jpeg_xl import JPEG_XL
from scanside.dicom.video import VIDEO
from scanside.model.bundle import DEFAULT_BUNDLE, load_bundle
from tests.architecture.test_commands import MODULES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


def command_lines() -> Iterator[tuple[str, str]]:
    """(command, its arguments) of every example: indented, what explains it two spaces away."""
    example = re.compile(r"^ {4}(?:\S*/bin/)?(edge|trainer|export-model) (\w.*)$", re.MULTILINE)
    for page in PAGES:
        for command, rest in example.findall(page.read_text()):
            yield command, re.split(r"\s{2,}", rest)[0]


@pytest.mark.parametrize(("command", "arguments"), sorted(set(command_lines())))
def test_every_example_is_a_command_line_that_is_understood(command: str, arguments: str) -> None:
    words = shlex.split(arguments)
    if command == "export-model" and words[0] not in COMMANDS:
        words = ["convert", *words]  # the subcommand that may be left out
    importlib.import_module(MODULES[command]).build_parser().parse_args(words)


def test_there_are_examples_of_every_command() -> None:
    assert {command for command, _ in command_lines()} == set(MODULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"(?<!/)\b(?:scanside|trainer|export|edge|tests|docs|benchmarks)/[\w./-]+\.\w+", page.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= targets


def test_every_key_of_a_result_is_documented_and_no_other() -> None:
    keys = re.findall(r"^\| `(\w+)` \|", (DOCS / "results-json.md").read_text(), re.MULTILINE)
    assert sorted(keys) == sorted(field.name for field in fields(Row))


@pytest.mark.parametrize(
    ("part", "kind", "besides"),
    [("agent", AgentState, ()), ("model", ModelInfo, ()), ("study", StudyState, ()), ("row", ShownRow, Row)],
    ids=["agent", "model", "study", "row"],
)
def test_the_watch_protocol_s_tables_have_every_key_and_no_other(
    part: str, kind: type, besides: type | tuple[()]
) -> None:
    section = (DOCS / "watch-protocol.md").read_text().split(f"\n### {part}\n")[1].split("\n##")[0]
    told = [
        key
        for cell in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", cell)
    ]
    known = {field.name for field in fields(besides)} if besides else set()
    assert sorted(told) == sorted({field.name for field in fields(kind)} - known)


def test_every_key_of_a_manifest_is_documented() -> None:
    page = (DOCS / "bundle.md").read_text()
    manifest = load_bundle(DEFAULT_BUNDLE).manifest.document
    assert [key for key in manifest if not re.search(rf"`{key}\b", page)] == []


def test_transfer_syntaxes_are_accepted_and_scored_as_documented(tmp_path: Path) -> None:
    rows = re.findall(
        r"\| (1\.2\.840[\d.]+) \| (yes|no|video|jpegxl) \|", (DOCS / "dicom-conformance.md").read_text()
    )
    receiver = Receiver(Settings(port=0), Spool(tmp_path / "spool"), lambda _: None)
    try:
        sender = AE()
        for uid, _ in rows:
            sender.add_requested_context(UltrasoundImageStorage, uid)
        association = sender.associate("127.0.0.1", receiver.port, ae_title="SCANSIDE")
        accepted = {context.transfer_syntax[0] for context in association.accepted_contexts}
        association.release()
    finally:
        receiver.close()
    assert len(rows) > 20 and accepted == {uid for uid, _ in rows}
    assert {uid for uid, scored in rows if scored == "yes"} == (NATIVE | COMPRESSED) - JPEG_XL
    assert {uid for uid, scored in rows if scored == "jpegxl"} == JPEG_XL
    assert {uid for uid, scored in rows if scored == "video"} == {uid for uid, _ in rows if uid in VIDEO}


def test_the_live_views_keys_have_a_line_each() -> None:
    table = (DOCS / "live-view.md").read_text().split("## Keys")[1].split("\n\n")[1]
    told = re.findall(r"^\| `(.+?)` \| (.+) \|$", table, re.MULTILINE)
    assert told == [(key.shown, key.does) for key in KEYS]
