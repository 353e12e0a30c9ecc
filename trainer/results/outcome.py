"""What a finished training left on disk -> what the statistics take."""

from trainer.results.evaluation import Outcome
from trainer.runs.finished import PARTS, Finished
from trainer.runs.predictions import load_predictions


def outcome(run: Finished) -> Outcome:
    """The predictions of one training.

    Raises:
        InputError: a file of it is damaged.
    """
    validation, test = (load_predictions(run.folder / f"{part}.npz") for part in PARTS)
    return Outcome(validation, test, run.made.configuration.evaluation)
