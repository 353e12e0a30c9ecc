"""Command-line options that several commands share, and the settings that they make."""

import argparse
from pathlib import Path

from edge.settings import Settings, load
from scanside.model.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from scanside.model.signature import parse_key
from scanside.runtime.preference import cpu_precision

_SETTINGS = ("host", "port", "ae_title", "data", "bundle")


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings; `edge init` writes one")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="the agent's data folder (edge-data)")


def add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, metavar="PATH", help="the model (the installed one)")
    parser.add_argument("--allow-test-bundle", action="store_true", help="accept a model made for tests")


def settings(args: argparse.Namespace) -> Settings:
    """The settings of the file --config, overruled by the options given.

    Raises:
        SettingError: a setting is wrong.
    """
    return load(args.config, {name: getattr(args, name, None) for name in _SETTINGS})


def bundle(args: argparse.Namespace, settings: Settings) -> Bundle:
    """The model that the settings name, verified.

    Raises:
        BundleError: it is missing, altered, made for tests or not signed by a key that the settings trust.
        SettingError: a trusted key is none, or the model has no such precision.
    """
    found = load_bundle(
        settings.bundle or DEFAULT_BUNDLE,
        allow_test_only=args.allow_test_bundle,
        trusted_keys=[parse_key(text) for text in settings.trusted_keys],
    )
    if precision := cpu_precision(settings.runtimes):
        found.graph(precision)  # refused here, not once images wait
    return found
