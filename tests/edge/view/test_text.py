"""Names as DICOM files have them, through a real agent, to the real screen: shown, never obeyed."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.uid import generate_uid
from rich.cells import cell_len

from edge.view.text import person, safe
from tests.edge.conftest import StartAgent
from tests.edge.running import edge
from tests.edge.view.messages import rendered, row, study, view
from tests.synth.dicom import make_instance
from tests.synth.scans import make_frame

NAMES = [  # Specific Character Set, the name's bytes, what is shown
    ("ISO_IR 100", b"DOE[/b]^JANE", "DOE[/b] JANE"),
    ("ISO_IR 100", "MÜLLER^Jörg".encode("latin-1"), "MÜLLER Jörg"),
    ("GB18030", "王^小东".encode("gb18030"), "王 小东"),
    (["", "ISO 2022 IR 87"], b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "山田 太郎"),
    ("ISO_IR 192", "A\u202eB^C\u200bD".encode(), "A�B C�D"),
    ("ISO_IR 192", b"E\x1b]0;pwned\x07^F\x1b[2J", "E"),
    ("ISO_IR 192", b"ONE\nTWO^\x9bTHREE", "ONE TWO"),
]


def image(folder: Path, number: int, characters: str | Sequence[str], name: bytes) -> Path:
    instance = make_instance([make_frame(number).pixels])
    instance.StudyInstanceUID = generate_uid()
    instance.SpecificCharacterSet = list(characters) if not isinstance(characters, str) else characters
    instance.PatientID = f"P{number}"
    path = folder / f"{number}.dcm"
    place = (b"QzXw" * 20)[
        : len(name) + len(name) % 2
    ]  # replaced in the file: pydicom would mend such a name
    instance.PatientName = place.decode()
    instance.save_as(path, enforce_file_format=True)
    written = path.read_bytes()
    assert written.count(place) == 1
    path.write_bytes(written.replace(place, name.ljust(len(place), b" ")))
    return path


def test_names_of_every_kind(
    start_agent: StartAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = start_agent()
    for number, (characters, name, _) in enumerate(NAMES):
        agent.send(image(tmp_path, number, characters, name))
    agent.results(len(NAMES))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "50")
    shown = edge("watch", "--once", "--data", agent.data).stdout
    for _, _, expected in NAMES[1:]:
        assert expected in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown)
    assert len(shown.splitlines()) == 50
    assert all(cell_len(line) <= 120 for line in shown.splitlines())
    plain = edge("results", "--data", agent.data).stdout
    assert "\x1b" not in plain


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
@pytest.mark.parametrize(
    "name", ["日本語" * 30, "e\u0301" * 60, "👩\u200d👩\u200d👧" * 20, "ﷺ" * 20, "A" * 300]
)
def test_wide_and_combining_letters_break_no_column(name: str, size: tuple[int, int]) -> None:
    shown = view(row(1, patient_name=name, flags=[name], side=name, disputed=name), studies=[study(why=name)])
    plain = view(row(1, patient_name="A", flags=["A"], side="A", disputed="A"), studies=[study(why="A")])
    lines, others = rendered(shown, *size), rendered(plain, *size)
    assert [cell_len(line) for line in lines] == [cell_len(line) for line in others]
    assert len(lines) == size[1]


def test_only_the_first_group_of_a_name_is_shown() -> None:
    assert person("Yamada^Tarou=山田^太郎=やまだ^たろう") == "Yamada Tarou"
    assert person("=山田^太郎") == "山田 太郎"


def test_safe_texts_are_printable_and_short() -> None:
    hostile = "".join(map(chr, [*range(0x100), *range(0x2000, 0x2070), 0xD800, 0xF0000, 0x10FFFF]))
    kept = safe(hostile * 3)
    assert kept.isprintable() and len(kept) <= 301


def test_the_keys_of_a_study_are_never_drawn() -> None:
    hostile = view(row(1, study_instance_uid="\x1b[2J", sop_instance_uid="1.2.8"), studies=[])
    whole = "\n".join(rendered(hostile, 160, 50))
    assert "[2J" not in whole and "1.2.8" not in whole
