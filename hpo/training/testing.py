"""Models asked about the faces of the test split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SPLIT = "test"


def judge_files(
    report: Callable[[Any], None],
    should_stop: Callable[[], bool],
    *,
    files: Sequence[str],
    dataset: str,
    drop: bool,
) -> list[dict[str, Any]]:
    """Judge ``.keras`` files on the whole test split.

    It is what runs in a child; ``report`` and ``should_stop`` are part of that call.

    Args:
        report: is told the place of each file, from 0, before it is asked.
        files: paths of the files, checked before.
        dataset: folder of the canonical store, with a split ``test``.
        drop: whether they trained without copies of held-out faces.

    Returns:
        For each file ``metrics`` (as of a trial, with ``test_`` in place of ``val_``),
        ``predictions`` and ``correct`` (0 or 1) for each face, and ``confusion``; of the faces of
        which no split of ``copies_in`` has a copy ``images_without_copies`` and, where these are a
        part, ``confusion_without_copies`` and ``unseen``, as of a ``TrialResult``.

    Raises:
        DataError: a file is no model.
    """
    import keras
    import numpy as np

    from hpo.data.audit.unseen import unseen
    from hpo.data.store import open_faces
    from hpo.spec.errors import DataError
    from hpo.training.copies import confusion_without_copies, without_copies
    from hpo.training.scores import scores
    from hpo.training.validation import judge, predict

    opened = open_faces(Path(dataset))
    split, alone = opened.split(SPLIT), unseen(opened, drop=drop, split=SPLIT)
    labels = np.asarray(split.labels, dtype=np.int64)
    told = []
    for place, path in enumerate(files):
        report(place)
        try:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises many kinds for a broken file
            raise DataError(
                "this model cannot be loaded",
                where=path,
                expected="a .keras file that hpo saved",
                got=(str(error).strip().splitlines() or [type(error).__name__])[0][:200],
            ) from error
        answers = predict(model, np.asarray(split.images)[..., None], 64)
        judged = judge(answers, labels)
        metrics = {
            **judged.metrics,
            **scores(answers, labels, split.votes),
            **without_copies(answers, labels, alone, split.votes),
        }
        told.append(
            {
                "metrics": {
                    name.replace("val_", f"{SPLIT}_", 1): value for name, value in metrics.items()
                },
                "predictions": judged.predictions.tolist(),
                "correct": (judged.predictions == labels).astype(int).tolist(),
                "confusion": judged.confusion.tolist(),
                "images_without_copies": len(alone),
                "copies_in": list(alone.beside),
                **confusion_without_copies(
                    judged.predictions, labels, alone, len(judged.confusion)
                ),
            }
        )
    return told
