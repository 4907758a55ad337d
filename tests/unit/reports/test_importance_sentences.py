"""What is said of importance: as much as the tables support."""

from __future__ import annotations

import random
from typing import Any

from hpo.reports.compute import compute
from hpo.reports.draw.importance import EVEN, _why_left, section
from hpo.reports.importance_sentences import importance_sentence
from hpo.reports.page import page
from hpo.spec.records import TrialRecord, TrialResult

OBJECTIVE = {"label": "validation accuracy"}


def row(name: str, value: float, *, distinct: bool | None = True, **more: Any) -> dict[str, Any]:
    ends = {"low": round(value - 0.1, 2), "high": round(value + 0.1, 2)}
    return {
        "name": name,
        "value": value,
        "conditional": False,
        "distinct": distinct,
        **ends,
        **more,
    }


def table(*rows: dict[str, Any], evaluator: str = "fanova", **more: Any) -> dict[str, Any]:
    return {
        "evaluator": evaluator,
        "parameters": list(rows),
        "trials": 100,
        "sampled": 100,
        "pruned": 0,
        "level": 0.9,
        "resamples": 24,
        "few": False,
        "refused": "",
        "top_share": 0.96,
        **more,
    }


def said(**tables: Any) -> str:
    return importance_sentence("cnn", tables, OBJECTIVE)


def test_it_says_what_matters_most_and_what_is_not_distinguishable_from_no_effect() -> None:
    told = said(
        fanova=table(
            row("learning_rate", 0.6), row("dropout", 0.2), row("activation", 0.1, distinct=False)
        )
    )
    assert told == (
        "In cnn, learning_rate matters most: by itself it explains 0.60 [0.50, 0.70] of the "
        "variance of validation accuracy over the space; then dropout 0.20 [0.10, 0.30]; "
        "activation is not distinguishable from no effect (fANOVA, 90 % intervals, n = 100 "
        "trials). learning_rate came first in 96 % of 24 random halves of the trials."
    )


def test_a_lead_that_halves_do_not_share_is_only_a_rank() -> None:
    assert "learning_rate ranks first" in said(
        fanova=table(row("learning_rate", 0.4), row("dropout", 0.35), top_share=0.55)
    )
    few = said(fanova=table(row("learning_rate", 0.6), few=True))
    assert "ranks first" in few
    assert "with so few trials that may be chance" in few


def test_what_may_explain_nothing_has_no_rank_where_chance_was_not_asked_about() -> None:
    def few(*others: dict[str, Any], **more: Any) -> str:
        return said(fanova=table(row("rate", 0.9, distinct=None), *others, few=True, **more))

    nothing = row("activation", 0.0, distinct=None, low=0.0, high=0.06)
    told = few(nothing)
    assert "over the space; activation may explain nothing (fANOVA" in told
    assert "Of fewer than 50 trials it is not told what has no effect." in told
    told = few(row("dropout", 0.2, distinct=None), nothing, {**nothing, "name": "crop"})
    assert "; then dropout 0.20 [0.10, 0.30]; activation and crop may explain nothing (" in told
    # Widened intervals say so themselves, and what was told from chance has its rank.
    assert "Of fewer than" not in few(nothing, widened=True, adaptive=9)
    sure = said(fanova=table(row("rate", 0.9), nothing | {"distinct": True}))
    assert "; then activation 0.00 [0.00, 0.06] (" in sure
    assert "Of fewer than" not in sure


def test_a_share_that_may_be_nothing_and_a_forest_that_foretells_little_are_only_a_rank() -> None:
    open_share = row("learning_rate", 0.6, low=0.0, high=1.0)
    assert "learning_rate ranks first" in said(fanova=table(open_share))
    poor = said(fanova=table(row("learning_rate", 0.6), foretold=0.2))
    assert "learning_rate ranks first" in poor


def test_an_evaluator_that_does_not_tell_the_first_from_chance_is_named() -> None:
    told = said(
        fanova=table(row("a", 0.6)),
        mdi=table(row("a", 0.6), evaluator="mdi"),
        pedanova=table(row("a", 0.3, distinct=False), evaluator="pedanova"),
    )
    assert told.endswith("PED-ANOVA does not tell a from no effect.")
    # Where fANOVA does not either, that is said already.
    silent = said(
        fanova=table(row("b", 0.4, distinct=False), row("a", 0.3)),
        pedanova=table(row("b", 0.3, distinct=False), evaluator="pedanova"),
    )
    assert "does not tell" not in silent


def test_where_nothing_is_told_from_chance_nothing_matters_yet() -> None:
    told = said(fanova=table(row("a", 0.3, distinct=False), row("b", 0.3, distinct=False)))
    assert told.startswith("In cnn, no parameter can be told from no effect")
    assert "That does not say that none has one." in told


def test_an_adaptive_sample_says_what_it_cannot_and_how_to_ask() -> None:
    told = said(fanova=table(row("a", 0.5, distinct=None), widened=True, adaptive=90))
    assert "a ranks first" in told
    assert "intervals are widened" in told
    assert "--importance-trials" in told
    assert "distinguishable" not in told


def test_evaluators_that_disagree_interactions_and_a_poor_fit_are_told() -> None:
    pair = {"first": "a", "second": "b", "value": 0.24, "low": 0.1, "high": 0.3}
    told = said(
        fanova=table(row("a", 0.5), interactions=[pair, pair | {"low": 0.0}], foretold=0.3),
        pedanova=table(row("b", 0.5), evaluator="pedanova"),
    )
    assert "The evaluators disagree on the first: fANOVA names a, PED-ANOVA names b." in told
    assert told.count("act together: 0.24 [0.10, 0.30]") == 1
    assert "foretells 30 % of the variance" in told


def test_a_parameter_that_an_evaluator_does_not_tell_from_chance_is_not_named_by_it() -> None:
    told = said(
        fanova=table(row("a", 0.5)),
        pedanova=table(row("b", 0.5, distinct=False), row("a", 0.4), evaluator="pedanova"),
    )
    assert "disagree" not in told
    silent = table(row("b", 0.5, distinct=False), evaluator="pedanova")
    assert "disagree" not in said(fanova=table(row("a", 0.5)), pedanova=silent)


def test_evaluators_disagree_where_a_cliff_moves_all_and_a_slope_makes_the_best() -> None:
    """Under a rate of 0.3 nothing is learned; of the rest, all of the best have much dropout."""
    generator = random.Random(0)
    space = {n: {"type": "float", "low": 0.0, "high": 1.0} for n in ("rate", "dropout", "dead")}
    records = []
    for number in range(120):
        params = {name: generator.random() for name in space}
        value = (0.2 if params["rate"] < 0.3 else 0.5) + 0.1 * params["dropout"]
        records.append(
            TrialRecord(
                "s",
                "cnn",
                number,
                "complete",
                value,
                params,
                params,
                space=space,
                result=TrialResult("complete", value, metrics={"val_accuracy": value}),
            )
        )
    data = compute(records, {"name": "s", "sampler": "random", "architectures": ["cnn"]})
    told = (
        "The evaluators disagree on the first: fANOVA names rate, MDI names rate, PED-ANOVA names "
        "dropout. They ask different questions, and both may be right: fANOVA and MDI what moves "
        "the objective over the whole space, PED-ANOVA what sets the best tenth of the trials "
        "apart."
    )
    assert "rate matters most: by itself it explains 0.9" in data.summary[-1]
    assert told in data.summary[-1]
    assert told in section(data).pictures[0].note
    assert told in page(data)


def test_trials_left_out_of_a_random_study_are_said_to_have_been_asked_for() -> None:
    left = {EVEN: 1}
    assert "not drawn at random, but asked for" in _why_left(EVEN, table(left_out=left))
    assert _why_left(EVEN, table(left_out=left, space_filling=50)) == EVEN
    assert _why_left("failed", table()) == "failed"


def test_space_filling_trials_and_refusals_are_named() -> None:
    told = said(fanova=table(row("a", 0.5), space_filling=100))
    assert "n = 100 trials that sample the space evenly" in told
    told = said(fanova=table(row("a", 0.5), space_filling=400, sampled=400, trials=450))
    assert "n = 400 trials that sample the space evenly drawn from 450)" in told
    refused = said(fanova=table(refused="9 usable trials"))
    assert refused == "Which parameter matters in cnn cannot be said yet: 9 usable trials."


def test_how_many_trials_were_chosen_otherwise_is_counted() -> None:
    told = said(fanova=table(row("a", 0.5, distinct=None), widened=True, adaptive=25))
    assert "25 of the 100 trials were chosen by an adaptive sampler or by hand" in told
    assert "Most" not in told
