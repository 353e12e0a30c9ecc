"""Views depend on (seed, epoch, row) alone, and move all planes of a pair alike."""

import numpy as np
import torch

from scanside.image import Size
from trainer.denoiser.loader import PairsOf, RandomViews, Views, make_plain_loader, make_training_loader
from trainer.denoiser.pairs import ScanPair, Source, make_pair

WINDOW = Size(96, 128)


def pairs_of(source: Source) -> list[ScanPair]:
    return [make_pair(source, size, np.random.default_rng(3)) for size in (Size(104, 136), Size(168, 272))]


def drawn_once(source: Source) -> PairsOf:
    pairs = pairs_of(source)
    return lambda _: pairs


def test_a_view_repeats_and_epochs_differ(source: Source) -> None:
    data, again = (RandomViews(drawn_once(source), WINDOW, Views(), seed=4) for _ in range(2))
    for name, plane in data[(2, 1)].items():
        assert plane.shape == (1, *WINDOW)
        torch.testing.assert_close(plane, again[(2, 1)][name])
    assert (data[(2, 1)]["scan"] != data[(3, 1)]["scan"]).any()


def test_a_view_without_changes_is_a_window_of_the_pair(source: Source) -> None:
    pair = pairs_of(source)[1]
    view = RandomViews(lambda _: [pair], Size(*pair.scan.shape), Views(0, 0, 0), seed=0)[(0, 0)]
    for name, plane in vars(pair).items():
        scale = 255 if plane.dtype == np.uint8 else 1
        np.testing.assert_allclose(view[name][0].numpy() * scale, plane, atol=1e-4)


def test_grey_views_hold_no_colour(source: Source) -> None:
    grey = RandomViews(drawn_once(source), WINDOW, Views(grey=1), seed=0)[(0, 1)]
    assert not grey["chroma"].any() and grey["scan"].any()


def test_loaders_batch_what_they_are_given(source: Source) -> None:
    pairs = pairs_of(source)
    (batch,) = make_training_loader(2, lambda _: pairs, WINDOW, Views(), batch=4, seed=0)
    assert batch["scan"].shape == (2, 1, *WINDOW)
    assert [len(b["scan"]) for b in make_plain_loader(3 * pairs[:1], 2)] == [2, 1]
