"""A trained model as a plain function from faces to probabilities. Loading it loads Keras."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.recommender.faces import FACE_SIZE
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, EnvironmentProblem, HpoError, NotFoundError
from hpo.training.answers import problem_with
from hpo.training.backend_choice import backend_name, configure


def load_classifier(
    path: Path, batch_size: int = 64
) -> Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]:
    """Load a ``.keras`` file as a function: uint8 (n, 48, 48) → float32 (n, 7).

    Args:
        path: a model whose input is (n, 48, 48, 1), values 0-255, ending in a softmax.
        batch_size: faces per step, at least 1.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is no Keras model, holds code, or its input or output has another shape.
        EnvironmentProblem: Keras or its backend cannot be imported.
    """
    if not path.is_file():
        raise NotFoundError("there is no such model", where=str(path), expected="a .keras file")
    try:
        with _keras():
            import keras

            # safe_mode refuses code inside the file; the compile state belongs to training.
            model = keras.models.load_model(path, compile=False, safe_mode=True)
    except HpoError:
        raise
    except Exception as error:  # Keras raises many kinds for a broken file
        raise DataError(
            "this model cannot be loaded",
            where=str(path),
            expected="a .keras file that 'hpo train' or 'hpo run' saved",
            got=(str(error).strip().splitlines() or [type(error).__name__])[0][:200],
        ) from error
    _check_shapes(model, path)
    return _function_of(model, batch_size)


def load_packed_classifier(
    folder: Path, batch_size: int = 64
) -> Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]:
    """Load a packed model as a function: uint8 (n, 48, 48) → float32 (n, 7).

    Args:
        folder: with ``model.json`` and its weights.
        batch_size: faces per step, at least 1.

    Raises:
        NotFoundError: there is no packed model.
        DataError: its input or output has another shape.
        IntegrityError: it is damaged.
        EnvironmentProblem: Keras or its backend cannot be imported.
    """
    with _keras():
        from hpo.training.packed import read_packed

        model = read_packed(folder)
    _check_shapes(model, folder)
    return _function_of(model, batch_size)


def _function_of(
    model: Any, batch_size: int
) -> Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]:
    import keras

    def classify(faces: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
        if len(faces) == 0:
            return np.empty((0, len(EMOTIONS)), np.float32)
        pixels = faces[..., np.newaxis].astype(np.float32)
        # A direct call: ``predict`` compiles a graph first, which costs more than a few faces.
        parts = [
            keras.ops.convert_to_numpy(
                keras.ops.cast(model(pixels[at : at + batch_size], training=False), "float32")
            )
            for at in range(0, len(pixels), batch_size)
        ]
        return np.concatenate(parts)

    return classify


def ask_for_trial(
    report: Callable[[Any], None], should_stop: Callable[[], bool], path: str
) -> str | None:
    """Load a ``.keras`` file and return what is wrong with its answers; None if nothing is.

    It is what runs in a child where a model is about to be served; ``report`` and ``should_stop``
    are part of that call, and it is too short to need them.

    Raises:
        NotFoundError, DataError, EnvironmentProblem: as ``load_classifier``.
    """
    faces = np.random.default_rng(0).integers(0, 256, (2, FACE_SIZE, FACE_SIZE), dtype=np.uint8)
    return problem_with(load_classifier(Path(path))(faces), (2, len(EMOTIONS)))


@contextlib.contextmanager
def _keras() -> Iterator[None]:
    """Import Keras with its backend, in silence, before what is done with it.

    Raises:
        EnvironmentProblem: it cannot be imported.
    """
    configure()
    with _quiet():
        try:
            import keras  # noqa: F401
        except ImportError as error:
            raise EnvironmentProblem(
                "cannot import Keras",
                expected=f"the packages of hpo, with Keras's backend '{backend_name()}'",
                got=str(error),
                hint="Install hpo again in this environment",
            ) from error
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what native code writes to standard error; tell it only if this fails.

    TensorFlow tells about oneDNN and absent GPUs before it reads the log level it was given, ten
    lines between a person and three songs.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            yield
        except EnvironmentProblem:
            told.seek(0)
            os.write(kept, told.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _check_shapes(model: Any, path: Path) -> None:
    taken, given = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    wanted_in, wanted_out = (None, FACE_SIZE, FACE_SIZE, 1), (None, len(EMOTIONS))
    if not (_fits(taken, wanted_in) and _fits(given, wanted_out)):
        raise DataError(
            "this model is no emotion classifier",
            where=str(path),
            expected=f"input {wanted_in} and output {wanted_out}",
            got=f"input {taken} and output {given}",
        )


def _fits(shape: Any, wanted: tuple[int | None, ...]) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) == len(wanted)
        and all(
            side is None or side == size for side, size in zip(shape[1:], wanted[1:], strict=True)
        )
    )
