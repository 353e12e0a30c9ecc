"""Spoilt DICOM files through the whole way to a network's input, in processes of their own.

What a case may do: give scans, or raise an error of the project's own tree. A crash, a hang, too much
memory or any other exception is a finding, and is named by its seed.
"""

import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydicom import uid
from pydicom.dataset import FileDataset

from scanside.errors import ScansideError
from scanside.image import Size
from tests.scanside.scan.real import MORE, NAMES, path_of, scans_of
from tests.synth.dicom import NATIVE, Photometric, make_instance, save, transcode
from tests.synth.scans import make_frame
from tests.synth.video import CODECS, make_video

CASE_LIMIT_S = 10
MEMORY_LIMIT_BYTES = 3 * 2**30  # of addresses, libraries among them
_SMALL = Size(96, 128)
_GDCM = (
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEGExtended12Bit,
)
_EXTREMES = (0, 1, 2, 0x7FFF, 0x8000, 0xFFFF, 0xFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def write_sources(folder: Path) -> list[Path]:
    """The real files at hand, and a synthetic one of every transfer syntax and photometric interpretation."""
    frames = [make_frame(seed, _SMALL, colour=True).pixels for seed in range(2)]
    paths = [path for name in (*NAMES, *MORE) if (path := path_of(name))]
    for syntax in (*NATIVE, uid.RLELossless):
        for photometric in (p for p in Photometric if p is not Photometric.YBR_FULL_422):
            made = make_instance(frames, photometric=photometric, syntax=syntax)
            paths.append(_save(made, folder / f"{syntax}-{photometric.name}.dcm"))
    colour = make_instance(frames, photometric=Photometric.YBR_FULL_422, syntax=uid.JPEGBaseline8Bit)
    paths.append(_save(colour, folder / "baseline.dcm"))
    for photometric in (Photometric.MONOCHROME2, Photometric.RGB):
        plain = make_instance(frames, photometric=photometric, syntax=uid.ExplicitVRLittleEndian)
        native = _save(plain, folder / f"native-{photometric.name}.dcm")
        for syntax in (*_GDCM, uid.JPEG2000Lossless, uid.JPEG2000):
            if syntax == uid.JPEGExtended12Bit and photometric is Photometric.RGB:
                continue  # GDCM writes it in grey only
            paths.append(transcode(native, folder / f"{syntax}-{photometric.name}.dcm", syntax))
    paths += [_save(make_video(frames, syntax), folder / f"{syntax}.dcm") for syntax in CODECS]
    return paths


def _save(made: FileDataset, path: Path) -> Path:
    """With UIDs that are the same each time, so that a seed gives the same bytes."""
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.1"
    return save(made, path)


def spoil(contents: Sequence[bytes], seed: int) -> bytes:
    """One of `contents` with its end cut off, bits turned, numbers replaced or a piece of another put in."""
    rng = random.Random(seed)
    spoilt = bytearray(contents[seed % len(contents)])
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        kind = rng.randrange(6)
        span = min(4000, len(spoilt)) if rng.random() < 0.7 else len(spoilt)
        place = rng.randrange(max(1, span))
        if kind == 0:
            del spoilt[place if span == len(spoilt) else rng.randrange(len(spoilt) or 1) :]
        elif kind == 1:
            for _ in range(rng.randrange(1, 30)):
                if spoilt:
                    spoilt[rng.randrange(min(span, len(spoilt)))] ^= 1 << rng.randrange(8)
        elif kind == 2:
            value = rng.choice(_EXTREMES)
            packed = struct.pack("<L", value)[: rng.choice((2, 4))]
            spoilt[place : place + len(packed)] = packed
        elif kind == 3:  # a value of the image pixel module
            at = spoilt.find(b"\x28\x00", rng.randrange(max(1, span)))
            if at >= 0:
                number = rng.choice((*_EXTREMES, rng.randrange(4096))) & 0xFFFF
                spoilt[at + 8 : at + 10] = struct.pack("<H", number)
        elif kind == 4:
            other = contents[rng.randrange(len(contents))]
            start = rng.randrange(len(other))
            spoilt[place:place] = other[start : start + rng.randrange(1, 2000)]
        else:
            del spoilt[place : place + rng.randrange(1, 300)]
    return bytes(spoilt)


def work(folder: Path, first: int, last: int) -> None:
    """Seeds `first` to `last`: print each before it is tried, then what came of it."""
    contents = [path.read_bytes() for path in sorted((folder / "sources").iterdir())]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    mutant = folder / f"mutant-{first}.dcm"
    for seed in range(first, last):
        mutant.write_bytes(spoil(contents, seed))
        print(seed, end=" ", flush=True)
        signal.setitimer(signal.ITIMER_REAL, CASE_LIMIT_S)  # ends the process, whatever it is in
        try:
            scans_of(mutant)
        except ScansideError as error:
            assert str(error).strip()
            print(type(error).__name__, flush=True)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(str(error).split())[:200]
            print("BUG", type(error).__name__, text, f"{place.filename}:{place.lineno}", flush=True)
        else:
            print("scans", flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0)
    mutant.unlink()
    print("peak", peak_kib(), flush=True)


def peak_kib() -> int:
    """Greatest resident memory of this process; getrusage counts that of its parent before the fork, too."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def fuzz(first: int, cases: int) -> tuple[Counter[str], dict[int, str], int]:
    """Try `cases` seeds from `first` on; a process that dies is named, and the next one goes on after it.

    Returns:
        How many ended how; findings by seed; the greatest resident memory in KiB.
    """
    outcomes: Counter[str] = Counter()
    findings: dict[int, str] = {}
    peak = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sources").mkdir()
        (folder / "made").mkdir()
        for number, path in enumerate(write_sources(folder / "made")):
            (folder / "sources" / f"{number:03}").write_bytes(path.read_bytes())
        seed, last = first, first + cases
        while seed < last:
            code = (
                f"from pathlib import Path; from {__name__} import work; work(Path({name!r}), {seed}, {last})"
            )
            run = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
            )
            for line in run.stdout.splitlines():
                start, _, outcome = line.partition(" ")
                if start == "peak":
                    peak = max(peak, int(outcome))
                    continue
                seed = int(start) + 1
                if not outcome:
                    outcome = "hang" if run.returncode == -signal.SIGALRM else f"crash {run.returncode}"
                if outcome.startswith(("BUG", "hang", "crash")):
                    findings[seed - 1] = outcome
                outcomes[outcome.split(" ")[0]] += 1
            if run.returncode and not run.stdout:
                raise RuntimeError(run.stderr[-2000:])
    return outcomes, findings, peak
