"""The gate's word on a cine as a whole: its frames' results are held until it is known.

A heart that beats looks like an ovary in some frames. Where most frames are unlike the training data, the few
that are not say nothing. No risk is shown that a later frame would take back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from edge.protocol.row import NOT_SCORED, OF_INSTANCE, SCORED, Row
from edge.scoring.jobs import Job, Result
from scanside.assess.gate import UNLIKE
from scanside.exam.ask import FLAG_PREFIX

CINE_UNLIKE_SHARE = 0.5
AS_A_WHOLE = f"{UNLIKE} as a whole: "


@dataclass
class _Cine:
    """What is known of one: `waiting` are frames without a result, `held` results that may be refused."""

    frames: int
    waiting: set[int]
    like: int = 0
    unlike: int = 0
    held: list[tuple[Job, Result]] = field(default_factory=list)

    def note(self, state: str, reason: str | None) -> None:
        """Count a result. The gate was not asked about a frame without tissue: it counts as neither."""
        self.like += state == SCORED or (reason or "").startswith(AS_A_WHOLE)
        self.unlike += (reason or "").startswith(f"{UNLIKE}: ")

    def is_refused(self, share: float) -> bool | None:
        """Whether more than `share` of its frames are unlike the training data; None while both may come."""
        waiting = len(self.waiting)
        limit = share * (self.like + self.unlike + waiting)
        if self.unlike > limit:
            return True
        return False if self.unlike + waiting <= limit else None


class Cines:
    """The cines whose frames are being scored. For one thread only.

    Args:
        unlike_share: a cine of which more frames than this share are unlike the training data gives no risk.
    """

    def __init__(self, unlike_share: float) -> None:
        self._share = unlike_share
        self._cines: dict[int, _Cine] = {}

    def begin(
        self, receipt: int, frames: Sequence[int], done: Iterable[tuple[int, str, str | None]] = ()
    ) -> None:
        """Expect results of `frames` of the instance that was taken in as `receipt`.

        Args:
            done: number, state and reason of those frames that have their result already.
        """
        if len(frames) < 2:
            return
        cine = self._cines[receipt] = _Cine(len(frames), set(frames))
        for frame, state, reason in done:
            cine.waiting.discard(frame)
            cine.note(state, reason)

    def add(self, job: Job, result: Result) -> list[tuple[Job, Result]]:
        """The results that are certain by now: that of `job`, others, or none."""
        cine = self._cines.get(job.receipt)
        if cine is None:
            return [(job, result)]
        cine.waiting.discard(job.frame)
        cine.note(result.row.state, result.row.reason)
        cine.held.append((job, result))
        refused = cine.is_refused(self._share)
        certain = [one for one in cine.held if refused is not None or one[1].row.state != SCORED]
        cine.held = [one for one in cine.held if one not in certain]
        if not cine.waiting:
            del self._cines[job.receipt]
        if not refused:
            return certain
        reason = f"{AS_A_WHOLE}at least {cine.unlike} of the {cine.frames} frames looked at"
        return [(held, _refused(one, reason) if one.row.state == SCORED else one) for held, one in certain]

    def forget(self, receipt: int) -> None:
        """Expect no more of an instance: it went to quarantine."""
        self._cines.pop(receipt, None)


def _refused(result: Result, reason: str) -> Result:
    """`result` without its risk and all that belongs to one."""
    row = result.row
    kept = tuple(flag for flag in row.flags if flag in OF_INSTANCE or flag.startswith(FLAG_PREFIX))
    bare = Row(
        row.sop_instance_uid,
        row.frame,
        row.study_instance_uid,
        state=NOT_SCORED,
        reason=reason,
        flags=kept,
        exam=row.exam,
        found_by=row.found_by,
        bundle_digest=row.bundle_digest,
        model=row.model,
        assessed_at=row.assessed_at,
        image_digest=row.image_digest,
        superseded=row.superseded,
    )
    preview = result.preview and replace(result.preview, outline=(), annotations=())
    return Result(bare, preview, result.readable)
