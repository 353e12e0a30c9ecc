"""What a terminal sends for a key, and that no other bytes are taken for one."""

import os
import pty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.view.focus.keys import KEYS, Keyboard, parse


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


@given(st.binary(max_size=40))
def test_any_bytes_end_and_a_split_changes_nothing(received: bytes) -> None:
    whole, rest = parse(received)
    assert received.endswith(rest)
    assert parse(rest, complete=True)[1] == b""
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
