"""How often is an image that is suspected to be no face none, and how many of those are suspected?

    python benchmarks/faceless.py FOLDER [--json]

``FOLDER`` is a dataset with FER+'s votes, as ``hpo data import`` made it (``data/fer2013``). The
votes are the truth: no votes at all, or most of them for *no face*. Of each split but ``test``
the images that ``hpo/data/audit/faceless.py`` suspects are set against them, which ``hpo data
audit`` does where a dataset has no votes. Intervals are Wilson's at 95 %. Seconds for a whole
FER-2013.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from measuring import machine

from hpo.data.audit.faceless import suspected_non_faces
from hpo.data.audit.votes import not_faces
from hpo.data.store import open_faces
from hpo.evidence.intervals import wilson


def share(part: int, whole: int) -> dict[str, float] | None:
    """Return ``point, low, high`` of a share; None of nothing."""
    if not whole:
        return None
    told = wilson(part / whole, whole).to_json()
    return {name: round(told[name], 4) for name in ("point", "low", "high")}


def interval(told: dict[str, float] | None) -> str:
    """Return a share in percent with its interval."""
    if told is None:
        return "–"
    return f"{told['point']:.0%} [{100 * told['low']:.0f}, {100 * told['high']:.0f}]"


def main() -> None:
    """Print a row for each split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dataset = open_faces(given.folder)
    rows: list[dict[str, Any]] = []
    for name in dataset.splits:
        split = dataset.split(name)
        if name == "test":
            continue
        if split.votes is None:
            parser.error(f"split '{name}' of {given.folder} has no votes of FER+ to judge by")
        none = not_faces(np.asarray(split.votes))
        began = time.perf_counter()
        suspected = suspected_non_faces(np.asarray(split.images))
        seconds = time.perf_counter() - began
        right = int((suspected & none).sum())
        rows.append(
            {
                "split": name,
                "faces": len(none),
                "no_face": int(none.sum()),
                "suspected": int(suspected.sum()),
                "right": share(right, int(suspected.sum())),
                "of_those_that_are_none": share(right, int(none.sum())),
                "seconds": round(seconds, 1),
            }
        )
    if given.json:
        print(json.dumps({"machine": machine(), "splits": rows}, indent=1))
        return
    print("| split | faces | no face | suspected | of these no face | of those, suspected |")
    print("| --- " * 6 + "|")
    for row in rows:
        cells = [row["split"], f"{row['faces']:,}", row["no_face"], row["suspected"]]
        cells += [interval(row["right"]), interval(row["of_those_that_are_none"])]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
