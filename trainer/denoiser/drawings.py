"""Training pairs of the edge denoiser, drawn again every so many epochs."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scanside.image import Size
from trainer.denoiser.pairs import ScanPair, Source, make_pair
from trainer.denoiser.sources import Sources
from trainer.terminal.progress import track

# On few scans, but large: what is missed of them weighs most. Half of the training pairs have one of them.
_RARE = ("result box", "body mark", "scale bar", "Doppler box", "trace")
_UNDRAWN_OUTLINED, _UNDRAWN_FLOW = 0.5, 0.3  # share of these pairs onto which no annotation is drawn


@dataclass(frozen=True)
class _Row:
    source: Source
    undrawn: float
    flow: bool = False


class Drawings:
    """One pair of every scan, more of those that a person outlined, more of some with colours of flow.

    Args:
        sizes: a scan's size changes from drawing to drawing, in this order.
        every: epochs that use one drawing.
        undrawn: share of the pairs onto which no annotation is drawn.
        outlined: how many more pairs of scans whose annotations are outlined.
        flow_every: every so many-th scan makes one more pair with flow.
    """

    def __init__(
        self,
        sources: Sources,
        sizes: tuple[Size, ...],
        seed: int,
        *,
        every: int,
        undrawn: float,
        outlined: int,
        flow_every: int,
    ) -> None:
        self._sizes, self._seed, self._every = sizes, seed, every
        known = [scan for scan in sources.scans if scan.ink is not None]
        self._rows = [
            *(_Row(scan, undrawn) for scan in sources.scans),
            *(_Row(scan, _UNDRAWN_OUTLINED) for scan in outlined * known),
            *(_Row(scan, _UNDRAWN_FLOW, flow=True) for scan in sources.scans[::flow_every]),
        ]
        self._drawing = lru_cache(maxsize=1)(self._draw)

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, epoch: int) -> list[ScanPair]:
        """Return the pairs of an epoch; the same whether or not the run was broken off before it."""
        return self._drawing(epoch // self._every)

    def _draw(self, drawing: int) -> list[ScanPair]:
        pairs = []
        for number, row in enumerate(track(self._rows, "drawing training pairs")):
            rng = np.random.default_rng((self._seed, drawing, number))
            size = self._sizes[(number + drawing) % len(self._sizes)]
            draw = rng.random() >= row.undrawn
            also = str(rng.choice(_RARE)) if rng.random() < 0.5 else None
            pairs.append(make_pair(row.source, size, rng, draw=draw, flow=row.flow, also=also))
        return pairs
