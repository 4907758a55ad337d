"""Tuning or architecture: the way from each default to the study's best, and who brought it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.reports.beside_answer import beside_answer
from hpo.reports.comparison_sentences import (
    beyond,
    bracketed,
    moves_sentence,
    pair_sentence,
    share_text,
    variance_sentence,
)
from hpo.reports.data import ReportData
from hpo.reports.draw.results import draw_majority, majority_far, majority_words, near_majority
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import about, colour, figure, safe
from hpo.reports.objectives import by_accuracy, by_other
from hpo.reports.sentences import in_points, plural, signed

TITLE = "Tuning or architecture"
LOOK_FOR = (
    "Each bar runs from what nobody tuned, the thesis's own configuration or an architecture's "
    "defaults, to the best of the study. Is its coloured part, which tuning brought, longer than "
    "the hatched one, which took another architecture? Above stands what tuning brought, in "
    "points, and its share of the way."
)
OLD = "This report was made before tuning was set against architecture; draw it again."


def section(data: ReportData) -> Section:
    """Draw the way from each default to the study's best, divided."""
    made = data.comparison
    if not made:
        return Section(TITLE, LOOK_FOR, empty=OLD)
    tuned = made["tuning"]
    if len(data.labels) < 2:
        return Section(TITLE, LOOK_FOR, empty="The study has one architecture, so none to choose.")
    if not tuned:
        return Section(
            TITLE,
            LOOK_FOR,
            empty="No architecture has a complete trial of the thesis's or the default "
            "configuration and a best trial with a known number of validation faces"
            f"{', both at the rung of the best' if data.study.get('fidelity') else ''}.",
        )
    trials = int(made["equal"]["common"]["trials"])
    drawn = figure(
        f"From default to the study's best, with the first {plural(trials, 'trial')} of each "
        "architecture",
        x="validation accuracy [%]",
        height=150 + 90 * len(tuned["moves"]),
        barmode="overlay",
    )
    for place, label in enumerate(tuned["moves"]):
        _bar(drawn, data, label, place)
    labels = [safe(label) for label in tuned["moves"]]
    drawn.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) - 0.4, -0.7]
    )
    low, high = _range(data)
    majority = near_majority(data, low, high)
    if majority is not None:
        draw_majority(drawn, data)
        margin = 0.03 * (high - low)
        low, high = min(low, majority - margin), max(high, majority + margin)
    drawn.update_xaxes(range=[low, high])
    # The name of the dashed line stands above the axes.
    drawn.update_layout(
        margin={"t": 45, "b": 90}, legend={"yref": "container", "y": 0, "yanchor": "bottom"}
    )
    notes = [
        _chosen_by(data),
        moves_sentence(tuned),
        beside_answer(tuned, data.architectures, data.confirmation),
        _explained(tuned),
        *(pair_sentence(pair) for pair in made["pairs"]),
        variance_sentence(made["variance"], trials),
        "To shuffle trials is to take them as independent draws; a sampler that learns draws them "
        f"less apart than that. {_too_long(tuned)}",
        majority_far(data.majority) if data.majority and majority is None else "",
    ]
    note = "\n".join(note for note in notes if note)
    pictures = [Picture("", drawn, note=note, words=_words(data, majority))]
    return Section(TITLE, LOOK_FOR, pictures, missing(tuned["left_out"], pictures))


def _chosen_by(data: ReportData) -> str:
    """Return that bars are of accuracy where the study searched for something else."""
    if by_accuracy(data.objective):
        return ""
    return (
        f"Bests were {by_other(data.objective)}, of which alone single runs have intervals: what a "
        "bar gains or loses in accuracy came with it."
    )


def _too_long(tuned: Mapping[str, Any]) -> str:
    """Return what choosing the bests on the faces that judge them did to the distances."""
    chosen = "All bests were chosen on the faces that judge them, the defaults were not"
    if any(move["default"] == move["best"] for move in tuned["moves"].values()):
        chosen = (
            "All bests were chosen on the faces that judge them, also where the best is the "
            "default itself"
        )
    return f"{chosen}, so all of these distances are rather too long."


def _explained(tuned: Mapping[str, Any]) -> str:
    shares = [m["share"] for label, m in tuned["moves"].items() if _has_share(tuned, label)]
    said = beyond(shares)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _has_share(tuned: Mapping[str, Any], label: str) -> bool:
    """Return whether a share is told: of the foremost one all is tuning, by what is meant."""
    move = tuned["moves"][label]
    moved = move["default"] != move["best"]
    return bool(move["share"] and moved and label != tuned.get("top", tuned["winner"]))


def _words(data: ReportData, majority: float | None) -> str:
    """Return the bars in words: differences of accuracies are points, and not percent."""
    said = ["Across: validation accuracy [%]; differences in points."]
    for label, start in _starts(data).items():
        move = data.comparison["tuning"]["moves"][label]
        same = move["default"] == move["best"]
        tuned = "nothing" if same else f"{bracketed(move['tuning'])} points"
        if _has_share(data.comparison["tuning"], label):
            tuned += f", {share_text(move['share'])} of the way"
        said.append(
            f"{label}, from {start:.1f} %: tuning {tuned}; another architecture {_rest(move)}."
        )
    if majority is not None:
        said.append(majority_words(data.majority))
    return " ".join(said)


def _starts(data: ReportData) -> dict[str, float]:
    """Return the accuracy of each default, in percent."""
    found = {}
    for label, move in data.comparison["tuning"]["moves"].items():
        row = next(t for t in data.trials_of(label) if t["number"] == move["default"])
        found[label] = 100 * row["accuracy"]
    return found


def _range(data: ReportData) -> list[float]:
    moves, starts = data.comparison["tuning"]["moves"], _starts(data)
    ends = [
        starts[label] + 100 * reach
        for label, move in moves.items()
        for reach in (0.0, move["tuning"]["low"], move["tuning"]["high"], move["whole"]["point"])
    ]
    margin = 0.06 * ((max(ends) - min(ends)) or 1.0)
    return [min(ends) - margin, max(ends) + margin]


def _rest(move: Mapping[str, Any]) -> str:
    point = move["rest"]["point"]
    return f"{signed(100 * point)} points" if point else "nothing"


def _bar(drawn: Any, data: ReportData, label: str, place: int) -> None:
    import plotly.graph_objects as go

    move, start = data.comparison["tuning"]["moves"][label], _starts(data)[label]
    tuning, rest = 100 * move["tuning"]["point"], 100 * move["rest"]["point"]
    tone = colour(data.labels, label)
    common: dict[str, Any] = {
        "y": [place],
        "orientation": "h",
        "width": 0.36,
        "meta": about(label),
    }
    drawn.add_trace(
        go.Bar(
            x=[rest],
            base=[start + tuning],
            marker={
                "color": "rgba(125,136,148,0.35)",
                "pattern": {"shape": "/", "solidity": 0.2},
            },
            name="choosing another architecture",
            showlegend=place == 0,
            hovertemplate=f"from {safe(label)}'s best to the study's: {in_points(rest)} points"
            "<extra></extra>",
            **common,
        )
    )
    same = move["default"] == move["best"]
    drawn.add_trace(
        go.Bar(
            x=[tuning],
            base=[start],
            marker={"color": tone},
            error_x=None
            if same
            else {
                "type": "data",
                "symmetric": False,
                "array": [100 * (move["tuning"]["high"] - move["tuning"]["point"])],
                "arrayminus": [100 * (move["tuning"]["point"] - move["tuning"]["low"])],
                "thickness": 1.5,
                "width": 5,
                "color": "#5b6775",
            },
            name=f"tuning {safe(label)}",
            showlegend=False,
            hovertemplate=f"{safe(label)}, trial {move['default']} to {move['best']}: "
            f"{bracketed(move['tuning'])} points<extra></extra>",
            **common,
        )
    )
    text = "nothing" if same else bracketed(move["tuning"])
    if _has_share(data.comparison["tuning"], label):
        text += f", {share_text(move['share'])}"
    drawn.add_annotation(
        # At the left end, where a phone has room for it.
        x=0,
        xref="paper",
        xanchor="left",
        xshift=6,
        y=place,
        yshift=30,
        showarrow=False,
        text=text,
        name=safe(label),
        font={"size": 12},
    )
