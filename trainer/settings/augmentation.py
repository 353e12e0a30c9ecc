"""How widely the random views of a training scan vary."""

from dataclasses import dataclass

from trainer.settings.fields import bounded_field, check_fields


@dataclass(frozen=True)
class Augmentation:
    """Ranges to draw from, each symmetric; the geometry is that of THESIS, losses and training.

    Attributes:
        flip: probability of a horizontal flip.
        rotation_deg, shear_deg: degrees. The "affine" of the author's code, 10 degrees, is read as shear.
        scale, shift: shares of the image's size.
        constant_shift: share of the size by which every view lies further right and down, in whole
            pixels (the author's code: 27 and 16 px of 544 and 336).
        gamma: exponent between 1 / (1 + gamma) and 1 + gamma.
        gain: brightness is multiplied by a factor between 1 / (1 + gain) and 1 + gain.
        border: share of the views that lie, smaller by up to a quarter, in a black border.
        jpeg: share of the views that are stored as JPEG, of quality 30 to 90, and read again.
    """

    flip: float = bounded_field(0.5, 0.0, 1.0)
    rotation_deg: float = bounded_field(20.0, 0.0, 180.0)
    shear_deg: float = bounded_field(10.0, 0.0, 80.0)
    scale: float = bounded_field(0.05, 0.0, 0.99)
    shift: float = bounded_field(0.05, 0.0, 1.0)
    constant_shift: float = bounded_field(0.0, 0.0, 1.0)
    gamma: float = bounded_field(0.0, 0.0, 10.0)
    gain: float = bounded_field(0.0, 0.0, 10.0)
    border: float = bounded_field(0.0, 0.0, 1.0)
    jpeg: float = bounded_field(0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        check_fields(self)
