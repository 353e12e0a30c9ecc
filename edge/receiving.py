"""The receiver process: the socket that strangers reach, and the spool. It answers by the spool alone."""

from edge.notices import Notices
from edge.process import Descriptor, Line
from edge.receive import Receiver
from edge.settings import Settings
from edge.spool import Spool
from scanside.errors import SettingError


def receive(line: Line, settings: Settings, notices: Notices, _lock: Descriptor) -> None:
    """Run the receiver until `line` asks to stop.

    Raises:
        SettingError: the data folder or the port can't be used.
    """
    try:
        spool = Spool(settings.data / "spool", settings.min_free_mb << 20)
        spool.sweep()
    except OSError as error:
        raise SettingError(f"the spool in {settings.data} can't be used: {error}.") from error
    receiver = Receiver(settings, spool, notices.stored)
    line.is_up(receiver.port)
    line.stop_asked()
    receiver.close(settings.drain_s)
