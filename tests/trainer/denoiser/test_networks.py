"""Denoisers give what they promise, at any size, and learn in every parameter."""

import pytest
import torch

from trainer.models.denoiser.build import build_denoiser
from trainer.models.denoiser.edge import STRIDE, EdgeDenoiser
from trainer.models.denoiser.fill import fill_in


@pytest.mark.parametrize("name", ["autoencoder", "unet", "jung"])
def test_a_whole_denoiser_keeps_any_size_and_trains_every_parameter(name: str) -> None:
    network = build_denoiser(name, 4)
    scan = torch.rand(2, 1, 37, 50)
    clean = network(scan)
    assert clean.shape == scan.shape
    clean.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(("name", "weights"), [("unet", 31_036_481)])
def test_the_unet_is_the_one_of_the_thesis(name: str, weights: int) -> None:
    assert sum(p.numel() for p in build_denoiser(name).parameters()) == weights


def test_an_untrained_edge_denoiser_is_in_doubt_and_keeps_an_even_scan() -> None:
    network = EdgeDenoiser().eval()
    torch.nn.init.zeros_(network.out.bias)
    scan, chroma = torch.full((2, 1, 5 * STRIDE, 7 * STRIDE), 0.3), torch.rand(2, 1, 5 * STRIDE, 7 * STRIDE)
    with torch.inference_mode():
        probability, clean = network(scan, chroma)
    assert probability.shape == clean.shape == (2, 40, 56)
    torch.testing.assert_close(clean, scan[:, 0], atol=1e-2, rtol=0)
    torch.testing.assert_close(probability, torch.full_like(probability, 0.5))


def test_filling_keeps_what_is_kept_and_carries_its_values_inwards() -> None:
    scan, keep = torch.rand(1, 1, 64, 80), torch.ones(1, 1, 64, 80)
    scan[..., 40:] += 3
    keep[..., 20:24, 8:12] = keep[..., 30:50, 50:70] = 0
    filled = fill_in(torch.where(keep > 0, scan, 99.0), keep)
    torch.testing.assert_close(filled[keep > 0], scan[keep > 0])
    assert 0.2 < filled[0, 0, 21, 9] < 0.8  # of the left half
    assert filled[0, 0, 40, 60] > 2.7  # of the right half, from ten pixels away
    assert not torch.isnan(fill_in(scan, torch.zeros_like(keep))).any()


def test_the_edge_denoiser_trains_every_parameter_and_reads_both_inputs() -> None:
    network = EdgeDenoiser((4, 8, 8, 16), (1, 2))
    torch.nn.init.normal_(network.out.weight, std=0.1)
    scan, chroma = (torch.rand(2, 1, 32, 48, requires_grad=True) for _ in range(2))
    raw = network.raw(scan, chroma)
    (raw.annotation_logits.square().sum() + raw.clean.square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    assert scan.grad.abs().sum() > 0 and chroma.grad.abs().sum() > 0
