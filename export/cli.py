"""The command `export-model`. Imports are local to each command, so that --help answers at once."""

import argparse
import sys
from functools import partial
from pathlib import Path

from scanside import RESEARCH_USE, __version__
from scanside.command import Parser, run
from scanside.errors import SettingError

COMMANDS = ("convert", "quantise", "verify", "inspect", "keygen", "sign", "pack", "wrap", "engine")


def main(argv: list[str] | None = None) -> int:
    """Run one command; `export-model CHECKPOINT ...` is short for `export-model convert CHECKPOINT ...`.

    Returns:
        0 done, 1 an input or a setting is wrong, 2 the program failed.
    """
    return run("export-model", lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(words: list[str]) -> int:
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        words = ["convert", *words]
    arguments = build_parser().parse_args(words)
    return int(arguments.command(arguments))


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="export-model", description=f"Turn checkpoints into bundles. {RESEARCH_USE}")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    convert = commands.add_parser("convert", help="write a bundle from a checkpoint (the default command)")
    convert.add_argument("checkpoint", type=Path, help="checkpoint.pt of `trainer run`")
    convert.add_argument(
        "--denoiser", type=Path, metavar="PATH", help="its denoiser: a checkpoint, or a bundle that has it"
    )
    convert.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    convert.set_defaults(command=_convert)
    verify = commands.add_parser("verify", help="run a bundle's golden case through every runtime present")
    verify.add_argument("bundle", type=Path, help="folder or .zip of the bundle")
    verify.add_argument("--checkpoint", type=Path, metavar="FILE", help="compare with torch on this, too")
    verify.add_argument("--engines", type=Path, metavar="DIR", help="run its TensorRT engines there, too")
    verify.add_argument("--json", action="store_true", help="print JSON instead of a table")
    verify.set_defaults(command=_verify)
    quantise = commands.add_parser("quantise", help="add the network in another precision, if it holds up")
    quantise.add_argument("bundle", type=Path, help="folder or .zip of the bundle")
    quantise.add_argument("--data", required=True, metavar="mmotu=DIR", help="real scans to judge it with")
    quantise.add_argument("--precision", choices=["int8", "fp16"], required=True, help="int8 or fp16")
    quantise.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the new bundle")
    quantise.set_defaults(command=_quantise)
    inspect = commands.add_parser("inspect", help="show what a bundle is, without running it")
    inspect.add_argument("bundle", type=Path, help="folder or .zip of the bundle")
    inspect.add_argument("--json", action="store_true", help="print JSON instead of a table")
    inspect.set_defaults(command=_inspect)
    keygen = commands.add_parser("keygen", help="make a key to sign bundles with")
    keygen.add_argument("path", type=Path, nargs="?", default=Path("bundle.key"), help="file (bundle.key)")
    keygen.set_defaults(command=_keygen)
    sign = commands.add_parser("sign", help="sign a bundle: write its manifest.sig")
    sign.add_argument("bundle", type=Path, help="folder of the bundle")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="private key of `keygen`")
    sign.set_defaults(command=_sign)
    pack = commands.add_parser("pack", help="write a bundle into one .zip, for carrying")
    pack.add_argument("bundle", type=Path, help="folder of the bundle")
    pack.add_argument("out", type=Path, metavar="OUT.zip", help="file to write")
    pack.set_defaults(command=_pack)
    wrap = commands.add_parser("wrap", help="make a bundle of an ONNX network from elsewhere")
    wrap.add_argument("model", type=Path, help="the network, .onnx")
    wrap.add_argument("--like", type=Path, required=True, metavar="JSON", help="its manifest to be")
    wrap.add_argument("--reference", type=Path, metavar="NPZ", help="mean and whitening of its features")
    wrap.add_argument("--golden", type=Path, metavar="NPZ", help="inputs and outputs of its source")
    wrap.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the bundle")
    wrap.set_defaults(command=_wrap)
    engine = commands.add_parser("engine", help="build a bundle's TensorRT engines for this GPU")
    engine.add_argument(
        "bundle", type=Path, nargs="?", help="folder or .zip of the bundle (the installed one)"
    )
    engine.add_argument("--precision", choices=("fp32", "fp16", "int8"), required=True)
    engine.add_argument("--cache", type=Path, required=True, metavar="DIR", help="folder of the engines")
    engine.add_argument("--module", choices=("tensorrt", "tensorrt-rtx"), help="the first that is installed")
    engine.add_argument(
        "--compute-capability",
        nargs="+",
        default=[],
        metavar="X.Y",
        help="of other GPUs, as 8.6: build without one (tensorrt-rtx)",
    )
    engine.add_argument(
        "--max-batch", type=int, metavar="N", help="largest batch (risks of a scan without clinical facts)"
    )
    engine.set_defaults(command=_engine)
    return parser


def _convert(arguments: argparse.Namespace) -> int:
    try:
        from export.convert import convert
    except ImportError as error:
        raise SettingError(
            f"converting needs {error.name}, which is not installed: pip install 'scanside-export[convert]'."
        ) from error
    from rich.console import Console
    from rich.table import Table

    bundle, parity = convert(arguments.checkpoint, arguments.out, arguments.denoiser)
    table = Table(title="Largest difference on the golden case", caption=RESEARCH_USE)
    table.add_column("output")
    table.add_column("FP16 weights against FP32, torch", justify="right")
    table.add_column("ONNX Runtime against torch", justify="right")
    for name, difference in parity.runtime.items():
        table.add_row(name, f"{parity.rounding[name]:.1e}", f"{difference:.1e}")
    Console().print(table)
    megabytes = sum(map(len, bundle.files.values())) / 1e6
    print(f"{arguments.out}: {megabytes:.1f} MB, digest {bundle.digest}")
    return 0


def _quantise(arguments: argparse.Namespace) -> int:
    name, _, folder = arguments.data.partition("=")
    if name != "mmotu" or not folder:
        raise SettingError(
            f"--data {arguments.data}: write mmotu=DIR, the folder of a copy of MMOTU's 2D set."
        )
    try:
        from export.quantise import quantise
        from export.scans import mmotu_parts
    except ImportError as error:
        raise SettingError(
            f"quantising needs {error.name}, which is not installed: pip install 'scanside-export[convert]'."
        ) from error
    precision = {"fp16": "float16"}.get(arguments.precision, arguments.precision)
    quantise(arguments.bundle, partial(mmotu_parts, Path(folder).expanduser()), precision, arguments.out)
    print(f"{arguments.out}: written. See it with: export-model inspect {arguments.out}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from export.verify import print_json, print_table, verify

    checks = verify(arguments.bundle, arguments.checkpoint, arguments.engines)
    (print_json if arguments.json else print_table)(checks)
    return 0 if all(check.passed for check in checks) else 2


def _inspect(arguments: argparse.Namespace) -> int:
    from export.inspect import inspect, print_json, print_table

    (print_json if arguments.json else print_table)(inspect(arguments.bundle))
    return 0


def _keygen(arguments: argparse.Namespace) -> int:
    from export.sign import keygen

    public = keygen(arguments.path)
    print(f"{arguments.path}: the private key, keep it secret. {arguments.path}.pub: the public one.")
    print("An agent accepts only what is signed with it once its edge.toml says:")
    print(f'trusted_keys = ["{public}"]')
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    from export.sign import sign

    print(f"{arguments.bundle}: signed by the key {sign(arguments.bundle, arguments.key)}")
    return 0


def _pack(arguments: argparse.Namespace) -> int:
    from export.pack import pack

    print(f"{arguments.out}: digest {pack(arguments.bundle, arguments.out).digest}")
    return 0


def _wrap(arguments: argparse.Namespace) -> int:
    from export.wrap import wrap

    bundle = wrap(arguments.model, arguments.like, arguments.out, arguments.reference, arguments.golden)
    print(f"{arguments.out}: digest {bundle.digest}")
    if arguments.golden is None:
        print(
            "The golden case was made with ONNX Runtime, not by the network's source: it does not show "
            "that the export was right. Give one of the source with --golden."
        )
    return 0


def _engine(arguments: argparse.Namespace) -> int:
    from export.engine import build_engines
    from export.progress import shown
    from scanside.model.bundle import DEFAULT_BUNDLE

    with shown() as progress:
        built = build_engines(
            arguments.bundle or DEFAULT_BUNDLE,
            arguments.cache,
            arguments.precision,
            module_name=arguments.module,
            compute_capabilities=tuple(arguments.compute_capability),
            max_batch=arguments.max_batch,
            progress=progress,
        )
    for each in built:
        how = "was there already" if each.seconds is None else f"built in {each.seconds:.0f} s"
        print(f"{each.path}: {each.size / 1e6:.1f} MB, {how}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
