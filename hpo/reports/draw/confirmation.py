"""The best configurations run again: a ring for each seed, means with intervals, the test split."""

from __future__ import annotations

import json
from typing import Any

from hpo.evidence.intervals import majority_rate
from hpo.reports.confirmation_words import candidate, within
from hpo.reports.confirmation_words import title as name_of
from hpo.reports.data import ReportData
from hpo.reports.draw.results import draw_majority, told_majority
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    about,
    colour,
    figure,
    objective_axis,
    objective_value,
    safe,
    symbol,
)
from hpo.reports.judged import none_kept
from hpo.reports.objectives import by_accuracy
from hpo.reports.words import in_words
from hpo.spec.confirmation import SUFFIX

TITLE = "Confirmation"
LOOK_FOR = (
    "Does the interval of the best mean clear the others' rings, and how far does the search's own "
    "value (the cross) stand from the rings of its re-runs? That distance is the luck of a search."
)
TEST_COLOUR = "#b5483a"


def section(data: ReportData) -> Section:
    """Draw the re-runs of the best configurations, and what the test split said of the winner."""
    facts = data.confirmation.get("facts") or {}
    tested = _finished(data)
    if not facts:
        told = "\n".join(data.confirmation.get("test") or [])
        searched = data.name.removesuffix(SUFFIX)
        never = none_kept(data.trials) or (
            f"The best were not run again over seeds; hpo confirm {data.name} does so."
            if searched == data.name
            else f"These are the re-runs of study {searched}; hpo report {searched} says what they "
            "come to."
        )
        return Section(TITLE, LOOK_FOR, empty=f"{never}\n{told}".strip())
    entries = facts["candidates"]
    drawn = figure(
        "Runs with other seeds, and their mean with its 95 % bootstrap interval",
        x=objective_axis(data.objective),
        height=170 + 70 * len(entries),
    )
    for place, entry in enumerate(entries):
        for trace in _runs(data, entry, place):
            drawn.add_trace(trace)
    # The split may have been opened for a trial that never raced.
    of_test = _place_of(tested, entries) if tested else None
    if tested and of_test is not None and data.objective["percent"]:
        drawn.add_trace(_test(tested, of_test))
        if (rate := _test_majority(tested)) is not None:
            drawn.add_trace(_always(rate, of_test, entries[of_test]["architecture"]))
    line = far = ""
    if by_accuracy(data.objective):
        # The test faces have a share of their own.
        where = " on validation" if tested and of_test is not None else ""
        line, far = _draw_majority(drawn, data, entries, where)
    names = [
        safe(name_of(e)) + (f"<br>(stopped after {e['stopped']} seeds)" if e["stopped"] else "")
        for e in entries
    ]
    drawn.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.4, -0.6]
    )
    drawn.update_layout(
        margin={"t": 45, "b": 100},
        legend={"yref": "container", "y": 0, "yanchor": "bottom"},
    )
    said = [*data.confirmation.get("sentences", []), *data.confirmation.get("test", [])]
    said = [*_once(said), far] if far else _once(said)
    pictures = [
        Picture("seeds", drawn, note="\n".join(said), words=f"{_words(drawn)} {line}".strip())
    ]
    winner = candidate(facts, facts["winner"])
    if winner is not None and winner.get("per_class"):
        # What the split said of another configuration is none of the winner's.
        own = of_test is not None and entries[of_test] is winner
        pictures.append(_classes(data, winner, tested if own else None))
    return Section(TITLE, LOOK_FOR, pictures)


def _draw_majority(
    drawn: Any, data: ReportData, entries: list[dict[str, Any]], where: str
) -> tuple[str, str]:
    """Draw what always answering one emotion scores; return what ``told_majority`` does."""
    known = [100 * v for e in entries for v in (e["search_value"], *e["values"]) if v is not None]
    known += [100 * end for e in entries if e["mean"] for end in within(e["mean"])]
    return told_majority(data.majority, known, lambda: draw_majority(drawn, data, where))


def _words(drawn: Any) -> str:
    """Return the figure in words, what has an interval first: of many traces the last are left."""
    told = json.loads(drawn.to_json())
    told["data"].sort(key=lambda trace: "error_x" not in trace)
    return in_words(told)


def _once(said: list[str]) -> list[str]:
    """Return paragraphs without those that stand there twice, and an ending of several once.

    What is said of each configuration may end with the same sentence; it stays with the last.
    """
    paragraphs = list(dict.fromkeys(said))
    endings = [paragraph.rpartition(". ")[2] for paragraph in paragraphs]
    return [
        paragraph.removesuffix(f" {ending}") if ending in endings[place + 1 :] else paragraph
        for place, (paragraph, ending) in enumerate(zip(paragraphs, endings, strict=True))
    ]


def _finished(data: ReportData) -> dict[str, Any] | None:
    openings = data.confirmation.get("openings") or []
    return next((o for o in reversed(openings) if o.get("finished")), None)


def _classes(data: ReportData, winner: dict[str, Any], tested: dict[str, Any] | None) -> Picture:
    """Draw precision and recall of each class, over all seeds of the winner."""
    import plotly.graph_objects as go

    tone = colour(data.labels, winner["architecture"])
    splits = [("validation", winner["per_class"], tone)]
    if tested:
        splits.append(("test", tested["per_class"], TEST_COLOUR))
    sets = [
        (split, table, shade, *share)
        for split, table, shade in splits
        for share in (("precision", "diamond-open"), ("recall", "circle"))
    ]
    # Reports of before there were intervals have none.
    sure = any((c.get("intervals") or {}).get("recall") for c in winner["per_class"])
    drawn = figure(
        f"Precision and recall of {safe(name_of(winner))} by class, over its seeds"
        + (", with 95 % intervals" if sure else ""),
        x="share of faces [%]",
        height=150 + (14 + 15 * len(sets)) * len(data.classes),
    )
    for place, (split, table, shade, share, mark) in enumerate(sets):
        known = [(k, c) for k, c in enumerate(table) if c[share] is not None]
        ends = [_ends(c, share) for _, c in known]
        points = [100 * c[share] for _, c in known]
        pairs = list(zip(ends, points, strict=True))
        drawn.add_trace(
            go.Scatter(
                x=points,
                # Beside each other, or one's interval would hide the other.
                y=[k + 0.2 * (place - (len(sets) - 1) / 2) for k, _ in known],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [end and end[1] - x for end, x in pairs],
                    "arrayminus": [end and x - end[0] for end, x in pairs],
                    "thickness": 1.5,
                    "width": 3,
                    "color": shade,
                },
                mode="markers",
                meta=about(winner["architecture"]),
                marker={"size": 9, "symbol": mark, "color": shade, "line": {"width": 2}},
                name=f"{share}, {split}",
                customdata=[f"[{end[0]:.1f}, {end[1]:.1f}]" if end else "" for end in ends],
                hovertemplate=f"{share}, {split}: %{{x:.1f}} % %{{customdata}}<extra></extra>",
            )
        )
    drawn.update_yaxes(
        tickvals=list(range(len(data.classes))),
        ticktext=[safe(name) for name in data.classes],
        range=[len(data.classes) - 0.4, -0.6],
    )
    drawn.update_layout(
        margin={"t": 45, "b": 100},
        legend={"yref": "container", "y": 0, "yanchor": "bottom"},
    )
    note = "Recall: which share of a class's faces was found. Precision: which share of the faces "
    note += "that were given the class are of it."
    if data.confirmation["facts"]["over"]:
        note += " The table is in Results in numbers."
    return Picture("classes", drawn, note=note, architecture=winner["architecture"])


def _ends(known: dict[str, Any], share: str) -> tuple[float, float] | None:
    """Return the ends of the interval of a class's share [%]; None if it has none."""
    interval = (known.get("intervals") or {}).get(share)
    if not interval:
        return None
    low, high = within(interval)
    return 100 * low, 100 * high


def _runs(data: ReportData, entry: dict[str, Any], place: int) -> list[Any]:
    """Return a configuration's rings, its mean and the value that the search saw."""
    import plotly.graph_objects as go

    tone = colour(data.labels, entry["architecture"])
    meta, name = about(entry["architecture"]), safe(name_of(entry))
    known = [objective_value(v, data.objective) for v in entry["values"] if v is not None]
    shared = {"mode": "markers", "meta": meta}
    traces = [
        go.Scatter(
            x=known,
            y=[place] * len(known),
            # Rings of the whole tone: dots that let the page through sink into a dark one.
            marker={"size": 9, "color": tone, "symbol": "circle-open", "line": {"width": 2}},
            name="a seed",
            legendgroup="seed",
            showlegend=place == 0,
            hovertemplate=f"<b>{name}</b>, a seed: %{{x:.4g}}<extra></extra>",
            **shared,
        ),
        go.Scatter(
            x=[objective_value(entry["search_value"], data.objective)],
            y=[place],
            marker={"size": 10, "color": tone, "symbol": "x-thin", "line": {"width": 2.5}},
            name="as the search saw it",
            legendgroup="search",
            showlegend=place == 0,
            hovertemplate=f"<b>{name}</b>, in the search: %{{x:.4g}}<extra></extra>",
            **shared,
        ),
    ]
    traces[1].marker.line.color = tone
    if entry["mean"]:
        mean = entry["mean"]
        ends = within(mean) if data.objective["percent"] else (mean["low"], mean["high"])
        point, low, high = (
            objective_value(known, data.objective) or 0.0 for known in (mean["point"], *ends)
        )
        traces.append(
            go.Scatter(
                x=[point],
                # Above the rings, which its interval would hide.
                y=[place - 0.22],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [high - point],
                    "arrayminus": [point - low],
                    "thickness": 2.5,
                    "width": 8,
                    "color": tone,
                },
                marker={
                    "size": 12,
                    "color": tone,
                    "symbol": symbol(data.labels, entry["architecture"]),
                },
                name="mean of the seeds",
                legendgroup="mean",
                showlegend=place == 0,
                hovertemplate=f"<b>{name}</b>, mean {point:.4g} [{low:.4g}, {high:.4g}]"
                "<extra></extra>",
                **shared,
            )
        )
    return traces


def _place_of(opening: dict[str, Any], entries: list[dict[str, Any]]) -> int | None:
    """Return which candidate the test split was opened for; None if it is none of them."""
    opened = (opening["architecture"], opening["number"])
    places = (k for k, e in enumerate(entries) if (e["architecture"], e["number"]) == opened)
    return next(places, None)


def _test_majority(opening: dict[str, Any]) -> float | None:
    """Return what always answering one emotion scores on the test faces [%]; None if far off."""
    rate = majority_rate([sum(row) for row in opening.get("confusion") or []])
    low, high = (100 * known for known in within(opening["accuracy"]))
    # An interval is narrow; a mark ten points off still stands beside its star.
    close = rate is not None and low - 10 <= 100 * rate <= high + 10
    return 100 * rate if rate is not None and close else None


def _always(rate: float, place: int, architecture: str) -> Any:
    """Return a tick beside the star, at what one answer scores on the same faces."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=[rate],
        y=[place + 0.22],
        mode="markers",
        meta=about(architecture),
        marker={
            "size": 18,
            "color": TEST_COLOUR,
            "symbol": "line-ns",
            "line": {"width": 2, "color": TEST_COLOUR},
        },
        name="always one emotion, test split",
        hovertemplate="always the most frequent emotion of the test faces: %{x:.1f} %"
        "<extra></extra>",
    )


def _test(opening: dict[str, Any], place: int) -> Any:
    """Return a configuration's accuracy on the test split, below its rings."""
    import plotly.graph_objects as go

    accuracy = opening["accuracy"]
    point, low, high = (100 * known for known in (accuracy["point"], *within(accuracy)))
    return go.Scatter(
        x=[point],
        y=[place + 0.22],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - point],
            "arrayminus": [point - low],
            "thickness": 2.5,
            "width": 8,
            "color": TEST_COLOUR,
        },
        mode="markers",
        meta=about(opening["architecture"]),
        marker={"size": 13, "color": TEST_COLOUR, "symbol": "star"},
        name="test split",
        hovertemplate=f"test split: {point:.2f} % [{low:.2f}, {high:.2f}], "
        f"n = {opening['images']:,}<extra></extra>",
    )
