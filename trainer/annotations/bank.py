"""What is written on scans, drawn from bank.toml."""

import sys
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


def draw_label(rng: np.random.Generator) -> str:
    """Draw a side, an organ, a finding; every second one in English."""
    languages = _read_bank()["labels"]
    name = "english" if rng.random() < 0.5 else _pick(sorted(languages), rng)
    return _pick(languages[name], rng)


def draw_value(kind: str, rng: np.random.Generator) -> str:
    """Draw a line with measured values or settings; `kind` is a key of [values]."""
    number = rng.uniform
    return _pick(_read_bank()["values"][kind], rng).format(
        n=rng.integers(1, 9),
        cm=f"{number(0.3, 19):.{rng.integers(1, 3)}f}",
        mm=f"{number(3, 150):.1f}",
        ml=f"{number(0.5, 400):.1f}",
        ratio=f"{number(0, 1.4):.2f}",
        cms=f"{number(1, 60):.1f}",
        hz=f"{number(0.3, 3):.1f}k",
        mhz=f"{number(2, 12):.1f}",
        db=f"{number(1, 99):.0f}",
        index=f"{number(0.1, 4):.2f}",
        week=rng.integers(4, 40),
        day=rng.integers(7),
    )


@cache
def _read_bank() -> dict[str, dict[str, list[str]]]:
    bank: dict[str, dict[str, list[str]]]
    bank = tomllib.loads(files(__package__).joinpath("bank.toml").read_text("utf-8"))
    return bank


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
