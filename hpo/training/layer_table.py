"""A model's layers as a plain text table, nested layers indented.

Keras's own summary draws to the width of a terminal that is not there, and loses its last columns.
"""

from __future__ import annotations

from typing import Any


def layer_table(model: Any) -> str:
    """Return a line per layer: name, kind, output shape, weights, and whether it is frozen."""
    rows = [("layer", "kind", "output", "weights", "")]
    rows += _rows(model, "")
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {output:<{widths[2]}}  "
        f"{weights:>{widths[3]}}  {frozen}".rstrip()
        for name, kind, output, weights, frozen in rows
    ]
    lines.insert(1, "-" * max(len(line) for line in lines))
    trained = sum(_size(v) for v in model.trainable_variables)
    total = int(model.count_params())
    lines.append(f"{total:,} weights, {trained:,} of them trained")
    return "\n".join([str(model.name), *lines])


def _rows(model: Any, indent: str) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for layer in model.layers:
        try:
            output = str(tuple(layer.output.shape))
        except AttributeError:
            output = "?"
        weights = int(layer.count_params()) if layer.built else 0
        frozen = "frozen" if weights and not layer.trainable else ""
        kind = type(layer).__name__
        rows.append((indent + str(layer.name), kind, output, f"{weights:,}", frozen))
        if hasattr(layer, "layers"):
            rows += _rows(layer, indent + "  ")
    return rows


def _size(variable: Any) -> int:
    size = 1
    for side in variable.shape:
        size *= int(side)
    return size
