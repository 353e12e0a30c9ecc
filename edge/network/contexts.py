"""Which of the presentation contexts that a machine proposes are taken (PS3.8 9.3.2.2, PS3.4 annex B).

Whatever belongs to a study is: one refused object can stall a scanner's export queue.
"""

from collections.abc import Iterable
from importlib.util import find_spec

from pydicom.uid import UID
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass
from pynetdicom.sop_class import uid_to_service_class

VERIFICATION = UID("1.2.840.10008.1.1")
_STORAGE = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts)
# Where the standard puts composite objects: what it comes to add, and what it has retired.
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."
# Syntaxes whose data set only points at pixels elsewhere (JPIP) or streams them (SMPTE ST 2110).
_NO_PIXELS = tuple(
    f"1.2.840.10008.1.2.{end}" for end in ("4.94", "4.95", "4.204", "4.205", "7.1", "7.2", "7.3")
)
# With a decoder (scanside/dicom, which is not imported here: the receiver holds no codec). Where one
# context offers several, the first is taken: without loss, then lossy, then what is kept and can't be scored.
LOSSLESS = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.5",  # RLE
    *(f"1.2.840.10008.1.2.4.{end}" for end in (70, 57, 80, 90, 201, 202)),  # JPEG, JPEG-LS, JPEG 2000, HTJ2K
    "1.2.840.10008.1.2.1.99",  # deflated
    "1.2.840.10008.1.2.2",  # big endian
)
LOSSY = tuple(f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 81, 91, 203))
JPEG_XL_LOSSLESS, JPEG_XL = "1.2.840.10008.1.2.4.110", tuple(f"1.2.840.10008.1.2.4.{n}" for n in (111, 112))
VIDEO = (
    *(f"1.2.840.10008.1.2.4.{end}{variant}" for end in range(100, 107) for variant in ("", ".1")),
    *(f"1.2.840.10008.1.2.4.{end}" for end in (107, 108)),
)


def transfer_syntaxes() -> tuple[str, ...]:
    """UIDs of the transfer syntaxes that are accepted, the preferred first."""
    has_jpeg_xl = find_spec("imagecodecs") is not None
    lossless = (*LOSSLESS, *((JPEG_XL_LOSSLESS,) if has_jpeg_xl else ()))
    lossy = (*LOSSY, *(JPEG_XL if has_jpeg_xl else ()), *(VIDEO if find_spec("av") else ()))
    scored = (*lossless, *lossy)
    return (*scored, *(uid for uid in ALL_TRANSFER_SYNTAXES if uid not in scored + _NO_PIXELS))


_SYNTAXES = transfer_syntaxes()


def supported(proposed: Iterable[PresentationContext], private: bool) -> list[PresentationContext]:
    """What the agent takes of what is proposed, each syntax list in the agent's order.

    Args:
        private: take private classes too, as storage.
    """
    offered: dict[UID, set[str]] = {}
    for context in proposed:
        uid = context.abstract_syntax
        if uid is not None and (uid == VERIFICATION or is_storage(uid, private)):
            offered.setdefault(uid, set()).update(context.transfer_syntax)
    taken = {uid: [one for one in _SYNTAXES if one in syntaxes] for uid, syntaxes in offered.items()}
    return [build_context(uid, syntaxes) for uid, syntaxes in taken.items() if syntaxes]


def is_storage(uid: UID, private: bool) -> bool:
    """Whether `uid` names a storage class, known or not."""
    if uid in _STORAGE:
        return True
    if uid_to_service_class(uid) is not ServiceClass:  # known, and something else
        return False
    return uid.startswith(_STORAGE_ROOT) or (private and uid.is_private)
