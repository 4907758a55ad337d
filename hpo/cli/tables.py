"""How a table is brought into a terminal: where its cells may break, and what if that is too wide.

Rich breaks a word that is longer than its column anywhere, so that names cannot be read or copied.
Here a cell breaks between words and behind what joins the parts of a name, and columns that do not
fit beside each other even so stand below each other, each time beside the first one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells

GAP = 2
"""Blanks between two columns, as Rich sets them."""

# Behind `_ / = , ;`, and behind a dot or hyphen between letters: none of them within a number.
_JOINT = re.compile(r"(?<=[_/=,;])(?=\S)|(?<=[^\W\d]\.)(?=[^\W\d])|(?<=[^\W\d]-)(?=[^\W\d])")
_FEWEST = 3
"""Characters of a chunk: joints closer to each other than this are none."""


def laid_out(cells: Sequence[Sequence[str]], width: int) -> list[dict[int, int]]:
    """Return which columns stand beside each other, and how wide each one is.

    Args:
        cells: rows of equal length, the headings among them.
        width: of the terminal, in characters.

    Returns:
        For each part of the table the columns' positions and widths. One part where all fit; else
        each begins with the first column.
    """
    columns = list(zip(*cells, strict=True))
    natural = [max(map(_longest_line, column), default=0) for column in columns]
    least = [
        min(max((cell_len(c) for cell in column for c in _chunks(cell)), default=0), width)
        for column in columns
    ]
    parts: list[list[int]] = []
    for place in range(len(columns)):
        beside = parts[-1] if parts else []
        if beside and _sum(least, [*beside, place]) <= width:
            beside.append(place)
        else:
            parts.append([0, place] if place else [0])
    return [_widths(natural, least, part, width) for part in parts]


def broken(text: str, width: int) -> str:
    """Return a cell in lines of at most ``width``; what cannot be broken well is cut.

    Args:
        text: of the cell.
        width: of its column, in characters.
    """
    return "\n".join(line for given in text.split("\n") for line in _lines(given, width))


def _lines(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    # What the text begins with is an indentation, which its first word carries.
    lines, line = [], text[: len(text) - len(text.lstrip())]
    for word in text.split():
        joint = " " if line.strip() else ""
        whole = cell_len(word) <= width
        for chunk in [word] if whole else _parts(word):
            if line.strip() and cell_len(line + joint + chunk) > width:
                lines.append(line)
                line = chunk
            else:
                line += joint + chunk
            joint = ""
            *full, line = chop_cells(line, width) or [""]
            lines += full
    return [*lines, line]


def _chunks(text: str) -> list[str]:
    indent = len(text) - len(text.lstrip())
    chunks = [part for word in text.split() for part in _parts(word)]
    return [" " * indent + chunks[0], *chunks[1:]] if chunks else []


def _parts(word: str) -> list[str]:
    """Return what a word may be broken into."""
    parts: list[str] = []
    for part in _JOINT.split(word):
        if parts and (len(parts[-1]) < _FEWEST or len(part) < _FEWEST):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def _longest_line(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


def _sum(widths: Sequence[int], places: Sequence[int]) -> int:
    return sum(widths[place] for place in places) + GAP * (len(places) - 1)


def _widths(
    natural: Sequence[int], least: Sequence[int], part: Sequence[int], width: int
) -> dict[int, int]:
    """Return the widths of columns side by side: what is left over goes to those who need it."""
    found = {place: least[place] for place in part}
    room = max(0, width - _sum(least, part))
    wanting = [place for place in part if natural[place] > least[place]]
    while wanting and room:
        share = max(1, room // len(wanting))
        for place in list(wanting):
            more = min(share, natural[place] - found[place], room)
            found[place] += more
            room -= more
            if found[place] == natural[place]:
                wanting.remove(place)
    return found
