"""A risk as people read it: a percentage whose digits never contradict the threshold or the risk itself."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

_MAX_DECIMALS = 400  # two doubles that differ are told apart long before
_EXACT = Context(prec=800, rounding=ROUND_HALF_EVEN)


def digits(risk: float, threshold: float) -> int:
    """Decimals that a percentage needs so that it doesn't read as on the threshold's other side."""
    for decimals in range(_MAX_DECIMALS):
        if (_rounded(risk, decimals) >= _rounded(threshold, decimals)) == (risk >= threshold):
            return decimals
    return _MAX_DECIMALS


def percent(risk: float, decimals: int = 0) -> str:
    """0.432 -> "43 %"; never "0 %" or "100 %", in any number of decimals, for what is only near."""
    shown, step = _rounded(risk, decimals), Decimal(1).scaleb(-decimals)
    if risk > 0 and shown == 0:
        return f"<{step} %"
    if risk < 1 and shown == 100:
        return f">{100 - step} %"
    return f"{shown} %"


def percent_beside(risk: float, threshold: float | None) -> str:
    """`risk` in as many decimals as it needs beside `threshold`; in one where there is none."""
    return percent(risk, 1 if threshold is None else digits(risk, threshold))


def percent_range(risks: Sequence[float], threshold: float) -> str:
    """One percentage, or the lowest and the highest of several."""
    low, high = min(risks), max(risks)
    decimals = max(digits(low, threshold), digits(high, threshold))
    if percent(low, decimals) == percent(high, decimals):
        return percent(high, decimals)
    return f"{percent(low, decimals).removesuffix(' %')}-{percent(high, decimals)}"


def _rounded(risk: float, decimals: int) -> Decimal:
    """100 times `risk`, exactly, then rounded: in binary .29 times 100 is 28.999999999999996."""
    return _EXACT.multiply(100, Decimal(repr(float(risk)))).quantize(
        Decimal(1).scaleb(-decimals), context=_EXACT
    )
