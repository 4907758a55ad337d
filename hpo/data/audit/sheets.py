"""A contact sheet of each fault, to look at before anything is done about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from hpo.data.audit.findings import Audit, Face, Finding
from hpo.data.sheets import GAP_PIXELS, ZOOM, Canvas, blank, place, save_sheet, write_words
from hpo.data.splits import Split
from hpo.data.store import FaceDataset

SHEETS_FOLDER = "audit"
_COLUMNS = 12
_ROWS = 10
_TITLE_PIXELS = 34
_CAPTION_PIXELS = 30
_SIZE = 0.36
_SHORT = {"train": "train", "validation": "val", "test": "test"}


def write_sheets(audit: Audit, dataset: FaceDataset, folder: Path | None = None) -> dict[str, Path]:
    """Draw a PNG of each finding that has images; return their paths by the findings' keys.

    Groups stand one a row, the largest first; of single images there are as many as fit, taken
    evenly over all. Under each stand its split and label, and what the annotators say instead.

    Args:
        audit: of ``dataset``.
        dataset: where the images are.
        folder: where to write; by default ``audit`` in the dataset's folder.

    Raises:
        DataError: a split cannot be read.
        InputError: a file cannot be written.
        EnvironmentProblem: the disk is full.
    """
    folder = folder or dataset.folder / SHEETS_FOLDER
    splits = {name: dataset.split(name) for name in dataset.splits}
    return {
        finding.key: save_sheet(
            _draw(finding, splits),
            folder / f"{finding.key.replace('_', '-')}.png",
            hint="Choose another folder with --sheets FOLDER",
        )
        for finding in audit.findings
        if finding.faces
    }


def _draw(finding: Finding, splits: dict[str, Split]) -> Canvas:
    rows = _rows(finding)
    shown = sum(len(row) for row in rows)
    height, width = (side * ZOOM for side in next(iter(splits.values())).images.shape[1:])
    step_down, step_across = height + _CAPTION_PIXELS, width + GAP_PIXELS
    canvas = blank(_TITLE_PIXELS + len(rows) * step_down, _COLUMNS * step_across)
    write_words(canvas, f"{finding.title}: {shown} of {len(finding.faces)} images", 8, 23, 0.55)
    for r, row in enumerate(rows):
        for c, face in enumerate(row):
            top, left = _TITLE_PIXELS + r * step_down, c * step_across
            place(canvas, splits[face.split].images[face.index], top, left)
            write_words(canvas, _caption(face), left, top + height + 12, _SIZE)
            if face.votes:
                write_words(canvas, f"FER+ {face.votes}", left, top + height + 25, _SIZE)
    return canvas


def _rows(finding: Finding) -> list[Sequence[Face]]:
    if finding.groups is not None:
        largest = sorted(finding.groups, key=lambda group: -len(group.faces))
        return [_both_ends(group.faces) for group in largest[:_ROWS]]
    step = max(1, math.ceil(len(finding.faces) / (_COLUMNS * _ROWS)))
    chosen = finding.faces[::step]
    return [chosen[start : start + _COLUMNS] for start in range(0, len(chosen), _COLUMNS)]


def _both_ends(faces: tuple[Face, ...]) -> tuple[Face, ...]:
    """Return as many as fit into a row, the last split's among them."""
    if len(faces) <= _COLUMNS:
        return faces
    return faces[: _COLUMNS // 2] + faces[-_COLUMNS // 2 :]


def _caption(face: Face) -> str:
    return f"{_SHORT[face.split]} {face.label}"
