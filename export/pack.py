"""`export-model pack`: a bundle as one file, for carrying. The edge reads it as it is."""

from pathlib import Path

from scanside.model.bundle import MANIFEST, Bundle, load_bundle
from scanside.model.signature import SIGNATURE
from scanside.model.zip import write_zip


def pack(source: Path, target: Path) -> Bundle:
    """Write the bundle `source` into the archive `target` and read it back.

    Raises:
        BundleError: no valid bundle, or `target` exists.
    """
    bundle = load_bundle(source, allow_test_only=True)
    files = {MANIFEST: bundle.manifest_bytes, **bundle.files}
    if bundle.signature is not None:
        files[SIGNATURE] = bundle.signature
    write_zip(target, files)
    return load_bundle(target, allow_test_only=True)
