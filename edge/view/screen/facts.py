"""The clinical facts of a study: what they are, who said so, and whether the model asks for them."""

from collections.abc import Iterator

from rich.text import Text

from edge.view.agent.studies import Study
from edge.view.screen.style import NOTICE, QUIET

_ENTERED_BY_KEY = {"menopausal_status": "m"}


def fact_lines(study: Study | None) -> Iterator[Text]:
    """A line for each fact that people may enter."""
    for name, fact in (study.facts if study else {}).items():
        label = name.replace("_", " ").capitalize()
        known = fact.value != "unknown"
        if not fact.used:
            value = f"{fact.value}, " * known
            yield Text(f"{label}: {value}not used by this model", style=QUIET)
        elif known:
            yield Text.assemble(f"{label}: {fact.value}", (f", {fact.source}" * bool(fact.source), QUIET))
        else:
            key = _ENTERED_BY_KEY.get(name)
            yield Text.assemble((f"{label}: unknown", NOTICE), f"  (key {key})" if key else "")
