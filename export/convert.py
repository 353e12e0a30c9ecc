"""Checkpoint -> bundle, with the parity between torch and the runtime measured on the way."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from export.bundle import write_bundle
from export.denoiser import check_measured_with, denoiser_part
from export.golden import golden_inputs
from export.model_card import model_card
from export.to_onnx import round_to_fp16, run_torch, to_onnx
from scanside import RESEARCH_USE
from scanside.assess.golden import check_golden
from scanside.model.bundle import GOLDEN_DENOISER, NETWORK, Bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from trainer.denoiser.ready import open_denoiser
from trainer.models import checkpoint as checkpoints

TOLERANCE = {"float32": 1e-3}


@dataclass(frozen=True)
class Parity:
    """Largest absolute differences on the golden case, by output.

    Attributes:
        rounding: network with FP16 weights against the checkpoint's FP32, both in torch.
        runtime: ONNX Runtime against torch, the same weights.
    """

    rounding: dict[str, float]
    runtime: dict[str, float]


def convert(source: Path, folder: Path, denoiser: Path | None = None) -> tuple[Bundle, Parity]:
    """Export the checkpoint at `source` into the bundle `folder`.

    Args:
        denoiser: checkpoint of the denoiser that the network was measured with, or a bundle that has it.

    Raises:
        InputError: no checkpoint, or the network was measured with another denoiser, or with none.
        RunnerError: the runtime does not reproduce the network; nothing should use the bundle.
    """
    checkpoint = checkpoints.load(source)
    given = open_denoiser(denoiser).document if denoiser else None
    check_measured_with(checkpoint.manifest.get("denoiser"), given)
    part = denoiser_part(denoiser, checkpoint.input_size) if denoiser else None
    clinical = len(checkpoint.clinical_inputs)
    inputs = golden_inputs(checkpoint.input_size, clinical)
    exact = run_torch(checkpoint.network(), inputs)
    network = round_to_fp16(checkpoint.network())
    outputs = run_torch(network, inputs)
    document = {
        **checkpoint.manifest,
        "licence": "Apache-2.0",
        "test_only": checkpoint.manifest.get("test_only", False),
        "input": {
            "height": checkpoint.input_size.height,
            "width": checkpoint.input_size.width,
            "clinical": list(checkpoint.clinical_inputs),
        },
        "classes": [{"name": name, "malignant": malignant} for name, malignant in checkpoint.classes],
        "golden": {"tolerance": TOLERANCE, "source": "checkpoint"},
    }
    bundle = write_bundle(
        folder,
        document,
        network=to_onnx(network, checkpoint.input_size, clinical, _metadata(document, source)),
        golden={f"in_{k}": v for k, v in inputs.items()} | {f"out_{k}": v for k, v in outputs.items()},
        reference={name: values.numpy() for name, values in checkpoint.reference.items()},
        model_card=model_card(document),
        denoiser=part and replace(part, document=checkpoint.manifest["denoiser"]),
    )
    if part:
        check_golden(bundle, OnnxRuntime(part.graph), case=GOLDEN_DENOISER)
    rounding = {name: float(np.abs(exact[name] - outputs[name]).max()) for name in outputs}
    return bundle, Parity(rounding, check_golden(bundle, OnnxRuntime(bundle.files[NETWORK])))


def _metadata(document: Mapping[str, Any], checkpoint: Path) -> dict[str, str]:
    """What the graph says of itself, should it ever lie about without its bundle."""
    return {
        "name": document["name"],
        "version": document["version"],
        "checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        "trained_on": document["training"]["summary"],
        "intended_use": document["intended_use"],
        "research_use": RESEARCH_USE,
    }
