"""What `inspect` says is what the bundle is, and what a stranger wrote in it stays text."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from export.cli import main
from scanside.model.bundle import DEFAULT_BUNDLE, MANIFEST, NETWORK, load_bundle
from scanside.model.manifest import SCHEMA
from tests.synth.bundle import make_bundle


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    bundle = load_bundle(folder, allow_test_only=True)
    assert found["digest"] == bundle.digest and found["test_only"] is True
    assert found["files"][NETWORK]["sha256"] == hashlib.sha256(bundle.files[NETWORK]).hexdigest()
    assert found["graph"] == {
        "problem": None,
        "opset": 17,
        "ir_version": 8,
        "inputs": ["scan (N, 1, 84, 136) FLOAT", "clinical (N, 2) FLOAT"],
        "outputs": [
            "class_probability (N, 2) FLOAT",
            "lesion_probability (N, 84, 136) FLOAT",
            "features (N, 5) FLOAT",
        ],
    }
    assert found["signature"] == {"state": "none", "key": None}


def test_the_default_bundle_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(DEFAULT_BUNDLE)]) == 0
    text = "".join(capsys.readouterr().out.split())
    document = json.loads((DEFAULT_BUNDLE / MANIFEST).read_text())
    figure = document["performance"]["auc"]
    assert f"{figure['value']:.3f}({figure['low']:.3f}to{figure['high']:.3f}),{figure['n']}images" in text
    assert all(digest in text for digest in document["files"].values())
    assert "ONNXopset18" in text and "thesourcecheckpoint" in text and "Researchuseonly" in text


def test_what_a_stranger_wrote_stays_text(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "bundle"))
    document = json.loads((copy / MANIFEST).read_text())
    document.update(
        name="\x1b[2J[red]x[/red]\u202e", schema="1.9", performance={"auc": {"value": None}, "n": 3}
    )
    (copy / MANIFEST).write_text(json.dumps(document))
    assert main(["inspect", str(copy)]) == 0
    text = capsys.readouterr().out
    assert "\x1b[2J" not in text and "\u202e" not in text and "[red]x[/red]" in text
    assert f"newer than this version's {SCHEMA}" in text and "not measured" in text


def test_sign_pack_inspect(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cryptography", reason="cryptography is not installed")
    copy = Path(shutil.copytree(folder, tmp_path / "bundle"))
    assert main(["keygen", str(tmp_path / "key")]) == 0
    key = (tmp_path / "key.pub").read_text().strip()
    assert f'trusted_keys = ["{key}"]' in capsys.readouterr().out
    assert main(["sign", str(copy), "--key", str(tmp_path / "key")]) == 0
    assert main(["pack", str(copy), str(tmp_path / "bundle.zip")]) == 0
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "bundle.zip"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == {"state": "fits", "key": key}
    assert main(["sign", str(tmp_path / "bundle.zip"), "--key", str(tmp_path / "key")]) == 1
    assert "Sign the folder" in capsys.readouterr().err
    (copy / "manifest.sig").write_text("nonsense")
    assert main(["inspect", str(copy)]) == 1
    assert "holds no Ed25519 signature" in capsys.readouterr().err
