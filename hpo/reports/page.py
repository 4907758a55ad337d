"""The page of a study: sections and tables laid out as one folder that opens offline.

``index.html`` holds the figures as JSON, ``plotly.min.js`` lies beside it once (4.8 MB, from
Plotly's own package), ``study.json`` is the data from which everything is redrawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.evidence.model_cards import FORBIDDEN, INTENDED, limits, model_card, run_title
from hpo.reports.classes import class_tables
from hpo.reports.copies import copies_rows
from hpo.reports.data import ReportData, dump_data, write_atomically
from hpo.reports.draw.section import sections
from hpo.reports.draw.style import colour
from hpo.reports.layout import render, write_folder
from hpo.reports.links import ui_links
from hpo.reports.made import made_list
from hpo.reports.sentences import percent
from hpo.reports.tables import fact_list, result_rows, thesis_rows, trial_columns, trial_rows
from hpo.reports.thesis import PROVENANCE
from hpo.reports.winner import card_of

PAGE = "index.html"
DATA = "study.json"
CARD = "model-card.md"


def write_report(data: ReportData, folder: Path) -> Path:
    """Write page, ``study.json``, ``model-card.md`` and ``plotly.min.js`` into ``folder``.

    There is no card where no trial is complete.

    Returns:
        The path of the page.

    Raises:
        EnvironmentProblem: the folder cannot be written to.
    """
    facts = card_of(data)

    def dump(into: Path) -> None:
        dump_data(data, into / DATA)
        if facts:
            write_atomically(into / CARD, model_card(facts))
        else:
            (into / CARD).unlink(missing_ok=True)

    return write_folder(folder, PAGE, page(data), dump)


def page(data: ReportData) -> str:
    """Return the page as HTML."""
    return render(
        "page.html.jinja",
        sections(data),
        data.labels,
        data=data,
        facts=fact_list(data),
        results=result_rows(data),
        copies=copies_rows(data),
        emotions=class_tables(data),
        chance=percent(data.majority["rate"]) if data.majority else "",
        reasons=any(trial["reason"] for trial in data.trials),
        thesis=thesis_rows(data),
        provenance=PROVENANCE,
        columns=trial_columns(data),
        rows=trial_rows(data),
        architectures=[
            {
                "label": entry["label"],
                "colour": colour(data.labels, entry["label"]),
                "trials": sum(entry["counts"].values()),
            }
            for entry in data.architectures
        ],
        states=[(state, n) for state, n in data.facts.get("counts", {}).items() if n],
        links=ui_links(data),
        card=_card(data),
        made=made_list(data),
    )


def _card(data: ReportData) -> dict[str, Any]:
    """Return what the page repeats of the model card; {} if there is none."""
    facts = card_of(data)
    if not facts:
        return {}
    run = f": {run_title(facts)} of {facts['run_study']}" if "run" in facts else ""
    told = {
        "Model": f"trial {facts['number']} of {facts['architecture']}{run}",
        # Code in a card is marked as in Markdown.
        **{name: words.replace("`", "") for name, words in facts.get("confirmed", {}).items()},
        "Dataset digest": facts.get("dataset_digest", ""),
        "Checksum (sha256)": facts.get("sha256", ""),
    }
    return {
        "file": CARD,
        "facts": [(name, value) for name, value in told.items() if value],
        "uses": [
            ("Intended uses", INTENDED),
            ("Forbidden uses", FORBIDDEN),
            ("Limits", limits(facts["dataset"])),
        ],
    }
