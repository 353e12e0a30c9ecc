"""What a build does, on the terminal: a bar for each phase, since an engine can take many minutes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Told = Callable[[str, float], None]


@contextmanager
def shown() -> Iterator[Callable[[str], Told]]:
    """Gives, for each graph's name, what is told of its build: the phase and its share, 0 to 1."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def of(graph: str) -> Told:
            task = bars.add_task(graph, total=1.0)
            return lambda phase, share: bars.update(task, description=f"{graph}: {phase}", completed=share)

        yield of
