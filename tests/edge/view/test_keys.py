"""What a terminal sends for a key, and that no other bytes are taken for one."""

import os
import pty
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.view.focus.keys import KEYS, Keyboard, Paste, parse

START, END = b"\x1b[200~", b"\x1b[201~"


def test_arrows_in_both_modes_and_home() -> None:
    sent = b"\x1b[A\x1bOB\x1b[C\x1b[D\x1b[H\x1b[1~"
    assert parse(sent) == (["up", "down", "right", "left", "home", "home"], b"")


def test_letters_enter_tab_and_letters_of_several_bytes() -> None:
    assert parse("aé日\r\t\x7f\x08".encode())[0] == ["a", "é", "日", "enter", "tab", "backspace", "backspace"]


def test_sequences_of_other_keys_and_the_mouse_are_left_out_whole() -> None:
    assert parse(b"\x1b[15~q\x1b[<0;10;5Mq\x1bOPq\x1b[200~")[0] == ["q", "q", "q"]


def test_a_lone_escape_is_a_key_once_nothing_follows() -> None:
    assert parse(b"\x1b") == ([], b"\x1b")
    assert parse(b"\x1b", complete=True) == (["escape"], b"")
    assert parse(b"\x1bq")[0] == ["escape", "q"]


def test_control_characters_and_broken_letters_are_no_keys() -> None:
    assert parse(bytes([0, 1, 2, 0x1A, 0x9B, 0xFF]) + b"q", complete=True)[0][-1:] == ["q"]
    assert all(key.isprintable() for key in parse(bytes(range(256)), complete=True)[0])


def test_what_is_pasted_is_one_text_and_no_key() -> None:
    sent = b"a" + START + "mé\r\x1b[A q\x03".encode() + END + b"q"
    assert parse(sent) == (["a", Paste("mé\r\x1b[A q\x03"), "q"], b"")
    assert parse(START + END + b"\x1b[A") == ([Paste(""), "up"], b"")
    assert parse(END + b"q")[0] == ["q"]  # an end without a beginning


@pytest.mark.parametrize("complete", [False, True])
def test_a_paste_that_pauses_is_waited_for(complete: bool) -> None:
    assert parse(START + b"q\x1b[20", complete) == ([], START + b"q\x1b[20")


def test_a_long_paste_takes_no_memory_and_ends() -> None:
    kept, found = START, []
    for _ in range(200):
        more, kept = parse(kept + b"x" * 4000)
        found += more
        assert len(kept) < 9000
    more, kept = parse(kept + END[:3])
    assert (found, more) == ([], [])
    found, kept = parse(kept + END[3:] + b"q")
    assert kept == b"" and found[1:] == ["q"]
    assert isinstance(found[0], Paste) and found[0].text == "x" * len(found[0].text) and found[0].text


def test_a_paste_without_an_end_is_given_up() -> None:
    reading, writing = os.pipe()
    keyboard = Keyboard(reading)
    os.write(writing, START + b"q")
    assert keyboard.presses() == []
    time.sleep(2.1)
    os.write(writing, b"q")
    assert keyboard.presses() == ["q"]
    os.write(writing, START + b"q")
    assert keyboard.presses() == []
    os.write(writing, b"r" + END)
    assert keyboard.presses() == [Paste("qr")]
    os.close(reading)
    os.close(writing)


PIECES = st.one_of(st.binary(max_size=6), st.sampled_from([START, END, START[:4], END[:5], b"\x1b[A"]))


@given(st.lists(PIECES, max_size=8).map(b"".join))
def test_any_bytes_end_and_a_split_changes_nothing(received: bytes) -> None:
    whole, rest = parse(received)
    assert received.endswith(rest)
    assert parse(rest, complete=True)[1] == (rest if rest.startswith(START) else b"")
    for place in range(len(received)):
        first, kept = parse(received[:place])
        assert first + parse(kept + received[place:])[0] == whole


def test_a_sequence_that_comes_in_pieces_is_one_key() -> None:
    reading, writing = os.pipe()
    keyboard = Keyboard(reading)
    os.write(writing, b"\x1b")
    assert keyboard.presses() == ["escape"]  # after a moment in which nothing followed
    os.write(writing, b"\x1b[")
    os.write(writing, b"C")
    assert keyboard.presses() == ["right"]
    os.close(writing)


def test_a_closed_terminal_is_no_key() -> None:
    master, slave = pty.openpty()
    keyboard = Keyboard(slave)
    os.close(master)
    with pytest.raises(EOFError):
        keyboard.presses()
    os.close(slave)


def test_no_key_has_two_meanings() -> None:
    presses = [press for key in KEYS for press in key.presses]
    assert len(presses) == len(set(presses))
