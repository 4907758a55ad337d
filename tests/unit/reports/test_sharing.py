"""What several figures have in common is written once, and comes back whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from hpo.reports.compute import compute
from hpo.reports.draw.section import sections
from hpo.reports.sharing import share
from hpo.spec.records import TrialRecord


def whole(value: Any, tables: dict[str, list[Any]]) -> Any:
    """Put back what was shared, as the page does."""
    if not isinstance(value, dict):
        return value
    if "$list" in value:
        return whole(tables["lists"][value["$list"]], tables)
    if "$texts" in value:
        return [tables["texts"][place] for place in whole(value["$texts"], tables)]
    return {key: whole(item, tables) for key, item in value.items()}


def figure(**trace: Any) -> dict[str, Any]:
    return {"data": [trace], "layout": {}}


def restored(figures: list[dict[str, Any]], tables: dict[str, list[Any]]) -> list[list[Any]]:
    return [[whole(trace, tables) for trace in one["data"]] for one in figures]


def test_a_study_is_drawn_from_what_was_shared_as_from_the_whole(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    drawn = sections(compute(records(trials=14), spec, n_bootstrap=0))
    figures = [json.loads(p.figure.to_json()) for s in drawn.values() for p in s.pictures]
    before = copy.deepcopy([one["data"] for one in figures])
    tables = share(figures)
    assert restored(figures, tables) == before
    # Without the arrangements for phones, which share more, and with few trials.
    shared = json.dumps([[one["data"] for one in figures], tables])
    assert len(shared) < 0.75 * len(json.dumps(before))


def test_a_list_that_comes_once_and_a_short_one_stay_where_they_are() -> None:
    alone, short = list(range(100)), [1, 2]
    figures = [figure(x=alone, y=short), figure(y=short)]
    assert share(figures) == {"lists": [], "texts": []}
    assert figures == [figure(x=alone, y=short), figure(y=short)]


def test_a_text_that_comes_again_in_other_company_is_written_once() -> None:
    texts = [f"what is told of trial {k}" for k in range(40)]
    figures = [figure(hovertemplate=texts), figure(hovertemplate=texts[::-1])]
    tables = share(figures)
    assert sorted(tables["texts"]) == sorted(texts)
    assert restored(figures, tables)[1][0]["hovertemplate"] == texts[::-1]


def test_the_arrangement_for_a_phone_shares_with_that_for_a_desk() -> None:
    wide = figure(marker={"color": list(range(50))})
    wide["narrow"] = figure(marker={"color": list(range(50))})
    tables = share([wide])
    assert tables["lists"] == [list(range(50))]
    assert wide["data"] == wide["narrow"]["data"]
