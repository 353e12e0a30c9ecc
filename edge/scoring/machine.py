"""What is a fault of the machine and not of the file: it passes, and the image is tried again."""

import errno

_PASSING = frozenset(
    (errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EAGAIN)
)
_NO_MEMORY_CODE = -4  # of an error of OpenCV
# Runtimes written in C++ tell it in words alone.
_NO_MEMORY_WORDS = (
    "bad_alloc", "bad allocation", "failed to allocate", "out of memory", "insufficient memory",
)  # fmt: skip


def fault_of_machine(error: BaseException) -> str | None:
    """What the machine lacks, by an error or by what it came from, in words; None: it is the file's fault."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.errno in _PASSING:
            return f"a fault of this machine: {cause.strerror}"
        if _lacks_memory(cause):
            return "too little memory on this machine"
        cause = cause.__cause__ or cause.__context__
    return None


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "code", None) == _NO_MEMORY_CODE:
        return True
    said = str(error).lower()
    return any(words in said for words in _NO_MEMORY_WORDS)
