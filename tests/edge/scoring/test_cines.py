"""The gate speaks once for a cine: no risk is told that a later frame takes back."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.entries.finding import Found
from edge.protocol.row import NAME_UNDECODED, NOT_SCORED, SCORED, Patient, Preview, Row
from edge.scoring.cines import AS_A_WHOLE, Cines
from edge.scoring.jobs import Job, Priority, Result
from edge.storage.spool import Spooled
from edge.storage.store import Store
from scanside.assess.gate import UNLIKE
from tests.edge.running import edge
from tests.synth.dicom import make_instance, save
from tests.synth.scans import make_frame

UNLIKE_ONE = f"{UNLIKE}: distance 2.00, limit 1.39"


def result(frame: int, outcome: str) -> tuple[Job, Result]:
    row = Row(
        "1.2", frame, risk=0.7, state=SCORED, distance=1.0, above_threshold=True, flags=("x", NAME_UNDECODED)
    )
    row = {
        "like": row,
        "unlike": Row("1.2", frame, state=NOT_SCORED, reason=UNLIKE_ONE),
        "empty": Row("1.2", frame, state=NOT_SCORED, reason="no lesion found in the scan"),
    }[outcome]
    found = Found(0.5, []) if outcome == "like" else None
    picture = Preview(b"png", 4, 4, [[[0, 0], [1, 1]]])
    return Job(Priority.CINE, "f", 7, "1.2", "t", frame=frame), Result(row, picture, found=found)


def play(outcomes: tuple[str, ...], share: float = 0.5) -> list[list[tuple[int, str, str | None]]]:
    """What became certain after each frame."""
    cines = Cines(share)
    cines.begin(7, range(1, len(outcomes) + 1))
    return [
        [(job.frame, one.row.state, one.row.reason) for job, one in cines.add(*result(number, outcome))]
        for number, outcome in enumerate(outcomes, 1)
    ]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_frame_is_told_once_and_by_the_share_of_all(count: int, share: float) -> None:
    for outcomes in itertools.product(("like", "unlike", "empty"), repeat=count):
        told = [one for step in play(outcomes, share) for one in step]
        assert sorted(frame for frame, _, _ in told) == list(range(1, count + 1))
        like, unlike = outcomes.count("like"), outcomes.count("unlike")
        refused = unlike > share * (like + unlike)
        for frame, state, reason in told:
            if outcomes[frame - 1] == "like":
                assert (state == SCORED) is not refused
                assert refused is bool(reason and reason.startswith(AS_A_WHOLE))
            else:
                assert state == NOT_SCORED and reason and not reason.startswith(AS_A_WHOLE)


def test_a_risk_waits_only_until_no_frame_can_take_it_back() -> None:
    first, second, third, fourth, fifth = play(("like",) * 5)
    assert (first, second) == ([], [])
    assert [frame for frame, _, _ in third] == [1, 2, 3]
    assert (len(fourth), len(fifth)) == (1, 1)
    steps = play(("unlike", "like", "unlike", "unlike", "like"))
    assert [[frame for frame, _, _ in step] for step in steps] == [[1], [], [3], [2, 4], [5]]
    assert steps[3][0][2] == "unlike the training data as a whole: at least 3 of the 5 frames looked at"


def test_a_refused_frame_keeps_nothing_of_a_risk() -> None:
    cines = Cines(0.3)
    cines.begin(7, [1, 2])
    assert cines.add(*result(1, "like")) == []
    refused = dict((job.frame, one) for job, one in cines.add(*result(2, "unlike")))[1]
    assert refused.row == Row("1.2", 1, state=NOT_SCORED, reason=refused.row.reason, flags=(NAME_UNDECODED,))
    assert refused.found is None and refused.prepared == ()
    assert refused.preview is not None and refused.preview.outline == () and refused.preview.png == b"png"


def test_stills_and_unknown_files_pass_and_a_quarantined_cine_is_forgotten() -> None:
    cines = Cines(0.5)
    cines.begin(7, [1])
    assert cines.add(*result(1, "like")) == [result(1, "like")]
    cines.begin(7, [1, 2, 3])
    assert cines.add(*result(1, "like")) == []
    cines.forget(7)
    assert cines.add(*result(2, "like")) == [result(2, "like")]


def test_after_a_restart_the_frames_that_are_done_count(tmp_path: Path) -> None:
    store, spooled = Store(tmp_path), Spooled("f", "1.2", "2026-12-01T10:00:00.000000+00:00", 1)
    receipt = store.add(spooled).receipt
    store.expand(receipt, "1.9", Patient(), [1, 2, 3])
    for frame in (1, 2):
        store.finish(receipt, result(frame, "unlike")[1].row, None)
    cines = Cines(0.5)
    cines.begin(7, [1, 2, 3], store.outcomes(receipt))
    ((_, last),) = cines.add(*result(3, "like"))
    assert last.row.reason == f"{AS_A_WHOLE}at least 2 of the 3 frames looked at"


def test_a_cine_of_which_most_frames_are_unlike_the_training_data_is_not_scored(
    bundle: Path, tmp_path: Path
) -> None:
    """From the command line; noise stands for another organ."""
    noise, made = np.random.default_rng(1), make_frame(3)

    def strange() -> NDArray[np.uint8]:
        pixels = made.pixels.copy()
        pixels[made.sector] = noise.integers(60, 255, (int(made.sector.sum()), 1))
        return pixels

    like = save(make_instance([made.pixels] * 5), tmp_path / "like.dcm")
    mostly = save(make_instance([made.pixels, *(strange() for _ in range(4))]), tmp_path / "mostly.dcm")
    config, command = tmp_path / "edge.toml", ("--json", "--bundle", bundle, "--allow-test-bundle")
    config.write_text("cine_unlike_share = 1.0\n")
    rows = json.loads(edge("assess", like, mostly, *command).stdout)
    assert [row["frame"] for row in rows] == [1, 2, 3, 4, 5] * 2
    assert [row["state"] for row in rows[:5]] == [SCORED] * 5
    assert rows[5]["reason"] == f"{AS_A_WHOLE}at least 3 of the 5 frames looked at"
    assert rows[5]["risk"] is None and rows[5]["above_threshold"] is None and rows[5]["image_digest"]
    assert [row["reason"].startswith(f"{UNLIKE}: ") for row in rows[6:]] == [True] * 4
    alone = json.loads(edge("assess", mostly, *command, "--config", config).stdout)
    assert [row["state"] for row in alone] == [SCORED, *[NOT_SCORED] * 4]
