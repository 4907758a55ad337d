"""The model in the box: a classifier that comes with the package.

It answers where a workspace has no champion, so that ``hpo recommend`` works right after the
installation. ``boxed/`` holds it as ``hpo.training.packed`` writes it, and ``MODEL_CARD.md``, which
is drawn from its ``model.json``; ``hpo.recommender.boxing`` puts another one there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import IntegrityError, NotFoundError
from hpo.training.packed_files import PackedModel, describe_packed

NAME = "boxed"
"""What ``--model`` calls it."""

FOLDER = Path(__file__).parent / "boxed"

CARD = "MODEL_CARD.md"

MOST_BYTES = 8 * 2**20
"""Of everything in the box: it is part of every installation."""

_LONGER = {"cnn": "CNN", "resnet50": "ResNet50", "xception": "Xception"}


@dataclass(frozen=True)
class Box:
    """What is in the box, its weights not yet read.

    Args:
        folder: where it lies.
        described: what it says of itself.
    """

    folder: Path
    described: PackedModel

    @property
    def accuracy(self) -> float:
        """Return its accuracy on the validation faces, 0-1."""
        return float(self.described.facts["metrics"]["val_accuracy"])

    @property
    def architecture(self) -> str:
        """Return the architecture's name as people write it."""
        return _LONGER.get(self.described.architecture, self.described.architecture)


def open_box(folder: str | os.PathLike[str] = FOLDER) -> Box:
    """Return what is in the box.

    Raises:
        NotFoundError: the box is empty.
        IntegrityError: it was changed since it was packed, or is of other classes.
    """
    try:
        described = describe_packed(folder)
    except NotFoundError as error:
        raise NotFoundError(
            "no model came with this installation",
            where=str(folder),
            hint="Name one with --model FILE, or make a champion in minutes: hpo quickstart",
        ) from error
    if described.classes != EMOTIONS:
        raise IntegrityError(
            "the model in the box answers with other classes",
            where=str(folder),
            expected=", ".join(EMOTIONS),
            got=", ".join(described.classes),
            hint="Install hpo again",
        )
    return Box(Path(folder), described)
