"""Files that a person or a folder from outside names are opened only where they are regular files.

To open a pipe is to wait for its writer, and a device may never end.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading.

    Raises:
        OSError: it is none, is missing, or may not be read; `strerror` says which.
    """
    # Without waiting, and looked at once it is open: what a name stands for may change in between.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, at_most: int = -1) -> bytes:
    """The content of a regular file, or its first `at_most` bytes.

    Raises:
        OSError: as `open_regular`.
    """
    with open_regular(path) as file:
        return file.read(at_most)
