"""Which emotions are taken for which: the confusion matrix of each architecture's best trial.

Where a confirmation is over, the configuration that it has chosen stands for its architecture, with
the matrix of all its runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hpo.reports.classes import precision_words
from hpo.reports.confirmation_words import decided, title
from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import figure, safe
from hpo.reports.results import ranked
from hpo.reports.sentences import number, plural

LOOK_FOR = (
    "The diagonal is the recall of each emotion; the darker a cell off it, the more often the "
    "model takes that row's emotion for that column's. In a row that is darkest off the diagonal "
    "the emotion is taken for another more often than it is seen."
)


SHADES = [[0, "#e9eff5"], [0.25, "#a9c6e0"], [0.5, "#5b97c8"], [0.75, "#22659f"], [1, "#0a3761"]]
"""One hue, even in lightness, on which black or white figures can be read throughout."""


@dataclass(frozen=True)
class _Shown:
    """A matrix: whose it is, what is said of that trial, and over how many runs it is summed."""

    title: str
    mark: str
    matrix: list[list[int]]
    runs: int = 1


def section(data: ReportData) -> Section:
    """Draw one matrix per architecture, in the order of every other section."""
    # The best of the search is the first of all, even where it has no matrix to show.
    order = [entry["label"] for entry in ranked(data.architectures, data.objective["direction"])]
    shown = {
        label: _shown(data, label, first=label == order[0])
        for label in data.labels
        if label in data.confusion
    }
    pictures = [_picture(data, label, found) for label, found in shown.items()]
    absent = {
        label: "there is no best trial that recorded its predictions"
        for label in data.labels
        if label not in data.confusion
    }
    return Section("Confusion matrix", LOOK_FOR, pictures, missing(absent, pictures))


def _shown(data: ReportData, label: str, *, first: bool) -> _Shown:
    """Return the matrix of an architecture, and what is said of its trial beside its name."""
    known = data.confusion[label]
    searched = _Shown(
        f"{label} #{known['number']}", " (best of the search)" if first else "", known["matrix"]
    )
    chosen = decided(data.confirmation)
    # Before it is confirmed the best of single runs is the lucky one, and no winner.
    if chosen is None or chosen["architecture"] != label:
        return searched
    mark = "winner" if data.confirmation["facts"]["crowned"] else "taken by the confirmation"
    if chosen["confusion"]:
        return _Shown(title(chosen), f" ({mark})", chosen["confusion"], len(chosen["numbers"]))
    if chosen["number"] != known["number"]:
        return searched
    return replace(searched, mark=f" ({mark}; its run in the search)")


def _picture(data: ReportData, label: str, shown: _Shown) -> Picture:
    import plotly.graph_objects as go

    matrix, runs = shown.matrix, shown.runs
    names = [safe(data.classes[k]) if k < len(data.classes) else str(k) for k in range(len(matrix))]
    totals = [sum(line) for line in matrix]
    shares = [
        [100 * cell / total if total else None for cell in line]
        for line, total in zip(matrix, totals, strict=True)
    ]
    faces = f"{number(sum(totals) // runs)} validation faces"
    text = [[f"{share:.0f}" if share is not None else "" for share in line] for line in shares]
    drawn = figure(
        f"{safe(shown.title)}{shown.mark}: row shares [%], "
        + (
            f"sum over {plural(runs, 'seed')}, n = {runs} × {faces}" if runs > 1 else f"n = {faces}"
        ),
        x="predicted",
        y="true (faces)",
        height=520,
    )
    counts: list[list[Any]] = [list(line) for line in matrix]
    drawn.add_trace(
        go.Heatmap(
            z=shares,
            x=names,
            y=[f"{n} ({t // runs:,})" for n, t in zip(names, totals, strict=True)],
            text=text,
            texttemplate="%{text}",
            textfont={"size": 13},
            customdata=counts,
            colorscale=SHADES,
            zmin=0,
            zmax=100,
            xgap=2,
            ygap=2,
            showscale=False,
            hovertemplate="true %{y}, predicted %{x}: %{customdata} "
            f"{f'times in {runs} runs' if runs > 1 else 'faces'}, %{{z:.1f}} %<extra></extra>",
        )
    )
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    drawn.update_xaxes(showgrid=False)
    recalls = [
        f"{name} {share[place]:.0f} % of {total:,}"
        for place, (name, share, total) in enumerate(zip(names, shares, totals, strict=True))
        if total
    ]
    words = (
        f"{f'Over {runs} seeds, each face counted once for each: ' if runs > 1 else ''}"
        f"{'of' if runs > 1 else 'Of'} the true faces of each emotion so many were recognised: "
        f"{', '.join(recalls)}. "
        f"{precision_words(names, matrix)}"
    )
    return Picture(label, drawn, least_width=300, words=words)
