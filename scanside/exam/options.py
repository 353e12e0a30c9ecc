"""What a hospital says of the rules: one that only flags where it would refuse, one that is off."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanside.errors import SettingError
from scanside.exam.rules import RULES, Action

MIN_AGE_YEARS = 18


@dataclass(frozen=True)
class ExamOptions:
    """How headers are asked.

    Attributes:
        actions: by name of a rule, where it is not the rule's own.
        min_age_years: who is younger is a child; 0 asks for no age.
        secondary_capture: whether copies of an ultrasound machine's screen are scored.
    """

    actions: Mapping[str, Action] = field(default_factory=dict)
    min_age_years: int = MIN_AGE_YEARS
    secondary_capture: bool = False


def read_actions(texts: tuple[str, ...], where: str) -> dict[str, Action]:
    """The actions that a setting names, each as `RULE:ACTION`.

    Raises:
        SettingError: a rule or an action is unknown, or a rule is named twice.
    """
    names = [rule.name for rule in RULES]
    actions: dict[str, Action] = {}
    for text in texts:
        name, _, action = text.partition(":")
        if name not in names:
            raise SettingError(f"{where}: exam_rules: {name!a} is unknown. Known are {', '.join(names)}.")
        if action not in [known.value for known in Action]:
            raise SettingError(f"{where}: exam_rules: {text!a} must end in :refuse, :flag or :off.")
        if name in actions:
            raise SettingError(f"{where}: exam_rules: {name} is given twice.")
        actions[name] = Action(action)
    return actions
