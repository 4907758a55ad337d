"""A trained model as plain arrays: small enough to travel, and built anew where it is read.

A ``.keras`` file holds float32 weights and the layers as a configuration of one Keras version. A
packed model holds kernels in float16, the name of the architecture and its parameters: half the
bytes, in parts of bounded size, and the layers are those that the architecture's own code builds,
under any backend. ``packed_files`` knows the folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpo.spec.errors import DataError, IntegrityError
from hpo.training.packed_files import (
    DOCUMENT,
    MOST_BYTES,
    Array,
    PackedModel,
    describe_packed,
    read_arrays,
    write_folder,
)

__all__ = ["PackedModel", "describe_packed", "read_packed", "write_packed"]

_ROUNDING = 2.0**-10
"""Largest error of a kernel in float16, as a share of its largest weight; float16's own rounding
is half of that."""


def write_packed(
    model: Any,
    folder: str | os.PathLike[str],
    *,
    architecture: str,
    params: Mapping[str, Any],
    classes: Sequence[str],
    facts: Mapping[str, Any],
    most_bytes: int = MOST_BYTES,
) -> PackedModel:
    """Write ``model`` as arrays to ``folder``, in place of a packed model that is there.

    Kernels are rounded to float16. Vectors stay float32, because they are few and a batch
    normalisation's moving variance may lie beyond what float16 holds (6e-8 to 65504); so does a
    kernel that float16 would change by more than a thousandth of its largest weight.

    Args:
        model: a built Keras model, trained; its batch statistics are kept too. With ``test_views``
            among the parameters it may be the trained one or the one that is served.
        folder: made if absent; files of other names in it are left alone.
        architecture: the name that builds the same layers again.
        params: every parameter of the trial; more than the architecture's own are kept as said.
        classes: what the outputs stand for, in order.
        facts: plain data of the writer's choice, such as figures and the faces' digest; finite
            numbers only.
        most_bytes: of a part.

    Raises:
        DataError: a weight is no finite number, an array alone is larger than ``most_bytes``, or
            parameters or facts are no plain data.
        EnvironmentProblem: the folder cannot be written.
    """
    which = str(params.get("test_views", "none"))
    if which != "none":  # What is packed is what is served, whichever of the two was given.
        from hpo.training.served import serve

        model = serve(model, which)
    arrays = [_rounded(k, np.asarray(array)) for k, array in enumerate(model.get_weights())]
    said = {
        "architecture": architecture,
        "params": dict(params),
        "input_shape": list(model.input_shape[1:]),
        "classes": list(classes),
        "facts": dict(facts),
    }
    return write_folder(folder, arrays, said, most_bytes)


def read_packed(folder: str | os.PathLike[str]) -> Any:
    """Return the packed model in ``folder`` as a Keras model in float32, its weights assigned.

    The architecture is built by its name, which imports the module that the name stands for: read
    only folders that you trust as much as a study file.

    Raises:
        NotFoundError: there is no packed model, or no such architecture.
        IntegrityError: it is damaged, of another format, or not of the layers that the
            architecture builds.
    """
    described = describe_packed(folder)
    arrays = read_arrays(folder, described)
    model = _built(described)
    shapes = tuple(tuple(weight.shape) for weight in model.weights)
    if shapes != described.weights:
        differing = next(
            (f"array {k}: {a} and {b}"
             for k, (a, b) in enumerate(zip(described.weights, shapes, strict=False)) if a != b),
            f"{len(shapes)} arrays instead of {len(described.weights)}",
        )  # fmt: skip
        raise IntegrityError(
            "this packed model is not of the layers that its architecture builds",
            where=str(Path(folder) / DOCUMENT),
            expected=f"the {len(described.weights)} arrays of '{described.architecture}' as packed",
            got=differing,
            hint="Install the version of hpo that it came with",
        )
    model.set_weights(arrays)
    return model


def _built(described: PackedModel) -> Any:
    from hpo.architectures.architecture import load
    from hpo.training.parameters import TrainingParameters
    from hpo.training.served import serve

    architecture = load(described.architecture)
    own: Any = dict(described.params)
    if architecture.parameters is None:
        own = {n: v for n, v in own.items() if n not in TrainingParameters.model_fields}
    else:
        own = {n: v for n, v in own.items() if n in architecture.parameters.model_fields}
        if architecture.needs_weights:
            # What training began with is overwritten here, and must not be downloaded; a frozen
            # stage, which goes with pretrained weights only, has the same arrays as a trained one.
            own.update(weights="none", unfreeze="all")
            own = {n: v for n, v in own.items() if n in architecture.parameters.model_fields}
        own = architecture.parameters(**own)

    import keras

    policy = keras.config.dtype_policy()
    # Not what it was trained in: processors compute in float32, and many in nothing less.
    keras.config.set_dtype_policy("float32")
    try:
        model = architecture.build(own, described.input_shape, len(described.classes))
        return serve(model, str(described.params.get("test_views", "none")))
    finally:
        keras.config.set_dtype_policy(policy)


def _rounded(number: int, array: Array) -> Array:
    """Return ``array`` in the fewest bits that hold it well enough."""
    # numpy knows no bfloat16; float32 holds each of its values.
    full = array.astype(np.float32)
    if not np.isfinite(full).all():
        raise DataError(
            f"weight {number} of the model is not finite",
            expected="finite numbers",
            hint="Pack another checkpoint: this one answers nothing sensible",
        )
    if full.ndim < 2:
        return full
    largest = float(np.abs(full).max(initial=0.0))
    if largest > float(np.finfo(np.float16).max):
        return full
    half = full.astype(np.float16)
    error = float(np.abs(half.astype(np.float32) - full).max(initial=0.0))
    return half if error <= _ROUNDING * largest else full
