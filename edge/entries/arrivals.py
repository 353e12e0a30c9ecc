"""When the last image of each study came, by a clock that nobody sets: a while later the study is final."""

import threading
import time

Study = tuple[str, str]  # its UID, the patient's ID


class Arrivals:
    """Studies of which an image came within the last `final_after_s` seconds; for several threads."""

    def __init__(self, final_after_s: float) -> None:
        self._final_after_s = final_after_s
        self._lock = threading.Lock()
        self._ends: dict[Study, float] = {}  # the one that ends first stands first

    def came(self, study: Study, ago_s: float = 0.0) -> None:
        """An image came, or had come `ago_s` seconds before; of several, tell the oldest first."""
        with self._lock:
            self._ends.pop(study, None)
            self._ends[study] = time.monotonic() + self._final_after_s - ago_s

    def may_follow(self, study: Study) -> bool:
        with self._lock:
            return time.monotonic() < self._ends.get(study, 0.0)

    def over(self) -> list[Study]:
        """Those whose time is over, each told once."""
        now, over = time.monotonic(), []
        with self._lock:
            for study, end in self._ends.items():
                if end > now:
                    break
                over.append(study)
            for study in over:
                del self._ends[study]
        return over
