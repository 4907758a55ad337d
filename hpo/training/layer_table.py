"""A model's layers as a plain text table, nested layers indented.

Keras's own summary draws to the width of a terminal that is not there, and loses its last columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = tuple[str, str, str, str, str]


def layer_table(model: Any, kept: Sequence[Sequence[str]] = (), kept_weights: int = 0) -> str:
    """Return a line per layer: name, kind, output shape, weights, and whether it is frozen.

    Args:
        model: built.
        kept: the lines of a layer that something stands in for, its own first.
        kept_weights: how many weights that layer has.
    """
    rows = [("layer", "kind", "output", "weights", "")]
    for layer in model.layers:
        if kept and layer.name == kept[0][0]:
            rows += [(one[0], one[1], one[2], one[3], one[4]) for one in kept]
        else:
            rows += rows_of([layer])
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {output:<{widths[2]}}  "
        f"{weights:>{widths[3]}}  {frozen}".rstrip()
        for name, kind, output, weights, frozen in rows
    ]
    lines.insert(1, "-" * max(len(line) for line in lines))
    trained = sum(_size(v) for v in model.trainable_variables)
    total = int(model.count_params()) + kept_weights
    lines.append(f"{total:,} weights, {trained:,} of them trained")
    return "\n".join([str(model.name), *lines])


def rows_of(layers: Sequence[Any], indent: str = "") -> list[Row]:
    """Return the lines of layers and of those that are nested in them."""
    rows = []
    for layer in layers:
        try:
            output = str(tuple(layer.output.shape))
        except AttributeError:
            output = "?"
        weights = int(layer.count_params()) if layer.built else 0
        frozen = "frozen" if weights and not layer.trainable else ""
        kind = type(layer).__name__
        rows.append((indent + str(layer.name), kind, output, f"{weights:,}", frozen))
        if hasattr(layer, "layers"):
            rows += rows_of(layer.layers, indent + "  ")
    return rows


def _size(variable: Any) -> int:
    size = 1
    for side in variable.shape:
        size *= int(side)
    return size
