"""Scans of MMOTU to make pairs on, with what is known of the annotations that they carry already."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from scanside.scan.contour import find_sector
from scanside.scan.prepare import to_grey
from trainer.data.mmotu import Entry, decode, find_layout
from trainer.denoiser.pairs import Source
from trainer.denoiser.suspects import suspects
from trainer.progress import track
