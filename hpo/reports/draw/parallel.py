"""Parallel coordinates: every trial a line through its parameters to its objective.

Lines of our own, not Plotly's ``parcoords``, which draws them a pixel wide, always across, and with
nothing to point at: these are as wide as they are good, say what they are, and run down a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.axes import (
    ParameterAxis,
    axis,
    constant,
    first_of,
    of_rungs,
    placed_trials,
    unsearched,
    varied,
)
from hpo.reports.draw.parameter_lines import Band, lines, objective_axis_of, parameter_axis
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.spoken import along, taken
from hpo.reports.draw.style import objective_value, safe
from hpo.reports.sentences import plural

LOOK_FOR = (
    "Where do the thick lines, the better trials, cross an axis close together while the thin ones "
    "do not? There the parameter is decided. The name of a group in the legend hides it."
)
SHOWN = 8
"""Parameter axes drawn, in the order of ``varied``: more do not fit."""
MANY = 16
"""Trials beside the best from which a quarter is drawn as good: half would hide the rest."""

FEW = 4
"""Trials from which some are drawn as good beside the best."""


def section(data: ReportData) -> Section:
    """Draw one figure per architecture, of complete and pruned trials."""
    pictures = []
    absent = {}
    for label in data.labels:
        trials = placed_trials(data, label)
        space = next(e["space"] for e in data.architectures if e["label"] == label)
        names = varied(trials, space, data.importance.get(label, {}).get("fanova"))
        if names:
            pictures.append(_picture(data, label, trials, names))
        else:
            absent[label] = "no picture, as no searched parameter took more than one value"
    return Section("Parallel coordinates", LOOK_FOR, pictures, missing(absent, pictures))


def _picture(data: ReportData, label: str, trials: list[Any], names: list[str]) -> Picture:
    space = next(e["space"] for e in data.architectures if e["label"] == label)
    shown = names[:SHOWN]
    parameters = [axis(name, trials, space) for name in shown]
    axes = [parameter_axis(parameter, trials) for parameter in parameters]
    axes.append(objective_axis_of(data.objective, trials))
    bands = _bands(data, label, trials)
    title = f"{safe(label)}: {len(trials)} trials, complete and pruned"
    notes = [constant(trials, names), unsearched(trials, shown), of_rungs(trials)]
    if len(names) > SHOWN:
        known = data.importance.get(label, {}).get("fanova")
        notes.append(first_of(names, SHOWN, known).capitalize() + ".")
    return Picture(
        label,
        lines(title, axes, bands, trials, data.objective),
        least_width=85 * len(axes),
        note="\n".join(n for n in notes if n),
        narrow=lines(title, axes, bands, trials, data.objective, down=True),
        words=_words(data, bands, parameters, trials),
    )


def _words(
    data: ReportData, bands: Sequence[Band], parameters: Sequence[ParameterAxis], trials: list[Any]
) -> str:
    """Return what each band took of each parameter, the best first."""
    said = [along(data.objective)]
    for band in reversed(bands):
        own = [trials[k] for k in band.places]
        count = f" ({plural(len(own), 'trial')})" if len(own) > 1 else ""
        told = "; ".join(taken(parameter, own) for parameter in parameters)
        said.append(f"{band.name}{count}: {told}.")
    return " ".join(said)


def _bands(data: ReportData, label: str, trials: list[Any]) -> list[Band]:
    """Return the other trials, the better ones and the best, so that the best is on top."""
    best = next(e["best"] for e in data.architectures if e["label"] == label) or {}
    down = data.objective["direction"] == "maximize"
    places = sorted(range(len(trials)), key=lambda k: trials[k]["value"], reverse=down)
    first = [k for k in places if trials[k]["number"] == best.get("number")]
    rest = [k for k in places if k not in first]
    share, name = (4, "best quarter") if len(rest) >= MANY else (2, "better half")
    # The better one of two is no half of them; of more the best is in the half.
    asked = max(0, len(trials) // share - len(first)) if len(trials) >= FEW else 0
    good = _undivided([trials[k]["value"] for k in rest], asked)
    bands = [
        Band("others", rest[good:], "#8b97a5", 1.3),
        Band(name, rest[:good], "#2b7bba", 2.2),
        Band("best", first, "#c2571a", 4.0),
    ]
    return [
        Band(
            f"{band.name}, {_range(data, trials, band.places)}", band.places, band.tone, band.width
        )
        for band in bands
        if band.places
    ]


def _undivided(values: Sequence[float], good: int) -> int:
    """Return how many of values in their order are good, so that equal ones are on one side.

    At most as many as are asked for: who is as good as one of the others is not better.
    """
    if not 0 < good < len(values) or values[good - 1] != values[good]:
        return good
    return values.index(values[good])


def _range(data: ReportData, trials: Sequence[Any], places: Sequence[int]) -> str:
    values = [objective_value(trials[k]["value"], data.objective) or 0.0 for k in places]
    low, high = f"{min(values):.4g}", f"{max(values):.4g}"
    unit = " %" if data.objective["percent"] else ""
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
