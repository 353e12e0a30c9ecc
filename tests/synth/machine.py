"""What the last digits of floating-point results depend on, beside the code."""

import platform
from importlib.metadata import version
from pathlib import Path


def describe_machine(*packages: str) -> dict[str, str]:
    """The processor's vector units, and versions of the `packages` that compute."""
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    vectors = " ".join(sorted(words & {"avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve"}))
    return {"processor": f"{platform.machine()} {vectors}", **{name: version(name) for name in packages}}
