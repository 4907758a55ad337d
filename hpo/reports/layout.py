"""What pages of reports share: templates with their scripts, figures as JSON, Plotly beside them.

Names of studies, parameters and classes are text wherever they appear: the templates escape, and
JSON inside script elements has no character that could close them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from hpo.reports.data import write_atomically
from hpo.reports.draw.section import Section
from hpo.reports.draw.style import template
from hpo.reports.sharing import share
from hpo.reports.words import in_words, plain
from hpo.spec.errors import EnvironmentProblem

PLOTLY = "plotly.min.js"
SCRIPTS = ("theme", "folds", "figures", "table", "filters")


def render(name: str, drawn: Mapping[str, Section], labels: Sequence[str], **facts: Any) -> str:
    """Return a page.

    Args:
        name: of the template.
        drawn: its sections, in order.
        labels: of the architectures, by which figures are filtered.
        facts: what else the template shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("hpo.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    environment.filters["coded"] = coded
    environment.filters["foldable"] = foldable
    source = resources.files("hpo.reports") / "templates"
    own = {name: Markup((source / f"{name}.js").read_text(encoding="utf-8")) for name in SCRIPTS}
    blocks = [_block(key, section, labels) for key, section in drawn.items()]
    shared = share(picture["drawn"] for block in blocks for picture in block["pictures"])
    return environment.get_template(name).render(
        **facts,
        blocks=blocks,
        shared=Markup(script_json({"templates": _page_templates(), **shared})),
        as_json=lambda value: Markup(script_json(value)),
        css=Markup((source / "page.css").read_text(encoding="utf-8")),
        js=own,
    )


def one_file(page: str) -> str:
    """Return a page that needs no file beside it: Plotly's script stands in it."""
    beside, whole = f'<script src="{PLOTLY}"></script>', f"<script>{_plotly()}</script>"
    return page.replace(beside, whole, 1)


def write_folder(folder: Path, page: str, text: str, dump: Callable[[Path], object]) -> Path:
    """Write a page, its data and Plotly's script into a folder, the page last.

    Each file is written whole or not at all, so that a page that is there has what it needs.

    Args:
        folder: made if absent.
        page: name of the page's file.
        text: the page.
        dump: writes its data into the folder.

    Raises:
        EnvironmentProblem: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        dump(folder)
        _place_plotly(folder / PLOTLY)
        return write_atomically(folder / page, text)
    except OSError as error:
        raise EnvironmentProblem(
            "the report cannot be written",
            where=str(folder),
            expected="a folder that you may write to",
            got=error.strerror or str(error),
            hint="Free some space or change its permissions, then run the same command again",
        ) from error


def unbroken(sentence: str) -> str:
    """Return a sentence in which no line ends between a number and what it belongs to."""
    text = sentence.replace(" %", "\u00a0%").replace("n = ", "n\u00a0=\u00a0")
    return re.sub(r"(?<=\d) (?=(?:h|min|s)\b)", "\u00a0", text)


def coded(sentence: str) -> Any:
    """Return HTML in which what stands in backticks is code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))


def foldable(key: str) -> Any:
    """Return a key such as ``architectures.cnn.fixed`` as HTML that a narrow line may fold."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(key))))


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


def _block(name: str, section: Section, labels: Sequence[str]) -> dict[str, Any]:
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
                or (picture.label if picture.label in labels else ""),
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


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script


def _place_plotly(path: Path) -> None:
    """Copy Plotly's script unless the same is there already."""
    script = _plotly().encode()
    if not path.exists() or path.stat().st_size != len(script):
        write_atomically(path, script)
