"""What takes a pretrained base's place where its features are kept, and so nobody asks it anything.

Within ``standing_in`` the pretrained architectures build a model whose base is one layer without
weights, of the base's name and output. Building ResNet50 and reading its weights takes seconds; a
head on kept features is trained in less.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_OUTPUT: ContextVar[tuple[int, ...] | None] = ContextVar("output", default=None)


@contextmanager
def standing_in(output_shape: tuple[int, ...]) -> Iterator[None]:
    """Build models without their bases.

    Args:
        output_shape: of the base for one face, such as ``(3, 3, 2048)``.
    """
    token = _OUTPUT.set(output_shape)
    try:
        yield
    finally:
        _OUTPUT.reset(token)


def stand_in(name: str, input_shape: tuple[int, int, int]) -> Any:
    """Return the model in place of the base; None outside of ``standing_in``.

    Args:
        name: of the base.
        input_shape: of one image that the base takes.
    """
    output_shape = _OUTPUT.get()
    if output_shape is None:
        return None
    import keras

    shape = (None, *output_shape)

    class StandIn(keras.layers.Layer):  # type: ignore[misc]
        """Has an output and no way to it."""

        def compute_output_spec(self, images: Any) -> Any:
            """Return the base's output, which ``call`` cannot give."""
            return keras.KerasTensor(shape, dtype=self.compute_dtype)

        def call(self, images: Any) -> Any:
            """Refuse."""
            raise RuntimeError(f"a stand-in of {name} was asked about images")

    images = keras.Input(input_shape)
    network = keras.Model(images, StandIn()(images), name=name)
    network.trainable = False
    return network
