"""Why a header or a frame can't be decoded, in words of this project, and what helps."""


class Undecodable(ValueError):
    """A header or a frame is not as the standard wants it; sending the same bytes again does not help.

    Libraries raise ValueError too. What is of this class may be shown to people, what is not may cite values.
    """


class Truncated(Undecodable):
    """Bytes are missing at the end: sending it again may help."""


class Miscoloured(Undecodable):
    """Pixels show that they are not in the colours that they are said to be in."""
