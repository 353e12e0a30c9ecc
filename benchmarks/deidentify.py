"""Whether anybody can be found in de-identified files: by their bytes, and by reading their pixels.

    python -m benchmarks.deidentify --count 210

Looks for the identity of synthetic patients, and of the real files that are at hand, in the originals (where
it must be found, else the search is worth nothing) and in what de-identification made of them. Text is read
by tesseract, of synthetic frames with the tissue blackened, since it reads best without speckle around.
Ends with code 1 where anything was found.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from scanside.deidentify.instance import deidentify
from scanside.deidentify.key import Key
from scanside.errors import NotScorable
from scanside.scan.instance import open_instance
from tests.outside import find_tool_or_exit
from tests.scanside.scan.real import MORE, NAMES, path_of
from tests.synth.dicom import MAKERS, save, transcode
from tests.synth.leaks import identity_of, leaked_bytes, leaked_words, words_read
from tests.synth.patients import make_patient

KEY = Key(bytes(range(32)))
LOSSLESS = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless)
TEXTS, DATES = "bytes: names, ids, UIDs, private values", "bytes: dates"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=210, help="synthetic patients (210)")
    count = parser.parse_args().count
    find_tool_or_exit("tesseract")
    warnings.simplefilter("ignore")  # pydicom's, of real files' own faults
    with tempfile.TemporaryDirectory() as folder:
        leaks = _synthetic(count, Path(folder)) + _real(Path(folder))
    return 1 if leaks else 0


def _synthetic(count: int, folder: Path) -> int:
    files: Counter[str] = Counter()
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    blackened = []
    for seed in track(range(count), "Synthetic patients", console=Console(stderr=True)):
        patient = make_patient(seed)
        source = save(patient.instance, folder / "original.dcm")
        # GDCM writes a region of its own, without any type, where an instance declares none.
        if seed % len(MAKERS) == 0 and "SequenceOfUltrasoundRegions" in patient.instance:
            source = transcode(
                source, folder / "compressed.dcm", LOSSLESS[seed // len(MAKERS) % len(LOSSLESS)]
            )
        start = time.perf_counter()
        instance = open_instance(source)
        frames = [instance.frame(index).pixels for index in range(instance.frame_count)]
        decoded = time.perf_counter()
        done = deidentify(source, folder, KEY)
        seconds["decode"] += decoded - start
        seconds["de-identify"] += time.perf_counter() - decoded
        clean = open_instance(done.path)
        cleaned = [clean.frame(index).pixels for index in range(clean.frame_count)]
        place = f"pixels, {patient.place}: words read"
        for found, path, pictures in ((before, source, frames), (after, done.path, cleaned)):
            content = path.read_bytes()
            found[TEXTS] += bool(leaked_bytes(content, patient.secrets))
            found[DATES] += bool(leaked_bytes(content, (), patient.dates))
            unspeckled = [_without(picture, patient.sector) for picture in pictures]
            found[place] += any(leaked_words(picture, patient.burned_in) for picture in unspeckled)
        files.update([TEXTS, DATES, place])
        blackened += [_blackened(*pair, patient.sector) for pair in zip(frames, cleaned, strict=True)]
        done.path.unlink()
    table = Table(
        "searched", "files", "found in originals", "found after", title=f"{count} synthetic patients"
    )
    for what in sorted(files):
        table.add_row(what, *(str(counter[what]) for counter in (files, before, after)))
    Console().print(table)
    share = 100 * np.array(blackened)
    print(f"tissue blackened: median {np.median(share):.2f} %, largest {share.max():.2f} % of a sector")
    print(f"time: {seconds['de-identify'] / seconds['decode']:.1f} times that of decoding the same frames")
    return sum(after.values())


def _real(folder: Path) -> int:
    table = Table(
        "file", "texts, UIDs", "found", "dates", "found", "words read", "still read", title="Real files"
    )
    leaks = 0
    for name in (*NAMES, *MORE):
        source = path_of(name)
        if source is None:
            table.add_row(name, "not at hand: set SCANSIDE_DATA")
            continue
        original = source.read_bytes()
        texts, dates = identity_of(pydicom.dcmread(source))
        texts, dates = leaked_bytes(original, texts), leaked_bytes(original, (), dates)  # what a search finds
        try:
            done = deidentify(source, folder, KEY)
        except NotScorable as reason:
            table.add_row(name, f"left out: {reason}")
            continue
        content = done.path.read_bytes()
        found, found_dates = leaked_bytes(content, texts), leaked_bytes(content, dates)
        words = words_read(open_instance(source).frame().pixels)
        still = words & words_read(open_instance(done.path).frame().pixels)
        counts = (texts, found, dates, found_dates, words)
        table.add_row(name, *(str(len(part)) for part in counts), ", ".join(sorted(still)) or "0")
        leaks += len(found) + len(found_dates) + len(still)
        done.path.unlink()
    Console(width=150).print(table)
    return leaks


def _without(pixels: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(sector if pixels.ndim == 2 else sector[..., None], np.uint8(0), pixels)


def _blackened(before: NDArray[np.uint8], after: NDArray[np.uint8], sector: NDArray[np.bool_]) -> float:
    """Share of the sector that showed something and is black now."""
    was, now = (pixels if pixels.ndim == 2 else pixels.max(axis=2) for pixels in (before, after))
    return float(np.count_nonzero(sector & (was > 10) & (now == 0)) / np.count_nonzero(sector))


if __name__ == "__main__":
    sys.exit(main())
