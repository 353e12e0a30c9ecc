"""What a network needs to know about its encoder."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Encoder:
    """An image encoder, run stage by stage.

    Attributes:
        stages: (N, 1, H, W) -> (N, C, h, w), sizes rounded up at each halving.
        pooled: stages whose global average the classification head reads, and their channels.
        skips: stages whose output the decoder reads, from fine to coarse, and their channels; empty
            where the thesis gives the encoder no decoder.
        channels: of the last stage, where the decoder begins.
        decoded: channels after each step of the decoder, from coarse to fine.
        look: early stages, whose moments tell the look of an image. Later stages keep little but what
            tells the classes apart, and map other organs among them.
    """

    stages: nn.Sequential
    pooled: tuple[tuple[int, int], ...]
    channels: int
    skips: tuple[tuple[int, int], ...] = ()
    decoded: tuple[int, ...] = ()
    look: tuple[int, ...] = ()
