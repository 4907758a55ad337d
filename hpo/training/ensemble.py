"""Several trained models as one, which answers the mean of their probabilities.

Averaging the answers of networks that were trained apart lowers the error by what they disagree in
(Krogh and Vedelsby 1995, "Neural network ensembles, cross validation, and active learning",
equation 6; for log loss likewise, as it is convex). Their mean is a stock layer, so that the file
loads as any other: under ``safe_mode=True``, past the allow-list, on every backend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hpo.spec.errors import DataError
from hpo.training.temperature import SMALLEST, fit_temperature


def join(members: Sequence[Any], temperature: float = 1.0) -> Any:
    """Return one model that answers the mean of its members' probabilities.

    It shares their weights, and was never compiled.

    Args:
        members: at least two models with the same input and the same classes; they may be of
            different architectures and have layers of the same names.
        temperature: of the mean, which is answered as ``temperature.tempered`` has it.

    Raises:
        DataError: there are fewer than two, or they do not fit together.
    """
    import keras

    from hpo.architectures.layers import grey_input

    shapes = {(tuple(m.input_shape[1:]), tuple(m.output_shape[1:])) for m in members}
    if len(members) < 2 or len(shapes) > 1:
        raise DataError(
            "these models do not make an ensemble",
            expected="two or more of one input and one output",
            got=f"{len(members)} of the shapes {', '.join(map(str, sorted(shapes)))}",
        )
    ((shape, _),) = shapes
    faces = grey_input(shape)
    # A name of its own for each: two trials of one architecture have the same.
    named = [
        keras.Model(member.inputs[0], member.outputs[0], name=f"member{number}")
        for number, member in enumerate(members, start=1)
    ]
    mean = keras.layers.Average(dtype="float32", name="mean_of_members")(
        [member(faces) for member in named]
    )
    answer = mean if temperature == 1.0 else _tempered(mean, temperature)
    return keras.Model(faces, answer, name="ensemble")


def _tempered(mean: Any, temperature: float) -> Any:
    """Return ``softmax(log(p) / T)`` as layers; Keras loads its own ``log`` under safe mode."""
    import keras

    logits = keras.ops.log(keras.ops.maximum(mean, SMALLEST))
    scaled = keras.layers.Rescaling(1.0 / temperature, dtype="float32", name="temperature")(logits)
    return keras.layers.Softmax(dtype="float32", name="tempered_mean")(scaled)


def build(
    report: Callable[[Any], None],
    should_stop: Callable[[], bool],
    *,
    members: Sequence[str],
    output: str,
    dataset: str,
    dataset_digest: str = "",
    validation_limit: int | None,
    data_seed: int,
    drop: bool,
    scale: bool,
) -> dict[str, Any]:
    """Join ``.keras`` files into ``output/model.keras`` and judge it on the validation faces.

    It is what runs in a child; ``report`` and ``should_stop`` are part of that call.

    Args:
        members: paths of the files, checked before.
        output: folder of the new file; made if absent.
        dataset: folder of the canonical store.
        dataset_digest: of its faces, as the study recorded it; "" for those that are there.
        validation_limit: the study's, and
        data_seed: the seed of its subset, so that it is judged as its members were.
        drop: whether its members trained without copies of held-out faces.
        scale: whether to fit a temperature on the mean: those of the members do not calibrate it
            (Rahaman and Thiery 2021, "Uncertainty quantification and deep ensembles"). It is fitted
            on the faces that ``val_loss`` and ``val_ece`` are measured on, which flatters them;
            ``val_loss_tempered`` and ``val_ece_tempered`` are cross-fitted.

    Returns:
        ``checkpoint``, ``sha256``, ``metrics`` (with ``temperature`` if that was fitted),
        ``confusion``, ``validation_size_without_copies`` and, where that is a part of the faces,
        ``confusion_without_copies``, as of a ``TrialResult``.

    Raises:
        DataError: a file is no model, or the models do not fit together.
        EnvironmentProblem: the file cannot be written.
    """
    import keras
    import numpy as np

    from hpo.data.audit.unseen import unseen
    from hpo.data.recorded import as_recorded
    from hpo.data.store import open_faces, subset
    from hpo.training.checkpoint import write_checkpoint
    from hpo.training.copies import confusion_without_copies, without_copies
    from hpo.training.scores import scores
    from hpo.training.validation import judge, predict

    loaded = []
    for path in members:
        try:
            loaded.append(keras.models.load_model(path, compile=False, safe_mode=True))
        except Exception as error:  # Keras raises many kinds for a broken file
            raise DataError(
                "a member of the ensemble cannot be loaded",
                where=path,
                expected="a .keras file that hpo saved",
                got=(str(error).strip().splitlines() or [type(error).__name__])[0][:200],
            ) from error
    opened = open_faces(Path(dataset))
    # Without a test split that came later, whose copies no member left out.
    opened = as_recorded(opened, dataset_digest) or opened
    faces = subset(opened.split("validation"), validation_limit, data_seed)
    images, labels = np.asarray(faces.images)[..., None], np.asarray(faces.labels, dtype=np.int64)
    joined, fitted = join(loaded), {}
    if scale:
        fitted["temperature"] = fit_temperature(predict(joined, images, 64), labels)
        joined = join(loaded, fitted["temperature"])
    checkpoint, digest = write_checkpoint(joined, output)
    # What is judged is what was written.
    model = keras.models.load_model(checkpoint, compile=False, safe_mode=True)
    answers = predict(model, images, 64)
    judged = judge(answers, labels)
    alone = unseen(opened, validation_limit, data_seed, drop=drop)
    matrix = confusion_without_copies(judged.predictions, labels, alone, len(judged.confusion))
    # Which faces these are its members' records say.
    matrix.pop("unseen", None)
    return {
        "checkpoint": checkpoint,
        "sha256": digest,
        "metrics": {
            **judged.metrics,
            **scores(answers, labels, faces.votes),
            **without_copies(answers, labels, alone, faces.votes),
            **fitted,
        },
        "confusion": judged.confusion.tolist(),
        "validation_size_without_copies": len(alone),
        **matrix,
    }
