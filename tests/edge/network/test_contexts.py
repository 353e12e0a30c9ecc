"""Which transfer syntax is taken of several that one context offers, and what the page says of it."""

import re
from pathlib import Path

import pytest
from pynetdicom import build_context
from pynetdicom.presentation import negotiate_as_acceptor

from edge.network import contexts
from scanside.dicom.codecs import COMPRESSED, NATIVE
from scanside.dicom.video import VIDEO

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
PAGE = Path(__file__).parents[3] / "docs" / "dicom-conformance.md"
SHORT = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "big endian": "1.2.840.10008.1.2.2",
    **{f".{end}": f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 70, 90, 91, 92, 93, 110, 201, 203)},
}


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ((".70", ".50"), ".70"),
        ((".50", ".70"), ".70"),
        ((".50", ".90", ".91"), ".90"),
        ((".50", "explicit"), "explicit"),
        (("implicit", "explicit"), "explicit"),
        (("big endian", "implicit"), "implicit"),
        ((".110", ".201"), ".201"),
        ((".92", ".93", ".50"), ".50"),
        ((".93",), ".93"),
    ],
)
def test_what_can_be_scored_without_loss_comes_first(offered: tuple[str, ...], taken: str) -> None:
    context = build_context(ULTRASOUND, [SHORT[name] for name in offered])
    context.context_id = 1
    (result,), _ = negotiate_as_acceptor([context], contexts.supported([context], private=True))
    assert result.result == 0 and result.transfer_syntax == [SHORT[taken]]


def test_what_is_preferred_has_a_decoder() -> None:
    jpeg_xl = {contexts.JPEG_XL_LOSSLESS, *contexts.JPEG_XL}
    assert {*contexts.LOSSLESS, *contexts.LOSSY} | jpeg_xl == {*map(str, NATIVE | COMPRESSED)}
    assert set(contexts.VIDEO) == set(map(str, VIDEO))


@pytest.mark.skipif(not PAGE.exists(), reason="the docs are not here")
def test_the_conformance_table_lists_what_is_accepted() -> None:
    """What of them is scored: tests/architecture/test_docs.py."""
    uids = re.findall(r"^\| .* \| (1\.[\d.]+) \| \w+ \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(uids) == sorted(contexts.transfer_syntaxes())


@pytest.mark.parametrize(
    ("installed", "offered", "taken"),
    [
        (True, (".110", ".50"), ".110"),
        (False, (".110", ".50"), ".50"),
        (False, (".110", ".203"), ".203"),
        (True, (".201", ".110"), ".201"),
        (True, (".110", ".93"), ".110"),
    ],
)
def test_jpeg_xl_is_preferred_where_its_decoder_is_installed(
    installed: bool, offered: tuple[str, ...], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "find_spec", lambda _: object() if installed else None)
    order = contexts.transfer_syntaxes()
    assert min((SHORT[name] for name in offered), key=order.index) == SHORT[taken]
