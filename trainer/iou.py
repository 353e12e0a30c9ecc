"""Which slides an arm's IoU rests on. The thesis compares arms that were tested on different slides."""

from torch import Tensor

from trainer.configuration import Evaluation
from trainer.metrics import iou_per_image
from trainer.models.spec import Task


def slide_iou(
    lesion_logits: Tensor, mask: Tensor, has_mask: Tensor, task: Task, settings: Evaluation
) -> Tensor:
    """Intersection over union of each slide, at a lesion probability above one half.

    Args:
        lesion_logits, mask: (N, 1, H, W).
        has_mask: (N,) bool.
        task: of the arm; with "all slides in mtl" a multitask arm's missing masks count as empty.

    Returns:
        (N,), NaN for a slide that does not count. Two empty masks agree: 1.
    """
    counted = has_mask
    if task == "mtl" and settings.iou_on == "all slides in mtl":
        counted = has_mask.new_ones(has_mask.shape)
    true = (mask > 0.5) & has_mask[:, None, None, None]
    return iou_per_image(lesion_logits > 0, true).masked_fill(~counted, float("nan"))
