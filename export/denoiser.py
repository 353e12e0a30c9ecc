"""A trained denoiser -> what a bundle holds of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.bundle import DenoiserPart, carried_denoiser
from export.golden import annotated_inputs
from export.to_onnx import denoiser_to_onnx
from scanside.errors import SettingError
from scanside.image import Size
from scanside.model.bundle import load_bundle
from trainer.denoiser import checkpoint as checkpoints
from trainer.denoiser.ready import TorchDenoiser, is_bundle
from trainer.models.denoiser.edge import STRIDE

_DECIDES = ("fingerprint", "threshold", "min_pixels", "max_share")


def denoiser_part(path: Path, size: Size) -> DenoiserPart:
    """The denoiser in the checkpoint or bundle at `path`, for a network of input `size`.

    Raises:
        InputError: there is none, or not one for this size.
    """
    if is_bundle(path):
        bundle = load_bundle(path, allow_test_only=True)
        part = carried_denoiser(bundle)
        if part is None or bundle.manifest.input_size != size:
            raise SettingError(
                f"--denoiser: {path} has no denoiser for an input of {size.height} x {size.width}. "
                "Name the denoiser's checkpoint."
            )
        return part
    if size.height % STRIDE or size.width % STRIDE:
        raise SettingError(
            f"--denoiser: it needs an input in multiples of {STRIDE} px; the network's is "
            f"{size.height} x {size.width}."
        )
    checkpoint = checkpoints.load(path)
    network, inputs = checkpoint.network(), annotated_inputs(size)
    outputs = TorchDenoiser(network).run(inputs)
    golden = {f"in_{k}": v for k, v in inputs.items()} | {f"out_{k}": v for k, v in outputs.items()}
    return DenoiserPart(denoiser_to_onnx(network), checkpoint.document, golden)


def check_measured_with(measured: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> None:
    """A bundle's figures hold only with the denoiser that they were measured with.

    Args:
        measured: the `denoiser` that the network's checkpoint names.
        given: that of the denoiser to be exported with it.

    Raises:
        SettingError: they are not the same.
    """
    if measured is None and given is None:
        return
    if measured is None:
        raise SettingError(
            "--denoiser: this network was measured without one, so its threshold and figures would not hold. "
            "Measure it again: trainer run default-model --denoiser DENOISER --weights-from CHECKPOINT."
        )
    if given is None:
        raise SettingError("this network was measured with a denoiser. Name it with --denoiser.")
    if any(measured[key] != given[key] for key in _DECIDES):
        raise SettingError(
            "--denoiser: not the one that this network was measured with. Name that one, or measure anew."
        )
