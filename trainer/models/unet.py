"""The encoder of U-Net (Ronneberger et al., MICCAI 2015) with batch norm and padding, as in the thesis."""

from itertools import pairwise

from torch import nn

from trainer.models.encoder import Encoder
from trainer.models.heads import build_double_conv

LEVELS = 5


def unet(pooled_blocks: int = 2, width: int = 64) -> Encoder:
    """Build five levels, each half the size of the one before, rounded up, with twice the channels.

    Args:
        pooled_blocks: how many of the last blocks the classification head reads (thesis, figure 7: 2).
        width: channels of the first level.
    """
    widths = tuple(width << level for level in range(LEVELS))
    stages = [build_double_conv(1, width)]
    for wide, wider in pairwise(widths):
        # ceil_mode: an odd size loses no row, and the decoder finds its skips no larger than itself.
        stages.append(nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), *build_double_conv(wide, wider)))
    levels = tuple(enumerate(widths))
    return Encoder(
        stages=nn.Sequential(*stages),
        pooled=levels[-pooled_blocks:],
        channels=widths[-1],
        skips=levels[:-1],
        decoded=widths[-2::-1],
        look=(0, 1, 2),
    )
