"""What a graph says of one of its inputs or outputs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tensor:
    """One input or output of a graph.

    Attributes:
        dtype: in ONNX's words, as "FLOAT".
        shape: a number where the length is fixed, else a name or "?"; None when nothing is said.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None

    def __str__(self) -> str:
        shape = "?" if self.shape is None else f"({', '.join(map(str, self.shape))})"
        return f"{self.name} {shape} {self.dtype}"
