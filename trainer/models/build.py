"""The one place where a description of a network becomes the network."""

from torch import nn

from trainer.models.densenet import densenet121
from trainer.models.efficientnet import efficientnet
from trainer.models.encoder import Encoder
from trainer.models.network import Network
from trainer.models.resnet import resnet18, resnet50
from trainer.models.spec import NetworkSpec
from trainer.models.unet import unet


def build_network(spec: NetworkSpec) -> Network:
    """Build the network of `spec`, newly initialised from torch's global generator."""
    return Network(_build_encoder(spec), spec)


def _build_encoder(spec: NetworkSpec) -> Encoder:
    if spec.encoder == "unet":
        return unet(spec.pooled_blocks, spec.unet_width)
    if spec.encoder in ("efficientnet", "efficientnet_lite0"):
        lite = spec.encoder == "efficientnet_lite0"
        return efficientnet(lite=lite, stochastic_depth=spec.stochastic_depth)
    if spec.encoder == "none":
        return Encoder(nn.Sequential(), pooled=(), channels=0)
    return {"resnet18": resnet18, "resnet50": resnet50, "densenet121": densenet121}[spec.encoder]()
