"""Which frames of a multi-frame image stand for it: the edge scores them, a dataset keeps them."""


def frames_to_score(frame_count: int, at_most: int) -> list[int]:
    """1-based numbers of frames, evenly spaced from the first to the last; the first always."""
    steps = max(1, min(frame_count, at_most) - 1)
    return sorted({1 + round(step * (frame_count - 1) / steps) for step in range(min(frame_count, at_most))})
