"""Pictures in pixels: what the terminal is sent, once a picture, and only what it understands."""

import base64
import contextlib
import io
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console, ConsoleDimensions
from rich.live import Live
from rich.text import Text

from edge.commands.watch import as_svg
from edge.view.agent.messages import Preview
from edge.view.agent.state import View
from edge.view.picture import graphics
from edge.view.picture.detect import named_by
from edge.view.picture.graphics import Drawing, Painter
from edge.view.picture.outlined import outlined
from edge.view.picture.picture import Picture
from edge.view.picture.protocols import iterm2, kitty, sixel
from edge.view.screen.screen import screen
from edge.view.screen.style import OUTLINE
from edge.view.text import safe
from tests.edge.conftest import MakeImage
from tests.edge.running import RunningAgent
from tests.edge.view.messages import NOW, preview, row, view
from tests.edge.view.terminal import Terminal, in_terminal
from tests.outside import needs_tools, require_tool

KITTY = re.compile(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")
ITERM = re.compile(r"\x1b\]1337;File=([^:]*):([^\x07]*)\x07")
SIXEL = re.compile(r"\x1bP0;1;0q([^\x1b]*)\x1b\\")
LAST_LINE = "Model "
QUESTION = "\x1b[16t\x1b[c"
PAINTERS = (
    graphics.kitty((10, 20)),
    graphics.iterm2((10, 20)),
    graphics.sixel((6, 12)),
    graphics.blocks(True),
)
BYTES = {"kitty": "\x1b_Ga=T", "iterm2": "\x1b]1337;File=", "sixel": "\x1bP0;1;0q", "blocks": "▀"}


class Paper(io.StringIO):
    """A terminal that only remembers."""

    def fileno(self) -> int:
        return os.open(os.devnull, os.O_RDONLY)

    def since(self) -> str:
        """What was written since this was last asked."""
        text = self.getvalue()
        self.seek(0)
        self.truncate(0)
        return text


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, bundle: Path, image: MakeImage) -> Iterator[RunningAgent]:
    """One for all tests here, with a result."""
    running = RunningAgent(tmp_path_factory.mktemp("graphics") / "data", bundle)
    try:
        running.send(image(1))
        running.results(1)
        yield running
    finally:
        running.stop()


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    monkeypatch.setattr(os, "get_terminal_size", lambda _descriptor: os.terminal_size((100, 30)))
    return Paper()


@contextlib.contextmanager
def live(paper: Paper, painter: Painter) -> Iterator[Live]:
    drawing = Drawing(paper, painter)
    console = Console(
        file=cast(IO[str], drawing), width=100, height=30, color_system="truecolor", force_terminal=True,
        no_color=False, _environ={},
    )  # fmt: skip
    with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as shown:
        yield shown
    drawing.end()


def show(on: Live, said: View) -> None:
    on.update(screen(said, NOW, ConsoleDimensions(100, 30)), refresh=True)


@pytest.mark.parametrize("painter", PAINTERS, ids=lambda painter: painter.name)
def test_a_picture_is_sent_once_however_often_the_screen_is_written(paper: Paper, painter: Painter) -> None:
    first, other = preview(), preview() | {"outline": []}
    mark = BYTES[painter.name]
    with live(paper, painter) as on:
        paper.since()
        show(on, view(row(1, preview=first)))
        assert mark in paper.since()
        for waiting in (1, 2, 3):
            show(on, view(row(1, preview=first), agent={"queue": waiting}))
            again = paper.since()
            assert f"{waiting} waiting" in again
            assert mark not in again
        show(on, view(row(1, preview=other)))
        assert mark in paper.since()
        show(on, view(row(1, preview=other)).lost())  # it gives way to "no contact"
        gone = paper.since()
        assert mark not in gone
        assert ("a=d" in gone) == (painter.name == "kitty")
        show(on, view(row(1, preview=other)))
        assert mark in paper.since()
    assert not re.search("[\U000f0000-\U000ffffd]", paper.getvalue())


@pytest.mark.parametrize("painter", PAINTERS, ids=lambda painter: painter.name)
def test_the_text_beside_a_picture_keeps_its_column(paper: Paper, painter: Painter) -> None:
    with live(paper, painter) as on:
        paper.since()
        show(on, view(row(1, preview=preview())))
        paper.since()
        show(on, view(row(1, preview=preview())))
        again = paper.since()
    lines = [re.sub(r"\x1b\[(\d+)C", lambda step: "." * int(step[1]), line) for line in again.split("\n")]
    shown = [re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\x1b.", "", line) for line in lines[:30]]
    assert {len(line) for line in shown} == {100}
    assert sum("....." in line for line in shown) > 8


def test_a_new_size_of_the_terminal_paints_anew(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    with live(paper, PAINTERS[1]) as on:
        show(on, view(row(1, preview=preview())))
        paper.since()
        monkeypatch.setattr(os, "get_terminal_size", lambda _descriptor: os.terminal_size((101, 30)))
        show(on, view(row(1, preview=preview())))
        assert BYTES["iterm2"] in paper.since()


def test_a_damaged_picture_is_said_to_be_one(paper: Paper) -> None:
    with live(paper, PAINTERS[0]) as on:
        show(on, view(row(1, preview=preview() | {"png": "AAAA"})))
        written = paper.since()
    assert "can't be shown" in written
    assert "\x1b_G" not in written


def test_text_from_outside_can_t_ask_for_a_picture() -> None:
    assert safe("\U000f0001\U000f0001") == "\N{REPLACEMENT CHARACTER}" * 2


def test_what_is_printed_outside_the_view_has_blanks_in_a_picture_s_place(paper: Paper) -> None:
    drawing = Drawing(paper, PAINTERS[0])
    Console(file=cast(IO[str], drawing), width=40, height=9, force_terminal=True).print(Picture(_preview()))
    assert not re.search("[^\\s]", re.sub(r"\x1b\[[\d;]*m", "", paper.getvalue()))


def test_kitty_gets_the_picture_with_its_outline() -> None:
    pixels = _pixels()
    sent = KITTY.findall(kitty(pixels, 40, 15, 7))
    keys = dict(pair.split("=") for pair in sent[0][0].split(","))
    assert keys | {"a": "T", "f": "100", "i": "7", "c": "40", "r": "15", "q": "2", "C": "1"} == keys
    assert [dict(pair.split("=") for pair in part.split(","))["m"] for part, _ in sent] == ["1"] * (
        len(sent) - 1
    ) + ["0"]
    assert all(len(data) <= 4096 for _, data in sent)
    assert (_decoded("".join(data for _, data in sent)) == pixels).all()
    assert (pixels == OUTLINE).all(axis=2).sum() > 100


def test_iterm2_gets_the_picture_with_its_outline() -> None:
    ((keys, data),) = ITERM.findall(iterm2(_pixels(), 40, 15))
    said = dict(pair.split("=") for pair in keys.split(";"))
    assert said | {"inline": "1", "width": "40", "height": "15", "preserveAspectRatio": "0"} == said
    assert int(said["size"]) == len(base64.b64decode(data))
    assert (_decoded(data) == _pixels()).all()


def test_sixels_are_the_picture_in_fewer_colours() -> None:
    rng = np.random.default_rng(1)
    pixels = _pixels()[:101, :77]  # the last row of sixels is not full
    pixels[10:60, 10:60] = rng.integers(0, 256, (50, 50, 1))  # speckle
    pixels[70:90, :40] = (220, 40, 20)
    (said,) = SIXEL.findall(sixel(pixels))
    shown = _sixels(said)
    assert shown.shape == pixels.shape
    grey = pixels.max(axis=2) - pixels.min(axis=2) == 0
    assert np.abs(shown[grey].astype(int) - pixels[grey]).max() <= 8
    assert np.abs(shown.astype(int) - pixels).max() <= 45
    assert len(re.findall("#\\d+;2;", said)) <= 256


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),  # over SSH
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "tmux-256color", "LC_TERMINAL": "iTerm2"}, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, "blocks"),
        ({"TERM": "screen.xterm-256color"}, "blocks"),
        ({"TERM": "linux"}, "blocks"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "blocks"),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_name(environment: dict[str, str], name: str | None) -> None:
    assert named_by(environment) == name


@pytest.mark.parametrize(("name", "seed"), [("kitty", 2), ("iterm2", 3), ("sixel", 4)])
def test_paints_in_a_terminal_as_told(agent: RunningAgent, image: MakeImage, name: str, seed: int) -> None:
    mark = BYTES[name]
    with in_terminal("watch", "--data", agent.data, "--graphics", name, width=100, height=30) as terminal:
        _read_until(terminal, mark)
        agent.send(image(seed))  # another picture: the same one would not be sent again
        _read_until(terminal, mark, LAST_LINE)
        terminal.type(b"\x03")
        assert terminal.end() == 0
    # On a machine so busy that the agent is silent for two seconds, a picture goes and comes back.
    often = 20 if "NO CONTACT" in terminal.raw else 4
    assert 2 <= terminal.raw.count(mark) <= often
    assert QUESTION not in terminal.raw  # it was told
    assert "▀" not in terminal.raw
    if name == "kitty":
        assert 2 <= terminal.raw.count("\x1b_Ga=d,d=I") <= often
        sent = KITTY.findall(terminal.raw[: terminal.raw.rindex(mark)])
        assert (_decoded("".join(data for _, data in sent)) == OUTLINE).all(axis=2).any()


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        (b"\x1b[6;20;10t\x1b[?62;4;22c", "\x1bP0;1;0q"),
        (b"\x1b[?62;4;22c", "▀"),  # sixels, but of a size that nobody tells
        (b"\x1b[6;20;10t\x1b[?62;22c", "▀"),
        (b"\x1b[6;9999;1t\x1b[?4c", "▀"),
        (b"", "▀"),
        (b"q?x\xff\x1b[", "▀"),
    ],
    ids=["sixel", "no size", "no sixel", "nonsense", "no answer", "keys"],
)
def test_asks_a_terminal_that_has_no_name(agent: RunningAgent, answer: bytes, mark: str) -> None:
    with in_terminal("watch", "--data", agent.data, width=100, height=30) as terminal:
        _read_until(terminal, QUESTION)
        asked = time.monotonic()
        if answer:
            terminal.type(answer)
        _read_until(terminal, "\x1b[?1049h")
        waited = time.monotonic() - asked
        _read_until(terminal, mark, LAST_LINE)
        terminal.type(b"\x03")
        assert terminal.end() == 0
    assert terminal.raw.count(QUESTION) == 1
    others = {shown for shown in BYTES.values() if shown != mark and shown != "▀"}
    assert not any(other in terminal.raw for other in others)
    assert waited < 2  # .15 s where no answer comes, and what a loaded machine adds


def test_a_closed_window_ends_it_in_order(agent: RunningAgent) -> None:
    with in_terminal("watch", "--data", agent.data, "--graphics", "kitty", width=100, height=30) as terminal:
        _read_until(terminal, BYTES["kitty"], LAST_LINE)
        terminal.close()
        assert terminal.process.wait(30) == 0


def test_a_late_answer_is_no_key_that_somebody_pressed(agent: RunningAgent) -> None:
    with in_terminal("watch", "--data", agent.data, width=100, height=30) as terminal:
        _read_until(terminal, QUESTION, "▀", LAST_LINE)
        before = len(terminal.raw)
        terminal.type(b"\x1b[6;20;10t\x1b[?62;4;22c")
        terminal.type(b"?")  # the help: what came before was read
        _read_until(terminal, "quit")
        assert not re.search(r"DISPUTE|\bSIDE\b|LEAVE|Entered", terminal.raw[before:])
        terminal.type(b"\x03")
        assert terminal.end() == 0


@needs_tools("tmux")
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 36)])
def test_draws_half_blocks_in_tmux(agent: RunningAgent, tmp_path: Path, columns: int, rows: int) -> None:
    with _tmux(tmp_path / "tmux") as tmux:
        command = f"{sys.executable} -m edge.cli watch --data {agent.data}"
        tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), command)
        shown = ""
        end = time.monotonic() + 120
        while "▀" not in shown or "Agent ready" not in shown:
            assert time.monotonic() < end, shown
            time.sleep(0.1)
            shown = tmux("capture-pane", "-p")
        lines = shown.splitlines()
        assert "RESEARCH USE ONLY" in lines[0]
        assert sum("▀▀▀" in line for line in lines) > 5
        assert not re.search("[\U000f0000-\U000ffffd]|Gi=|16t|\\[c", shown)
        tmux("send-keys", "C-c")


@contextlib.contextmanager
def _tmux(socket: Path) -> Iterator["Tmux"]:
    tmux = Tmux(socket)
    try:
        yield tmux
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):  # it ends with its last window
            tmux("kill-server")


class Tmux:
    """A tmux server of its own, without anybody's settings."""

    def __init__(self, socket: Path) -> None:
        self._command = [require_tool("tmux"), "-S", str(socket), "-f", os.devnull]

    def __call__(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        done = subprocess.run(
            [*self._command, *arguments], env=environment | {"TERM": "xterm-256color"}, check=True,
            capture_output=True, text=True, timeout=20,
        )  # fmt: skip
        return done.stdout


def _read_until(terminal: Terminal, *texts: str) -> None:
    """Read on until `texts`, escapes and all, are written one after the other."""
    seen, end = "", time.monotonic() + 120
    wanted = re.compile(".*".join(map(re.escape, texts)), re.DOTALL)
    while not wanted.search(seen):
        assert time.monotonic() < end, f"{texts!r} were not written, but {seen[-2000:]!r}"
        seen += terminal.read(0.1)


def test_a_saved_screen_holds_the_picture_in_pixels() -> None:
    drawn = as_svg(view(row(1, preview=preview())))
    (image,) = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}image")
    pixels = _decoded(image.attrib["href"].removeprefix("data:image/png;base64,"))
    assert (pixels == OUTLINE).all(axis=2).sum() > 500
    assert float(image.attrib["width"]) / float(image.attrib["height"]) == pytest.approx(4 / 3, rel=0.05)
    assert not re.search("[\U000f0000-\U000ffffd]", drawn)
    assert "<image" not in as_svg(view(row(1)))


def _preview() -> Preview:
    said = preview()
    return Preview(
        base64.b64decode(said["png"]), 320, 240, tuple(tuple(map(tuple, line)) for line in said["outline"])
    )


def _pixels() -> NDArray[np.uint8]:
    drawn = outlined(_preview())
    assert drawn is not None
    return drawn.pixels


def _decoded(data: str) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels[..., ::-1], np.uint8)


def _sixels(said: str) -> NDArray[np.uint8]:
    """What a terminal makes of sixel data with raster attributes: (H, W, 3) uint8 RGB."""
    raster = re.match(r'"1;1;(\d+);(\d+)', said)
    assert raster is not None
    width, height = int(raster[1]), int(raster[2])
    shown = np.zeros((height + 6, width, 3), np.uint8)
    palette: dict[int, list[float]] = {}
    x = y = colour = 0
    for token in re.finditer(
        r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|(?:!(\d+))?([?-~])|([$-])", said[raster.end() :]
    ):
        if token[1]:
            colour = int(token[1])
            if token[2]:
                palette[colour] = [2.55 * int(part) for part in token.group(2, 3, 4)]
        elif token[6]:
            count, bits = int(token[5] or 1), ord(token[6]) - 63
            for bit in range(6):
                if bits >> bit & 1:
                    shown[y + bit, x : x + count] = np.round(palette[colour])
            x += count
        else:
            x, y = 0, y + 6 * (token[7] == "-")
    return shown[:height]


def test_the_screen_without_a_terminal_has_half_blocks_of_its_own() -> None:
    console = Console(width=40, height=12, color_system="truecolor", force_terminal=True, no_color=False)
    with console.capture() as capture:
        console.print(Picture(_preview()), Text("under it"), height=12)
    assert "▀" in capture.get()
