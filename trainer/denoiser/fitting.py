"""What Lightning has to know of denoisers."""

from torch import Tensor, nn

from trainer.data.loader import Batch
from trainer.denoiser.losses import compute_edge_loss, compute_restoration_loss
from trainer.models.denoiser.edge import EdgeDenoiser, EdgeOutput
from trainer.settings.configuration import Optimiser, Training
from trainer.training.fit import TrainingModule


class EdgeDenoiserModule(TrainingModule):
    """The edge's: finds and paints."""

    network: EdgeDenoiser

    def terms(self, batch: Batch, stage: str) -> dict[str, Tensor]:  # noqa: ARG002 - the same in both
        raw = self.network.raw(self.image(batch), self.image(batch, "chroma"))
        return compute_edge_loss(EdgeOutput(*(output.float() for output in raw)), batch)


class WholeDenoiserModule(TrainingModule):
    """The thesis's denoiser, whose output replaces the whole scan.

    Args:
        alpha, beta, ssim: of trainer.denoiser.losses.restoration.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: Optimiser,
        training: Training,
        seed: int,
        alpha: float,
        beta: float,
        ssim: float,
    ) -> None:
        super().__init__(network, optimiser, training, seed)
        self.alpha, self.beta, self.ssim = alpha, beta, ssim

    def terms(self, batch: Batch, stage: str) -> dict[str, Tensor]:  # noqa: ARG002 - the same in both
        clean = self.network(self.image(batch)).float()
        return compute_restoration_loss(clean, batch, self.alpha, self.beta, self.ssim)
