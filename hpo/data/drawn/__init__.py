"""Drawn faces: a deterministic generator of grey 48×48 faces in the seven emotions.

It lets every command work without a network or a licence to download data. A seed and an emotion
give a face (`draw_face`), ranges of seeds give a dataset (`write_dataset`), and a seed that no
dataset uses gives a photo with a face in it (`drawn_photo`). The pictures are drawings: an
accuracy measured on them says something about the software and nothing about people. No two are
one picture, but their heads differ little in shape: the search for copies takes 28 of the 4,200 for
copies of others, 3 of the 700 validation faces among them, and `data.leakage: drop` leaves out 10
training faces.
"""

from hpo.data.drawn.dataset import DATASET_NAME, SPLIT_SIZES, draw_split, split_seeds, write_dataset
from hpo.data.drawn.face import draw_face
from hpo.data.drawn.photo import DEFAULT_PHOTO_SEED, TWO_FACES_SEED, drawn_photo, write_photo

__all__ = [
    "DATASET_NAME",
    "DEFAULT_PHOTO_SEED",
    "SPLIT_SIZES",
    "TWO_FACES_SEED",
    "draw_face",
    "draw_split",
    "drawn_photo",
    "split_seeds",
    "write_dataset",
    "write_photo",
]
