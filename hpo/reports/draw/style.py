"""How figures look: colours that colour-blind people tell apart, and one template per theme.

Marks carry their meaning by colour and shape both. Backgrounds are transparent; text, grid and
axes come from the template, so that the page can swap light for dark without new figures.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.sentences import value_text

COLOURS = ("#2b7bba", "#e08214", "#1a9a78", "#c05fa0", "#8a8d29", "#6a5fc1", "#b5483a")
"""After Okabe and Ito (2008), moved to mid tones that stand on white and on near-black alike."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "hexagon", "star")
STATE_COLOURS = {
    "complete": "#2b7bba",
    "pruned": "#e08214",
    "failed": "#b5483a",
    "running": "#1a9a78",
    "waiting": "#9a9a9a",
}
SCALE = [[0, "#4a6fb0"], [0.5, "#9b958a"], [1, "#dd9a12"]]
"""Blue to amber, rising evenly in lightness, as Cividis does (Nunez et al., 2018), but without its
ends, of which one sinks into a dark page and the other into a white one."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

THEMES: dict[str, dict[str, str]] = {
    "light": {
        "text": "#1d2733",
        "muted": "#5b6775",
        "grid": "#e3e7ec",
        "axis": "#9aa5b1",
        "behind": "rgba(255,255,255,0.92)",
    },
    "dark": {
        "text": "#e4e9ef",
        "muted": "#9fabb8",
        "grid": "#2c3641",
        "axis": "#5b6775",
        "behind": "rgba(26,34,43,0.92)",
    },
}


def template(theme: str) -> dict[str, Any]:
    """Return the Plotly template of ``light`` or ``dark``, as plain data."""
    tone = THEMES[theme]
    axis = {
        "gridcolor": tone["grid"],
        "linecolor": tone["axis"],
        "zerolinecolor": tone["grid"],
        "tickcolor": tone["axis"],
        "ticks": "outside",
        "ticklen": 4,
        "showline": True,
        "automargin": True,
        "title": {"standoff": 10},
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": 13, "color": tone["text"]},
            "title": {
                "font": {"size": 15, "color": tone["text"]},
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "yref": "container",
                "y": 0.98,
                "yanchor": "top",
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(COLOURS),
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 60, "r": 20, "t": 70, "b": 60},
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": tone["axis"],
                "activecolor": tone["text"],
            },
            "hoverlabel": {"font": {"family": FONT, "size": 12}, "align": "left"},
            "legend": {
                "orientation": "h",
                "yanchor": "bottom",
                "y": 1.02,
                "xanchor": "left",
                "x": 0,
                "font": {"size": 12},
            },
            "coloraxis": {"colorbar": {"outlinewidth": 0, "thickness": 14}},
            # Words among lines stay readable.
            "annotationdefaults": {"bgcolor": tone["behind"], "borderpad": 1},
        }
    }


def safe(text: object) -> str:
    """Return ``text`` for a figure: Plotly reads a little HTML in labels, names must not be it."""
    return html.escape(str(text), quote=False)


def colour(labels: Sequence[str], label: str) -> str:
    """Return the colour of an architecture, the same in every figure."""
    return COLOURS[list(labels).index(label) % len(COLOURS)]


def symbol(labels: Sequence[str], label: str) -> str:
    """Return the marker of an architecture, the same in every figure."""
    return SYMBOLS[list(labels).index(label) % len(SYMBOLS)]


def about(
    architecture: str | Sequence[str] = "", state: str | Sequence[str] = ""
) -> dict[str, str | list[str]]:
    """Return a trace's ``meta``, by which the page's filters know what to hide; names as ``safe``.

    Args:
        architecture: which it shows, or one for each of its points; "" if it shows none alone.
        state: of its trials, likewise.
    """
    given = {"architecture": architecture, "state": state}
    return {
        k: safe(v) if isinstance(v, str) else [safe(name) for name in v]
        for k, v in given.items()
        if v
    }


def faded(hex_colour: str, opacity: float) -> str:
    """Return ``#rrggbb`` with an opacity, as Plotly reads it."""
    red, green, blue = (int(hex_colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def figure(title: str, *, x: str = "", y: str = "", height: int = 420, **layout: Any) -> Any:
    """Return an empty figure with its title and axis titles (units in brackets)."""
    import plotly.graph_objects as go

    drawn = go.Figure()
    drawn.update_layout(template=None, title={"text": title}, height=height, **layout)
    if x:
        drawn.update_xaxes(title={"text": x})
    if y:
        drawn.update_yaxes(title={"text": y})
    return drawn


def objective_axis(objective: Mapping[str, Any]) -> str:
    """Return the axis title of the objective with its unit."""
    unit = "%" if objective["percent"] else "nats" if "loss" in objective["name"] else ""
    return str(objective["label"]) + (f" [{unit}]" if unit else "")


def objective_value(value: float | None, objective: Mapping[str, Any]) -> float | None:
    """Return an objective in the unit of its axis."""
    if value is None:
        return None
    return 100 * value if objective["percent"] else value


def trial_hover(trial: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    """Return what a trial's marker tells: state, value and the parameters that were searched."""
    value = objective_value(trial["value"], objective)
    lines = [
        f"<b>{safe(trial['architecture'])} trial {trial['number']}</b> ({trial['state']})",
        f"{objective_axis(objective)}: {'–' if value is None else f'{value:.4g}'}",
    ]
    lines += [f"{safe(n)}: {safe(short(trial['params'].get(n)))}" for n in trial["searched"][:14]]
    if trial["reason"]:
        lines.append(safe(str(trial["reason"])[:120]))
    return "<br>".join(lines) + "<extra></extra>"


def clipped(text: str, longest: int = 16) -> str:
    """Return a label that fits beside its axis; hover text and tables have the whole of it."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def folded(text: str, letters: int) -> str:
    """Return a name as ``safe`` gives it, in lines of at most so many letters.

    Lines end where the words of the name part; a word that is longer is cut.
    """
    lines = [""]
    for word in re.findall(r"[^_\-. ]+[_\-. ]*|[_\-. ]+", text):
        for begin in range(0, len(word), letters):
            piece = word[begin : begin + letters]
            if lines[-1] and len(lines[-1]) + len(piece) > letters:
                lines.append("")
            lines[-1] += piece
    return "<br>".join(safe(line) for line in lines)


def whole_ticks(lowest: int, highest: int) -> dict[str, Any]:
    """Return tick settings that keep a short axis of whole numbers free of fractions."""
    return {"tick0": 0, "dtick": 1} if highest - lowest <= 12 else {}


def short(value: Any) -> str:
    """Return a parameter as people read it: floats to four digits."""
    return value_text(value)
