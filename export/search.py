"""Which layers INT8 hurts: found one by one on scans that judge nothing else, and left in FP32."""

from collections.abc import Callable, Collection, Sequence

from export.acceptance import Report
from scanside.errors import RunnerError
from trainer.terminal.progress import track

Layer = tuple[str, ...]  # nodes that are quantised together
Judge = Callable[[Collection[str]], Report]  # report of the network in which these nodes stay in FP32

_ROOM = 0.8  # of each limit: the scans that judge in the end are others
_LARGEST_SHARE = 0.75  # of the layers in FP32: more is no INT8 network


def nodes_to_keep(layers: Sequence[Layer], judge: Judge, glance: Judge) -> tuple[str, ...]:
    """Nodes that have to stay in FP32, as few as will do.

    Each layer is quantised alone; the report says how much it hurts. The worst stay in FP32, first one, then
    half as many again each time, until the report on the rest passes.

    Args:
        judge: on enough scans to decide.
        glance: on a few, to put layers in order.

    Raises:
        RunnerError: three quarters of the layers in FP32 are not enough.
    """
    if judge(()).hurt <= _ROOM:
        return ()
    everything = [name for layer in layers for name in layer]
    hurt = {
        layer: glance([name for name in everything if name not in layer]).hurt
        for layer in track(layers, "how much each layer hurts")
    }
    ranked = sorted(layers, key=lambda layer: -hurt[layer])
    count = 1
    while count <= _LARGEST_SHARE * len(layers):
        kept = tuple(name for layer in ranked[:count] for name in layer)
        if judge(kept).hurt <= _ROOM:
            return kept
        count = count + (count + 1) // 2
    raise RunnerError(
        f"INT8 changes the network too much even with {_LARGEST_SHARE:.0%} of its layers in FP32. "
        "It is left as it was; float32 serves."
    )
