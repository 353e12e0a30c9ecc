"""What a finished training left on disk -> what the statistics take."""

from trainer.results.evaluation import ArmPredictions
from trainer.runs.finished import PARTS, FinishedRun
from trainer.runs.predictions import load_predictions


def load_arm_predictions(run: FinishedRun) -> ArmPredictions:
    """Load the predictions of one training.

    Raises:
        InputError: a file of it is damaged.
    """
    validation, test = (load_predictions(run.folder / f"{part}.npz") for part in PARTS)
    return ArmPredictions(validation, test, run.made.configuration.evaluation)
