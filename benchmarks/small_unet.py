"""A narrow U-Net MTL, trained on MMOTU at a small size: what docs/runtimes.md shows INT8's accuracy on.

python -m benchmarks.small_unet --data mmotu=DIR --out runs/unet        # 9 minutes of processor time
python -m benchmarks.precisions --checkpoint runs/unet/checkpoint.pt --data mmotu=DIR --out runs/unet-int8
"""

import argparse
from dataclasses import replace
from pathlib import Path

from scanside.image import Size
from trainer.data.mmotu import CLASSES
from trainer.default_model import train as default_model
from trainer.models.spec import NetworkSpec
from trainer.report.terminal import print_figures

WIDTH, EPOCHS = 16, 22
SIZES = ((0, Size(56, 88)), (15, Size(112, 176)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True, metavar="mmotu=DIR", help="a copy of MMOTU's 2D set")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    args = parser.parse_args()
    recipe = default_model.DefaultModelRecipe()
    recipe = replace(
        recipe,
        network=NetworkSpec("unet", "mtl", len(CLASSES), unet_width=WIDTH),
        sizes=SIZES,
        training=replace(recipe.training, epochs=EPOCHS, ema=0.99),
    )
    data = Path(args.data.removeprefix("mmotu="))
    print_figures(
        default_model.train_default_model(data, args.out, recipe, "none", "full"), "small U-Net", "full"
    )


if __name__ == "__main__":
    main()
