"""Presets say what THESIS sections say; every key can be set, is typed, bounded, written and read back."""

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scanside.errors import SettingError
from trainer.settings.configuration import (
    Configuration,
    Optimiser,
    from_json,
    list_keys,
    override,
    resolve,
    to_json,
)
from trainer.training.optimiser import build_optimiser

DOCS = Path(__file__).parents[3] / "docs" / "networks.md"
EVERY = [
    (preset, dataset) for preset in ("as-thesis", "as-code") for dataset in ("mmotu", "hospital", "pairs")
]


def flat(configuration: Configuration) -> dict[str, object]:
    content = asdict(configuration)
    return {f"{s}.{k}": v for s, part in content.items() if isinstance(part, dict) for k, v in part.items()}


def test_the_thesis_presets_hold_its_table_of_training() -> None:
    mmotu, primary = resolve("as-thesis", "mmotu"), resolve("as-thesis", "hospital")
    for one in (mmotu, primary):
        assert (one.training.epochs, one.training.batch) == (200, 8)
        assert one.training.keep == "lowest validation loss"
        assert tuple(one.input.size) == (336, 544)
        assert (one.loss.dice_weight, one.loss.classification_weight) == (0.3, 1.0)
        assert (one.network.hidden, one.network.dropout, one.network.pooled_blocks) == ((256, 64), 0.25, 2)
    assert (mmotu.optimiser.name, mmotu.optimiser.momentum, mmotu.optimiser.lr) == ("sgd", 0.9, 1e-3)
    assert (primary.optimiser.name, primary.optimiser.lr) == ("adam", 1e-3)
    assert primary.optimiser.weight_decay == 0
    assert (mmotu.loss.classification, mmotu.loss.focal_alpha, mmotu.loss.focal_gamma) == ("focal", 0.25, 2)
    assert (primary.loss.classification, primary.loss.class_weights) == ("cross-entropy", (1.0, 2.0))


def test_the_code_presets_differ_only_where_the_docs_say() -> None:
    rows = re.findall(
        r"^\| `([\w.]+)` \| (mmotu|hospital|pairs|both) \| (.+?) \| (.+?) \|$", DOCS.read_text(), re.MULTILINE
    )
    documented = {
        (dataset, key): (thesis, code)
        for key, where, thesis, code in rows
        for dataset in (("mmotu", "hospital") if where == "both" else (where,))
    }
    found = {}
    for dataset in ("mmotu", "hospital", "pairs"):
        thesis, code = flat(resolve("as-thesis", dataset)), flat(resolve("as-code", dataset))
        for key in thesis:
            if thesis[key] != code[key]:
                found[dataset, key] = (_written(thesis[key]), _written(code[key]))
    assert documented == found


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def test_every_key_is_documented() -> None:
    text = DOCS.read_text()
    assert [key for key in list_keys() if f"`{key}`" not in text] == []


def test_dropout_of_the_code_hangs_on_the_task() -> None:
    configuration = resolve("as-code", "mmotu")
    assert configuration.spec("efficientnet", "cls", 8).dropout == 0.4
    assert configuration.spec("efficientnet", "mtl", 8).dropout == 0.2
    assert configuration.spec("unet", "mtl", 8).surplus == "top"


def test_class_weights_have_to_fit_the_classes() -> None:
    with pytest.raises(SettingError, match="2 values for 8 classes"):
        resolve("as-thesis", "hospital").spec("unet", "cls", 8)
    assert resolve("as-thesis", "hospital").spec("unet", "seg", 8).task == "seg"


@pytest.mark.parametrize(("preset", "dataset"), EVERY)
def test_json_reads_back_equal(preset: str, dataset: str) -> None:
    configuration = resolve(preset, dataset, ("optimiser.lr=3e-4", "network.hidden=", "training.batch=16"))
    assert from_json(to_json(configuration)) == configuration
    assert (configuration.preset, configuration.dataset) == (preset, dataset)


@pytest.mark.parametrize("key", list_keys())
def test_every_key_can_be_set_to_what_it_is_and_is_refused_nonsense(key: str) -> None:
    configuration = resolve("as-thesis", "hospital")
    value = flat(configuration)[key]
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    assert override(configuration, (f"{key}={text}",)) == configuration
    with pytest.raises(SettingError, match=re.escape(key)):
        override(configuration, (f"{key}=nonsense",))


@pytest.mark.parametrize(
    ("setting", "key", "expected"),
    [
        ("optimiser.lr=1e-4", "optimiser.lr", 1e-4),
        ("optimizer.lr = 1e-4", "optimiser.lr", 1e-4),
        ("network.hidden=128, 32", "network.hidden", (128, 32)),
        ("loss.class_weights=", "loss.class_weights", ()),
        ("training.channels_last=False", "training.channels_last", False),
        ("training.keep=last epoch", "training.keep", "last epoch"),
    ],
)
def test_settings_are_typed(setting: str, key: str, expected: object) -> None:
    value = flat(resolve("as-thesis", "hospital", ("optimiser.lr=5", setting)))[key]
    assert value == expected and type(value) is type(expected)


def test_settings_of_one_section_may_need_each_other() -> None:
    both = ("loss.classification=focal", "loss.class_weights=")
    assert resolve("as-thesis", "hospital", both).loss.classification == "focal"
    with pytest.raises(SettingError, match="takes no class_weights"):
        resolve("as-thesis", "hospital", both[:1])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimiser.lrr=1", r"no optimiser.lrr. Near: optimiser.lr,"),
        ("lr=1", r"no lr. Near: optimiser.lr\."),
        ("preset=as-code", r"no preset. Near: input.\*, network.\*"),
        ("optimiser.lr", "write KEY=VALUE"),
        ("optimiser.lr=-1", "more than 0"),
        ("optimiser.lr=nan", "finite"),
        ("optimiser.lr=1e999", "finite"),
        ("training.epochs=1.5", "whole number"),
        pytest.param("training.epochs=" + "9" * 5000, "whole number", id="5000 digits"),
        ("training.epochs=0", "at least 1"),
        ("training.channels_last=no", "true or false"),
        ("training.keep=best", "lowest validation loss, last epoch"),
        ("loss.class_weights=1,,2", "finite"),
        ("augmentation.flip=2", "at most 1"),
        ("network.hidden=256,0", "at least 1"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        resolve("as-thesis", "hospital", (setting,))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("preset", "dataset"), [("as-paper", "mmotu"), ("as-code", "other")])
def test_an_unknown_preset_or_data_set_is_named(preset: str, dataset: str) -> None:
    with pytest.raises(SettingError, match="choose one of"):
        resolve(preset, dataset)


JSON = to_json(resolve("as-thesis", "hospital"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"lr": 0.001', '"lr": "0.001"'),
        ('"lr": 0.001', '"lr": true'),
        ('"lr": 0.001', '"lr": NaN'),
        ('"lr": 0.001', '"lr": 1' + "0" * 400),
        ('"lr": 0.001', '"lr": 0'),
        ('"lr": 0.001', '"rate": 0.001'),
        ('"lr": 0.001', '"lr": 0.001, "more": 1'),
        ('"epochs": 200', '"epochs": 200.0'),
        ('"preset": "as-thesis"', '"preset": ["as-thesis"]'),
        ('"bottom"', "null"),
        (JSON, "[]"),
        (JSON, "{"),
        (JSON, "[" * 100_000),
    ],
)
def test_a_configuration_that_was_altered_is_refused(old: str, new: str) -> None:
    assert old in JSON
    with pytest.raises(SettingError):
        from_json(JSON.replace(old, new))


@settings(max_examples=30, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_json_value_brings_a_section_down(value: object) -> None:
    content = json.loads(JSON)
    content["network"] = value
    with pytest.raises(SettingError):
        from_json(json.dumps(content))


def test_a_command_can_read_settings_without_torch() -> None:
    code = (
        "import sys; from trainer.settings.configuration import resolve; resolve('as-code', 'mmotu'); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("named", "kind", "group"),
    [
        (
            Optimiser("sgd", 0.1, 0.8, 0.01),
            torch.optim.SGD,
            {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.01},
        ),
        (Optimiser("adam", 0.2, 0.9, 0.02), torch.optim.Adam, {"lr": 0.2, "weight_decay": 0.02}),
        (Optimiser("adamw", 0.3, 0.9, 0.03), torch.optim.AdamW, {"lr": 0.3, "weight_decay": 0.03}),
    ],
)
def test_the_optimiser_is_the_one_named(
    named: Optimiser, kind: type[torch.optim.Optimizer], group: dict[str, float]
) -> None:
    made = build_optimiser([torch.nn.Parameter(torch.zeros(1))], named)
    assert type(made) is kind
    assert {name: made.param_groups[0][name] for name in group} == group
