"""The page: sections and tables laid out as one folder that opens offline.

``index.html`` holds the figures as JSON, ``plotly.min.js`` lies beside it once (4.8 MB, from
Plotly's own package), ``study.json`` is the data from which everything is redrawn. Names of
studies, parameters and classes are text wherever they appear: the template escapes, and JSON
inside script elements has no character that could close them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from hpo.reports.copies import copies_rows
from hpo.reports.data import ReportData, dump_data, write_atomically
from hpo.reports.draw.section import Section, sections
from hpo.reports.draw.style import colour, template
from hpo.reports.links import ui_links
from hpo.reports.made import made_list
from hpo.reports.sentences import percent
from hpo.reports.sharing import share
from hpo.reports.tables import fact_list, result_rows, thesis_rows, trial_columns, trial_rows
from hpo.reports.thesis import PROVENANCE
from hpo.reports.words import in_words, plain
from hpo.spec.errors import EnvironmentProblem

PAGE = "index.html"
DATA = "study.json"
PLOTLY = "plotly.min.js"


def write_report(data: ReportData, folder: Path) -> Path:
    """Write ``index.html``, ``study.json`` and ``plotly.min.js`` into ``folder``.

    Each file is written whole or not at all; ``index.html`` last, so that a page that is there
    has what it needs.

    Returns:
        The path of the page.

    Raises:
        EnvironmentProblem: the folder cannot be written to.
    """
    text = page(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        dump_data(data, folder / DATA)
        _place_plotly(folder / PLOTLY)
        return write_atomically(folder / PAGE, text)
    except OSError as error:
        raise EnvironmentProblem(
            "the report cannot be written",
            where=str(folder),
            expected="a folder that you may write to",
            got=error.strerror or str(error),
            hint="Free some space or change its permissions, then run 'hpo report' again",
        ) from error


def page(data: ReportData) -> str:
    """Return the page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("hpo.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    source = resources.files("hpo.reports") / "templates"

    def own(name: str) -> Markup:
        return Markup((source / name).read_text(encoding="utf-8"))

    blocks = [_block(name, section, data) for name, section in sections(data).items()]
    shared = share(picture["drawn"] for block in blocks for picture in block["pictures"])
    return environment.get_template("page.html.jinja").render(
        data=data,
        facts=fact_list(data),
        results=result_rows(data),
        copies=copies_rows(data),
        chance=percent(data.majority["rate"]) if data.majority else "",
        reasons=any(trial["reason"] for trial in data.trials),
        thesis=thesis_rows(data),
        provenance=PROVENANCE,
        blocks=blocks,
        columns=trial_columns(data),
        rows=trial_rows(data),
        architectures=[
            {"label": e["label"], "colour": colour(data.labels, e["label"]), "trials": _count(e)}
            for e in data.architectures
        ],
        states=[(state, n) for state, n in data.facts.get("counts", {}).items() if n],
        links=ui_links(data),
        made=made_list(data),
        shared=Markup(script_json({"templates": _page_templates(), **shared})),
        as_json=lambda value: Markup(script_json(value)),
        css=own("page.css"),
        theme_js=own("theme.js"),
        figures_js=own("figures.js"),
        filters_js=own("filters.js"),
        table_js=own("table.js"),
    )


def _unbroken(sentence: str) -> str:
    """Return a sentence in which no line ends between a number and what it belongs to."""
    text = sentence.replace(" %", "\u00a0%").replace("n = ", "n\u00a0=\u00a0")
    return re.sub(r"(?<=\d) (?=(?:h|min|s)\b)", "\u00a0", text)


def script_json(value: Any) -> str:
    """Return JSON that may stand in a script element: nothing in it can end or open one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _page_templates() -> dict[str, Any]:
    """Return both themes; titles stand in the HTML, where they wrap, so figures begin higher."""
    themes = {}
    for theme in ("light", "dark"):
        themes[theme] = template(theme)
        themes[theme]["layout"]["margin"] = {"l": 55, "r": 15, "t": 30, "b": 50}
    return themes


def _count(entry: Mapping[str, Any]) -> int:
    return sum(entry["counts"].values())


def _block(name: str, section: Section, data: ReportData) -> dict[str, Any]:
    pictures = []
    for place, picture in enumerate(section.pictures):
        figure, title = _untitled(picture.figure)
        if picture.narrow is not None:
            figure["narrow"], _ = _untitled(picture.narrow)
        pictures.append(
            {
                "id": f"{name}-{place}",
                "label": picture.label,
                "title": plain(title),
                "words": picture.words or in_words(figure),
                "architecture": picture.architecture
                or (picture.label if picture.label in data.labels else ""),
                "file": file_name(name, picture.label),
                "height": figure["layout"].get("height", 420),
                "least_width": picture.least_width,
                "bends": picture.narrow is not None,
                "notes": picture.note.splitlines(),
                "drawn": figure,
            }
        )
    return {
        "name": name,
        "title": section.title,
        "look_for": section.look_for,
        "empty": section.empty.splitlines(),
        "pictures": pictures,
    }


def _untitled(drawn: Any) -> tuple[dict[str, Any], str]:
    """Return a figure as plain data without template and title, and the title."""
    figure: dict[str, Any] = json.loads(drawn.to_json())
    figure["layout"].pop("template", None)
    return figure, figure["layout"].pop("title", {}).get("text", "")


def file_name(section: str, label: str) -> str:
    """Return the name of a picture without its suffix; a label becomes letters, digits, dashes."""
    plain = "".join(c if c.isalnum() or c in "._" else "-" for c in label).strip("-.")
    return f"{section}-{plain}" if plain else section


def _place_plotly(path: Path) -> None:
    """Copy Plotly's script unless the same is there already."""
    from plotly.offline import get_plotlyjs

    script = get_plotlyjs().encode()
    if not path.exists() or path.stat().st_size != len(script):
        write_atomically(path, script)
