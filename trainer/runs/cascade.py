"""The cascade's input: slides cropped to the lesion that a network outlines (thesis, table 7)."""

from dataclasses import replace

import numpy as np
import torch

from trainer.data.cascade import crop_scan, find_lesion_box
from trainer.data.loader import make_plain_loader
from trainer.data.slides import Slides
from trainer.models.network import Network
from trainer.settings.configuration import Input
from trainer.terminal.progress import track
from trainer.training.hardware import Hardware


@torch.inference_mode()
def crop_slides(
    slides: Slides, network: Network, settings: Input, hardware: Hardware, batch: int = 16
) -> Slides:
    """Cut each slide to the lesion that `network` outlines on it.

    Returns:
        The slides with square scans and without masks: what is left to do is to classify.
    """
    side = settings.cascade_side
    scans = np.zeros((len(slides), side, side), np.uint8)
    row, device = 0, hardware.device
    network.to(device)
    for item in track(make_plain_loader(slides, batch), "cropping to the lesion"):
        for lesion in (network(item["scan"].to(device)).lesion_logits[:, 0] > 0).cpu().numpy():
            box = find_lesion_box(lesion, settings.cascade_margin, settings.cascade_fallback)
            scans[row] = crop_scan(slides.scans[row], box, side)
            row += 1
    return replace(
        slides, scans=scans, masks=np.zeros(scans.shape, bool), has_mask=np.zeros(len(slides), bool)
    )
