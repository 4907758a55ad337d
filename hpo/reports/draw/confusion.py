"""Which emotions are taken for which: the confusion matrix of each architecture's best trial."""

from __future__ import annotations

from typing import Any

from hpo.reports.classes import precision_words
from hpo.reports.confirmation_sentences import decided
from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import figure, safe
from hpo.reports.results import ranked

LOOK_FOR = (
    "The diagonal is the recall of each emotion; the darker a cell off it, the more often the "
    "model takes that row's emotion for that column's. In a row that is darkest off the diagonal "
    "the emotion is taken for another more often than it is seen."
)


SHADES = [[0, "#e9eff5"], [0.25, "#a9c6e0"], [0.5, "#5b97c8"], [0.75, "#22659f"], [1, "#0a3761"]]
"""One hue, even in lightness, on which black or white figures can be read throughout."""


def section(data: ReportData) -> Section:
    """Draw one matrix per architecture, in the order of every other section."""
    # The best of the search is the first of all, even where it has no matrix to show.
    order = [entry["label"] for entry in ranked(data.architectures, data.objective["direction"])]
    pictures = [
        _picture(data, label, _mark(data, label, first=label == order[0]))
        for label in data.labels
        if label in data.confusion
    ]
    absent = {
        label: "there is no best trial that recorded its predictions"
        for label in data.labels
        if label not in data.confusion
    }
    return Section("Confusion matrix", LOOK_FOR, pictures, missing(absent, pictures))


def _mark(data: ReportData, label: str, *, first: bool) -> str:
    """Return what is said of an architecture's best trial beside its name; "" if nothing is."""
    chosen = decided(data.confirmation)
    if chosen is None:
        # The best of single runs is the lucky one, and no winner before it is confirmed.
        return " (best of the search)" if first else ""
    if (chosen["architecture"], chosen["number"]) == (label, data.confusion[label]["number"]):
        crowned = data.confirmation["facts"]["crowned"]
        # The matrix is of the one run that the search saw; the re-runs have a figure of classes.
        what = "winner" if crowned else "taken by the confirmation"
        return f" ({what}; its run in the search)"
    return " (best of the search)" if first else ""


def _picture(data: ReportData, label: str, mark: str) -> Picture:
    import plotly.graph_objects as go

    matrix = data.confusion[label]["matrix"]
    names = [safe(data.classes[k]) if k < len(data.classes) else str(k) for k in range(len(matrix))]
    totals = [sum(line) for line in matrix]
    shares = [
        [100 * cell / total if total else None for cell in line]
        for line, total in zip(matrix, totals, strict=True)
    ]
    text = [[f"{share:.0f}" if share is not None else "" for share in line] for line in shares]
    drawn = figure(
        f"{safe(label)} #{data.confusion[label]['number']}{mark}: "
        f"row shares [%], n = {sum(totals):,} validation faces",
        x="predicted",
        y="true (faces)",
        height=520,
    )
    counts: list[list[Any]] = [list(line) for line in matrix]
    drawn.add_trace(
        go.Heatmap(
            z=shares,
            x=names,
            y=[f"{n} ({t:,})" for n, t in zip(names, totals, strict=True)],
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
            hovertemplate="true %{y}, predicted %{x}: %{customdata} faces, %{z:.1f} %"
            "<extra></extra>",
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
        f"Of the true faces of each emotion so many were recognised: {', '.join(recalls)}. "
        f"{precision_words(names, matrix)}"
    )
    return Picture(label, drawn, least_width=300, words=words)
