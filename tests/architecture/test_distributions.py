"""Three distributions come from one tree: a hospital gets the library and the agent, and one command."""

import sys
from pathlib import Path
from typing import Any

import pytest

import scanside

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
FOLDERS = {"scanside": ".", "scanside-trainer": "trainer", "scanside-export": "export"}


def project(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / FOLDERS[name] / "pyproject.toml").read_text())


def test_each_package_is_in_one_distribution() -> None:
    packages = {name: project(name)["tool"]["setuptools"]["packages"]["find"]["include"] for name in FOLDERS}
    assert packages == {
        "scanside": ["scanside*", "edge*"],
        "scanside-trainer": ["trainer*"],
        "scanside-export": ["export*"],
    }


def test_a_hospital_has_one_command() -> None:
    assert list(project("scanside")["project"]["scripts"]) == ["edge"]


@pytest.mark.parametrize("name", ["scanside-trainer", "scanside-export"])
def test_a_distribution_wants_the_library_of_its_own_version(name: str) -> None:
    about = project(name)["project"]
    wanted = [
        *about["dependencies"],
        *(w for group in about["optional-dependencies"].values() for w in group),
    ]
    of_this_tree = [requirement for requirement in wanted if requirement.startswith("scanside")]
    assert of_this_tree and all(
        requirement.endswith(f"=={scanside.__version__}") for requirement in of_this_tree
    )
