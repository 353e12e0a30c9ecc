"""MODEL_CARD.md: what the manifest says, for people."""

from collections.abc import Mapping
from typing import Any

from scanside import RESEARCH_USE


def _denoiser(denoiser: Mapping[str, Any]) -> list[str]:
    """What goes before the network."""
    figures = [
        f"- {name.replace('_', ' ')}: {f['value']:.3f} ({f['low']:.3f} to {f['high']:.3f}), {f['n']} images"
        for name, f in denoiser.get("figures", {}).items()
        if isinstance(f, Mapping) and f.get("value") is not None
    ]
    found = [
        f"- {name}: found in {part['annotated']} of {part['images']} images, not believed in "
        f"{part['not_believed']}"
        for name, part in denoiser.get("found", {}).items()
    ]
    return [
        "## Annotations",
        "",
        f"A denoiser goes first, trained on {denoiser['trained_on']}. It replaces pixels that it takes for",
        f"burned-in text or marks (probability above {denoiser['threshold']:g}) and no others. A scan in",
        f"which it would replace more than {denoiser['max_share']:.0%} is not scored. All figures below are",
        "of denoised scans.",
        "",
        *([f"Measured on {denoiser['measured_on']}.", ""] if "measured_on" in denoiser else []),
        *figures,
        "",
        *found,
        *([""] if found else []),
    ]


def model_card(document: Mapping[str, Any]) -> str:
    """The manifest's document as Markdown."""
    performance = document["performance"]
    figures = [
        f"| {name.replace('_', ' ')} | {f['value']:.3f} | {f['low']:.3f} to {f['high']:.3f} | {f['n']} |"
        for name, f in performance.items()
        if isinstance(f, Mapping)
    ]
    classes = [f"- {c['name']}" + (" (malignant)" if c["malignant"] else "") for c in document["classes"]]
    threshold = document["threshold"]
    training = document["training"]
    size = document["input"]
    lines = [
        f"# {document['name']} {document['version']}",
        "",
        f"**{RESEARCH_USE}** {document['intended_use']}",
        "",
        "## Trained on",
        "",
        f"{training['summary']}. Initial weights: {training['initial_weights']}. Every number of the run",
        "is in manifest.json under `training.recipe`.",
        *(["", training["preparation"]] if "preparation" in training else []),
        "",
        "## What it does",
        "",
        f"Input: one scan of {size['height']} x {size['width']} px, grey. Clinical facts it reads: "
        f"{', '.join(size['clinical']) or 'none'}.",
        "",
        "Classes:",
        "",
        *classes,
        "",
        *(_denoiser(document["denoiser"]) if "denoiser" in document else []),
        "## How well",
        "",
        f"Measured on {performance['measured_on']}.",
        "",
        "| figure | value | 95 % interval | images |",
        "|---|---:|---:|---:|",
        *figures,
        "",
        f"Decision threshold: risk {threshold['risk']:.4f}, chosen for {threshold['chosen']}. "
        f"Provisional: {threshold['provisional']}.",
        "",
        f"Calibration: {document['calibration']['method']}, on {document['calibration']['measured_on']}, of "
        f"which {document['calibration']['prevalence']:.1%} were malignant. Where the prevalence is another,",
        "so is the risk.",
        "",
        f"A scan whose {document['reference']['method']} to the training images is above "
        f"{document['reference']['max_distance']:.2f} is not scored; "
        f"{document['reference']['accepted_on_test']:.1%} of the images above pass.",
        "",
        "## What it is not",
        "",
        "One hospital's images, one malignant class, stills chosen by an examiner, annotations burned in.",
        "It has seen no other organ and no other hospital's machines; nobody has tested it in a clinic.",
        "",
    ]
    return "\n".join(lines)
