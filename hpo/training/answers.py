"""Whether what a model answers is a probability per class, as everything behind it takes for sure.

The shape of the output does not tell: a last layer without its softmax has the right one. Neither
Keras nor a file is needed here; a freshly built model is asked by ``try_model``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.spec.errors import SpecError

TOLERANCE = 1e-3
LOW_PRECISION_TOLERANCE = 1e-2
"""A softmax in bfloat16 rounds each of its numbers to eight bits."""

NOT_FINITE = "numbers that are not finite"
_FACES = 2


def problem_with(
    rows: npt.NDArray[Any], shape: tuple[int, int], tolerance: float = LOW_PRECISION_TOLERANCE
) -> str | None:
    """Return what keeps answers from being probabilities, in a few words; None if nothing does.

    Args:
        rows: an answer per face.
        shape: faces and classes.
        tolerance: how far from 1 the sum of a row may be.
    """
    if rows.shape != shape:
        return f"an answer of shape {rows.shape}"
    broken = int(np.count_nonzero(~np.isfinite(rows)))
    if broken:
        return f"{broken} of {rows.size} {NOT_FINITE}"
    lowest = float(rows.min(initial=0.0))
    if lowest < 0:
        return f"negative numbers, such as {lowest:.3g}"
    sums = rows.sum(axis=1, dtype=np.float64)
    farthest = max(sums, key=lambda total: abs(total - 1.0), default=1.0)
    return None if abs(farthest - 1.0) <= tolerance else f"a row that sums to {farthest:.4g}"


def no_softmax(name: str, classes: int, problem: str) -> SpecError:
    """Return the error for a model whose answers are no probabilities.

    Args:
        name: of the architecture, or of the trial.
        classes: how many there are.
        problem: as ``problem_with`` says.
    """
    what = f"the last layer of '{name}' must be a softmax over {classes} classes"
    hint = 'End the model with keras.layers.Dense(classes, activation="softmax")'
    if NOT_FINITE in problem:
        what = f"the answers of '{name}' are no probabilities"
        hint = "Look for what divides by nothing or overflows in the model"
    return SpecError(
        what,
        expected=f"for each face {classes} numbers from 0 to 1 that sum to 1",
        got=problem,
        hint=hint,
    )


def try_model(model: Any, input_shape: tuple[int, int, int], classes: int) -> str | None:
    """Ask a built model about two faces and return what is wrong with its answers; None if nothing.

    The faces are the same every time, and asking changes neither weights nor what is drawn later.
    """
    import keras

    faces = np.random.default_rng(0).integers(0, 256, (_FACES, *input_shape), dtype=np.uint8)
    answers = model(keras.ops.convert_to_tensor(faces.astype(np.float32)), training=False)
    exact = keras.backend.standardize_dtype(answers.dtype) in ("float32", "float64")
    rows = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(answers, "float32")))
    return problem_with(rows, (_FACES, classes), TOLERANCE if exact else LOW_PRECISION_TOLERANCE)
