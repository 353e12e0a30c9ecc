"""The answer to a view that asked for a picture of a slide."""

from dataclasses import dataclass

from edge.protocol.row import Preview


@dataclass(frozen=True)
class PictureAnswer:
    """A picture, or the reason why there is none.

    Attributes:
        kind: "preview", "prepared" or "saliency".
        image_digest: of the image that it shows.
    """

    sop_instance_uid: str
    frame: int
    kind: str
    picture: Preview | None
    reason: str | None
    image_digest: str | None = None
