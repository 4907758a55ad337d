"""Figures in words, for those who do not see them: what the axes are, and where the traces lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

LISTED = 8
"""Values of a trace that are told one by one; of more only the range is told."""
TRACES = 12
"""Traces that are told; the rest are counted."""


def in_words(figure: Mapping[str, Any]) -> str:
    """Return sentences on a figure given as plain data, its layout and traces in their order."""
    layout = figure["layout"]
    axes = {axis: _title(layout.get(f"{axis}axis") or {}) for axis in ("x", "y")}
    said = [
        f"{'Across' if axis == 'x' else 'Up'}: {title}."
        for axis, title in axes.items()
        if title and not _letters_only(layout.get(f"{axis}axis") or {})
    ]
    traces = [t for t in figure["data"] if t.get("hoverinfo") != "skip"]
    told = [line for trace in traces[:TRACES] if (line := _trace(trace, layout, axes))]
    said += list(dict.fromkeys(told))
    if len(traces) > TRACES:
        said.append(f"And {len(traces) - TRACES} more.")
    return " ".join(said)


def _unit(title: str) -> str:
    """Return the unit of an axis, which stands in brackets, with a space before it; "" for none."""
    found = re.search(r"\[([^\]]+)\]", title)
    return f" {found[1]}" if found else ""


def _letters_only(axis: Mapping[str, Any]) -> bool:
    return axis.get("showticklabels") is False


def _title(axis: Mapping[str, Any]) -> str:
    return plain((axis.get("title") or {}).get("text") or "")


def plain(text: str) -> str:
    """Return the text of a label in which Plotly would read markup."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))).strip()


def _trace(trace: Mapping[str, Any], layout: Mapping[str, Any], axes: Mapping[str, str]) -> str:
    name = plain(str(trace.get("name") or ""))
    if trace.get("type") == "heatmap":
        return _heatmap(trace)
    across, up = _list(trace.get("x")), _list(trace.get("y"))
    if not across or len(across) != len(up):
        return ""
    names, values, title, bars = across, up, axes["y"], trace.get("error_y")
    ticks = layout.get("yaxis") or {}
    if ticks.get("ticktext") and ticks.get("tickvals"):
        # Rows with names, such as architectures: the figures run across.
        rows = dict(zip(ticks["tickvals"], ticks["ticktext"], strict=False))
        names, values, title = [_nearest(rows, v) for v in up], across, axes["x"]
        bars = trace.get("error_x")
    elif any(isinstance(v, str) for v in up):
        names, values, title, bars = up, across, axes["x"], trace.get("error_x")
    numbers = [v for v in values if isinstance(v, int | float)]
    if not numbers:
        return ""
    begin = f"{name}: " if name else ""
    unit = _unit(title)
    if len(numbers) <= LISTED and len(numbers) == len(names):
        # Of two numbers it has to be said which is which.
        where = _unit(axes["x"])
        pairs = ", ".join(
            f"{plain(n)} {_text(v)}{unit}{end}"
            if isinstance(n, str)
            else f"{_text(v)}{unit}{end} at {_text(n)}{where}"
            for n, v, end in zip(names, numbers, _intervals(numbers, bars or {}), strict=True)
        )
        return f"{begin}{pairs}."
    count = sum(v is not None for v in values)
    ends = f"{_text(min(numbers))} to {_text(max(numbers))}"
    return f"{begin}{count:,} points, {title or 'values'} {ends}."


def _intervals(values: Sequence[float], bars: Mapping[str, Any]) -> list[str]:
    """Return the ends of the bar of each value in brackets, with a space before; "" for none."""
    more, less = _list(bars.get("array")), _list(bars.get("arrayminus"))
    if not len(more) == len(less) == len(values):
        return [""] * len(values)
    return [
        "" if up is None or down is None else f" [{_text(v - down)}, {_text(v + up)}]"
        for v, up, down in zip(values, more, less, strict=True)
    ]


def _heatmap(trace: Mapping[str, Any]) -> str:
    cells = [v for row in _list(trace.get("z")) for v in _list(row) if isinstance(v, int | float)]
    return f"Shades from {_text(min(cells))} to {_text(max(cells))}." if cells else ""


def _nearest(rows: Mapping[Any, str], value: Any) -> str:
    if not isinstance(value, int | float):
        return str(value)
    return rows[min(rows, key=lambda place: abs(place - value))]


def _list(values: Any) -> Sequence[Any]:
    """Return values that are listed; NumPy's arrays, which Plotly writes as base64, are not."""
    return values if isinstance(values, list) else []


def _text(value: Any) -> str:
    if isinstance(value, int | float) and abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
