"""torchvision's ImageNet weights -> the encoders here, which bear its parameter names."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from scanside.errors import SettingError
from trainer.models.spec import EncoderName

_SITE = "https://download.pytorch.org/models/"
_FILES: dict[EncoderName, str] = {
    "efficientnet": "efficientnet_b0_rwightman-7f5810bc.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "densenet121": "densenet121-a639ec97.pth",
}


def load_imagenet(stages: nn.Sequential, source: Path | None, encoder: EncoderName = "efficientnet") -> None:
    """Load torchvision's ImageNet weights into `stages`, all but a stem convolution of 1 channel.

    Args:
        stages: `Network.features` of a network with this encoder.
        source: torchvision's file of the encoder, or a folder that holds it; downloaded when None.

    Raises:
        SettingError: the file can't be had, or its names and shapes are not those of the encoder, or
            torchvision has no such encoder.
    """
    if encoder not in _FILES:
        raise SettingError(f"there are no ImageNet weights for {encoder}; there are for {', '.join(_FILES)}.")
    url = _SITE + _FILES[encoder]
    source = source and weights_file(source, encoder)
    try:
        if source is None:
            state = torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True)
        else:
            state = torch.load(source, map_location="cpu", weights_only=True)
        given = _encoder_part(state)
    except Exception as error:
        raise SettingError(
            f"ImageNet weights can't be read from {source or url}: {error}. "
            "Give the file with --weights FILE, or train from scratch with --weights none."
        ) from error
    wanted = stages.state_dict()
    stem = next(iter(wanted))
    # Old files have no count of batches, which serves no forward pass.
    given |= {k: v for k, v in wanted.items() if k.endswith("num_batches_tracked") and k not in given}
    wrong = [k for k, v in wanted.items() if k not in given or (k != stem and given[k].shape != v.shape)]
    wrong += [k for k in given if k not in wanted]
    if wrong:
        raise SettingError(
            f"{source or url} does not hold {encoder} as torchvision writes it: "
            f"{len(wrong)} names or shapes differ, first {wrong[0]}."
        )
    if given[stem].shape != wanted[stem].shape:
        given[stem] = wanted[stem]
    stages.load_state_dict(given)


def weights_file(source: Path, encoder: EncoderName) -> Path:
    """`source` itself, or torchvision's file of the encoder in the folder that it is."""
    return source / _FILES[encoder] if source.is_dir() else source


def _encoder_part(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors without those of its classifier, named as in the encoder."""
    kept = {k: v for k, v in state.items() if not k.startswith(("classifier.", "fc."))}
    # The file of DenseNet is older than the names of its layers: norm.1 is today's norm1.
    pattern = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
    return {pattern.sub(r"\1\2.", k.removeprefix("features.")): v for k, v in kept.items()}
