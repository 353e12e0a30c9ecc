"""What a bundle's network must take and give: names, types, shapes. Checked before anything is run."""

from collections.abc import Mapping

from scanside.errors import BundleError
from scanside.model.manifest import Manifest
from scanside.runtime.tensor import Tensor

Lengths = tuple[int | None, ...]  # of the axes after the batch; None is any


def check_tensors(
    inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], manifest: Manifest, where: str
) -> None:
    """Names, types and, where the graph says it, shapes.

    Args:
        where: what messages call the graph.

    Raises:
        BundleError: the graph is not what the manifest says that it is.
    """
    height, width = manifest.input_size
    wanted: dict[str, Lengths] = {"scan": (1, height, width)}
    if manifest.clinical_inputs:
        wanted["clinical"] = (len(manifest.clinical_inputs),)
    _check("input", inputs, wanted, where, exact=True)
    wanted = {
        "class_probability": (len(manifest.classes),),
        "lesion_probability": (height, width),
        "features": (None,),
    }
    _check("output", outputs, wanted, where, exact=False)


def _check(
    kind: str, found: tuple[Tensor, ...], wanted: Mapping[str, Lengths], where: str, *, exact: bool
) -> None:
    by_name = {tensor.name: tensor for tensor in found}
    missing = [name for name in wanted if name not in by_name]
    surplus = [name for name in by_name if name not in wanted] if exact else []
    if missing or surplus:
        raise BundleError(
            f"{where} has the {kind}s {', '.join(map(ascii, by_name)) or 'none'}; a bundle's network has "
            f"{', '.join(wanted)}. Rename them at export, or with onnx.compose or onnx-graphsurgeon."
        )
    for name, rest in wanted.items():
        tensor = by_name[name]
        if tensor.dtype != "FLOAT":
            raise BundleError(f"{where}: the {kind} {name} is of type {tensor.dtype}, not FLOAT (float32).")
        if tensor.shape is None:
            continue  # running it will tell
        fits = len(tensor.shape) == 1 + len(rest) and all(
            want is None or isinstance(got, str) or got == want
            for got, want in zip(tensor.shape[1:], rest, strict=True)
        )
        if not fits:
            shape = ", ".join(["N", *("D" if length is None else str(length) for length in rest)])
            raise BundleError(f"{where}: the {kind} is {str(tensor)!a}, its manifest asks for ({shape}).")
        if not isinstance(tensor.shape[0], str):
            raise BundleError(
                f"{where}: the {kind} {name} has a fixed batch of {tensor.shape[0]}. Export it with a "
                "dynamic first axis: unknown clinical facts are scored together."
            )
