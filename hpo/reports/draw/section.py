"""A section of the report: a heading, what to look for, and figures or the reason for none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpo.reports.data import ReportData
from hpo.spec.catalogue import CATALOGUE, names, resolve


@dataclass(frozen=True)
class Picture:
    """One figure of a section.

    Args:
        label: what sets it apart from the section's other figures, such as an architecture.
        figure: a ``plotly.graph_objects.Figure`` without a template.
        least_width: pixels under which it would be unreadable; a narrower page draws ``narrow``
            in its place, or scrolls it where there is none.
        note: sentences about this figure, such as how many trials it rests on, a line each.
        narrow: the same figure arranged for the width of a phone.
        architecture: whose trials alone it shows, for the page's filter; by default its label,
            where that is an architecture. Inside a figure the filters go by the ``meta`` of a
            trace (``style.about``), and by the ``name`` of an annotation or a shape, which is an
            architecture's, as ``style.safe`` gives it.
        words: the figure for those who do not see it; by default what its axes and traces say.
    """

    label: str
    figure: Any
    least_width: int = 0
    note: str = ""
    narrow: Any = None
    architecture: str = ""
    words: str = ""


@dataclass(frozen=True)
class Section:
    """What a function registered as a ``report_section`` returns.

    Args:
        title: its heading.
        look_for: one sentence on what to look for.
        pictures: its figures; several become tabs.
        empty: why there is nothing to show, or nothing of some architectures: a line each; "" if
            nothing is missing.
    """

    title: str
    look_for: str
    pictures: list[Picture] = field(default_factory=list)
    empty: str = ""


def missing(reasons: Mapping[str, str], pictures: Sequence[Picture]) -> str:
    """Return a section's ``empty``: why each of these architectures has no figure."""
    lines = [f"{label}: {reason}." for label, reason in reasons.items()]
    return "\n".join(lines) if lines or pictures else "There are no trials."


SectionMaker = Callable[[ReportData], Section | None]
"""None: the study has nothing of the kind, and the page no such heading."""


def section_names() -> list[str]:
    """Return the sections in the order of the catalogue, those of entry points after them."""
    own = list(CATALOGUE["report_section"])
    return [*own, *(name for name in names("report_section") if name not in own)]


def sections(data: ReportData) -> dict[str, Section]:
    """Draw every section, in order."""
    drawn: dict[str, Section] = {}
    for name in section_names():
        make: SectionMaker = resolve("report_section", name)
        made = make(data)
        if made is not None:
            drawn[name] = made
    return drawn
