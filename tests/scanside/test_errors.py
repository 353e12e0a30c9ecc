"""The error tree is the one that is drawn, and every class has its exit code."""

import inspect

import pytest

from scanside import errors


def drawn_tree() -> dict[str, str]:
    """Class -> parent, read from the drawing at the top of errors.py."""
    parents: dict[str, str] = {}
    at_depth: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        body = line.removeprefix("    ")
        stripped = body.lstrip("│├└─ ")
        name = stripped.split(" ")[0]
        if not body or body == line or not name.isidentifier():
            continue
        depth = (len(body) - len(stripped)) // 4
        at_depth[depth] = name
        if depth:
            parents[name] = at_depth[depth - 1]
    return parents


def real_tree() -> dict[str, str]:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    return {c.__name__: c.__bases__[0].__name__ for c in classes if c is not errors.ScansideError}


def test_the_drawing_is_true() -> None:
    assert drawn_tree() == real_tree()
    assert len(real_tree()) >= 8


@pytest.mark.parametrize("name", ["ScansideError", *real_tree()])
def test_exit_codes(name: str) -> None:
    error = getattr(errors, name)
    assert error("why").exit_code == (1 if issubclass(error, errors.InputError) else 2)
    assert str(error("why")) == "why"
