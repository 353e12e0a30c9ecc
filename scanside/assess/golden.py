"""Golden cases: inputs and what they must give, with which a runner proves that it computes the network.

Every bundle has one of its source checkpoint. A network in another precision may bring one of its own: what
INT8 makes of an image is further from the checkpoint than a wrong scale or a saturating processor would be,
but close to what INT8 makes of it on every right machine.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from scanside.errors import RunnerError
from scanside.model.bundle import GOLDEN, Bundle, Manifest
from scanside.runtime.protocol import Runner


def golden_inputs(bundle: Bundle, case: str = GOLDEN) -> dict[str, NDArray[np.float32]]:
    """The inputs of a golden case, by name.

    Args:
        case: its file in the bundle; the denoiser has one of its own.
    """
    golden = bundle.arrays(case)
    return {name.removeprefix("in_"): array for name, array in golden.items() if name.startswith("in_")}


def golden_differences(bundle: Bundle, runner: Runner, case: str = GOLDEN) -> dict[str, float]:
    """Largest absolute difference between `runner` and the golden outputs, by output.

    Raises:
        RunnerError: the runtime failed on the golden case.
    """
    return {name: float(apart.max()) for name, apart in _apart(bundle, runner, case).items()}


def mean_differences(bundle: Bundle, runner: Runner, case: str) -> dict[str, float]:
    """The mean in place of the largest: in INT8 single pixels turn round on any machine."""
    return {name: float(apart.mean()) for name, apart in _apart(bundle, runner, case).items()}


def _apart(bundle: Bundle, runner: Runner, case: str) -> dict[str, NDArray[np.float32]]:
    outputs = runner.run(golden_inputs(bundle, case))
    found = {}
    for name, expected in bundle.arrays(case).items():
        if name.startswith("out_"):
            output = name.removeprefix("out_")
            got = outputs.get(output)
            if got is None or got.shape != expected.shape or not expected.size:
                raise RunnerError(f"{runner.name} gave no {output} of the golden shape.")
            found[output] = np.abs(got - expected)
    return found


def check_golden(
    bundle: Bundle,
    runner: Runner,
    precision: str = "float32",
    runtime: str = "onnxruntime",
    case: str = GOLDEN,
) -> dict[str, float]:
    """Prove that `runner` computes what the source checkpoint computed, and the network's own golden case.

    Args:
        precision, runtime: which tolerance applies (Manifest.variants, else Manifest.tolerance).
        case: file of the golden case; the denoiser has one of its own.

    Returns:
        The differences to the source checkpoint, by output.

    Raises:
        RunnerError: a difference is beyond the bundle's tolerance or not a number, or none is given.
    """
    differences = golden_differences(bundle, runner, case)
    limits = golden_limits(bundle.manifest, differences, precision, runtime)
    _refuse_beyond(differences, limits, f"{runner.name} does not reproduce the bundle's golden case")
    variant = bundle.manifest.variant(precision, runtime)
    if variant is not None and variant.golden is not None and case == GOLDEN:
        own = mean_differences(bundle, runner, variant.golden.file)
        what = f"{runner.name} does not compute in {precision} what another machine did with this network"
        _refuse_beyond(own, variant.golden.tolerance, what)
    return differences


def golden_limits(
    manifest: Manifest, outputs: Iterable[str], precision: str, runtime: str
) -> dict[str, float]:
    """Largest difference allowed to each of the golden outputs.

    Raises:
        RunnerError: the bundle gives none.
    """
    variant = manifest.variant(precision, runtime)
    limit = manifest.tolerance.get(precision)
    limits = {name: variant.tolerance.get(name) if variant else limit for name in outputs}
    if unknown := [name for name, value in limits.items() if value is None]:
        raise RunnerError(
            f"the bundle says no tolerance for {', '.join(unknown)} in {precision} with {runtime}: "
            "it can't be checked."
        )
    return {name: value for name, value in limits.items() if value is not None}


def _refuse_beyond(differences: Mapping[str, float], limits: Mapping[str, float], what: str) -> None:
    beyond = {name: diff for name, diff in differences.items() if not diff <= limits.get(name, -1.0)}
    if beyond or not differences:
        how = (f"{n} differs by {diff:.2g} (allowed {limits.get(n, 0.0):.2g})" for n, diff in beyond.items())
        raise RunnerError(
            f"{what}: {', '.join(how)}. Nothing is scored with it. Install the bundle "
            "again, or choose another runtime in the settings."
        )
