"""`edge assess --explain-preparation FILE --out PNG`: the steps of preparation as a picture, for support."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2

from scanside.assess.denoise import denoiser_of
from scanside.assess.explain import explain
from scanside.errors import SettingError, Unreadable
from scanside.model.bundle import Bundle
from scanside.scan.instance import open_instance


def write_explanation(source: Path, target: Path, bundle: Bundle) -> None:
    """Write the picture of how the image at `source` is prepared.

    Args:
        target: a PNG file; overwritten.
        bundle: the model, for its input size and its denoiser.

    Raises:
        NotScorable: there is no ultrasound frame to draw.
        RunnerError: the denoiser can't be run.
        SettingError: `target` can't be written, or is `source`.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise SettingError(f"--out: {target} is the image itself. Name another file.")
    # A process of its own: what crashes a codec must end in a message.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            png = pool.submit(_picture, source, bundle).result()
        except BrokenProcessPool:
            raise Unreadable(f"{source.name} takes the decoder down; the image may be damaged.") from None
    try:
        target.write_bytes(png)
    except OSError as error:
        raise SettingError(f"--out: {target} can't be written: {error.strerror or error}.") from error


def _picture(source: Path, bundle: Bundle) -> bytes:
    pixels = explain(open_instance(source), bundle.manifest.input_size, denoiser_of(bundle))
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
