"""Every error that scanside raises on purpose.

    ScansideError                the program failed                     exit code 2
    ├── RunnerError              a runtime or model misbehaved
    └── InputError               an input or a setting is wrong         exit code 1
        ├── SettingError         edge.toml, an option, a port
        ├── BundleError          a model folder is missing, altered or of another schema
        └── NotScorable          this image gives no risk; the message is the reason shown
            ├── Unreadable       not DICOM, truncated, no pixel data, undecodable
            ├── NoTissue         DICOM, but not ultrasound, or no 2D tissue in it
            ├── OtherExam        ultrasound, but its header is not of an exam of the ovary
            └── UnlikeTraining   tissue, but unlike what the model was trained on

A message says what is wrong, where, and what to do about it; programs print it without a traceback.
"""


class ScansideError(Exception):
    """Base of the tree; `exit_code` is what a command returns when it stops on it."""

    exit_code = 2


class RunnerError(ScansideError):
    """A runtime could not start or run a model, or returned something that is no risk."""


class InputError(ScansideError):
    """What came from outside can't be used as it is."""

    exit_code = 1


class SettingError(InputError):
    """A setting, an option or an environment is wrong."""


class BundleError(InputError):
    """A bundle is missing, altered, damaged or written for another version."""


class NotScorable(InputError):
    """An image for which no risk is given; the message is the reason that the screen shows.

    Attributes:
        found_by: which rule found the region that was looked at; None when it did not come to that.
    """

    found_by: str | None = None


class Unreadable(NotScorable):
    """The bytes are not a DICOM image that can be decoded."""


class NoTissue(NotScorable):
    """A DICOM object without a two-dimensional scan of tissue in it."""


class OtherExam(NotScorable):
    """An image of an exam for which the model was not made, by what its header says."""


class UnlikeTraining(NotScorable):
    """A scan too far from the training data for the model to be asked."""
