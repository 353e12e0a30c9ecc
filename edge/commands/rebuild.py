"""`edge rebuild`: make the index anew from the spool; the agent does so itself when its index is damaged."""

import argparse

from edge.commands import options
from edge.entries.desk import Desk
from edge.network.access import scanner_names
from edge.processes.lock import locked
from edge.storage.intake import take_up
from edge.storage.rebuild import put_aside
from edge.storage.spool import Spool
from edge.storage.store import Store
from edge.trail.log import AuditLog
from scanside.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)


def main(args: argparse.Namespace) -> int:
    settings = options.settings(args)
    data = settings.data
    if not (data / "spool").is_dir():
        raise SettingError(f"no spool in {data}: there is nothing to build from. Check --data.")
    with locked(data):
        aside = put_aside(data)
        store = Store(data)
        try:
            take_up(Spool(data / "spool", name_of=scanner_names(settings)), store)
            desk = Desk(data, store, AuditLog(data, settings.ae_title))
            desk.catch_up()
            entered = len(store.entries())
            print(f"{len(store.files())} instances and {entered} entries indexed; `edge serve` scores them.")
            for fault in desk.journal.faults:
                print(fault)
        finally:
            store.close()
    if aside:
        print(f"The index that was there is kept as {aside}.")
    return 0
