"""`edge rebuild`: make the index anew from the spool; the agent does so itself when its index is damaged."""

import argparse

from edge.commands import options
from edge.processes.lock import locked
from edge.storage.intake import take_up
from edge.storage.rebuild import put_aside
from edge.storage.spool import Spool
from edge.storage.store import Store
from scanside.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)


def main(args: argparse.Namespace) -> int:
    data = options.settings(args).data
    if not (data / "spool").is_dir():
        raise SettingError(f"no spool in {data}: there is nothing to build from. Check --data.")
    with locked(data):
        aside = put_aside(data)
        store = Store(data)
        try:
            take_up(Spool(data / "spool"), store)
            print(f"{len(store.files())} instances indexed; `edge serve` scores them.")
        finally:
            store.close()
    if aside:
        print(f"The index that was there is kept as {aside}.")
    return 0
