"""Which frames of a cine loop are scored."""

import pytest

from scanside.scan.cine import frames_to_score


@pytest.mark.parametrize(
    ("count", "at_most", "frames"),
    [
        (0, 5, []),
        (1, 5, [1]),
        (3, 5, [1, 2, 3]),
        (30, 1, [1]),
        (30, 2, [1, 30]),
        (9, 5, [1, 3, 5, 7, 9]),
        (30, 5, [1, 8, 15, 23, 30]),
        (6, 5, [1, 2, 3, 5, 6]),
    ],
)
def test_frames_are_evenly_spaced(count: int, at_most: int, frames: list[int]) -> None:
    assert frames_to_score(count, at_most) == frames


@pytest.mark.parametrize("at_most", [1, 2, 5, 7, 100])
def test_no_frame_twice_and_none_beyond_the_end(at_most: int) -> None:
    for count in range(1, 300):
        frames = frames_to_score(count, at_most)
        assert len(frames) == len(set(frames)) == min(count, at_most)
        assert frames[0] == 1 and frames[-1] <= count and frames == sorted(frames)
