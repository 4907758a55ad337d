"""Successive halving, Hyperband and the first-epoch baseline, in the storage and across cuts."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from hpo.search.climbing import agreements_of, filled_slots, ladder_of
from hpo.search.engine import open_engine
from hpo.search.studies import read_trials
from hpo.spec.fidelity import FidelitySpec
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import THESIS, open_it
from tests.unit.search.climbers import KINDS, Curve, climb, climbing, curve, noise, train

every_kind = pytest.mark.parametrize("kind", KINDS)


def rungs_reached(url: str) -> list[list[int]]:
    """Return, by rung, the slots of its trials in the order in which they were claimed."""
    records = read_trials(url, "study")
    top = max(r.rung or 0 for r in records)
    return [[r.slot for r in records if r.rung == rung] for rung in range(top + 1)]


def test_the_best_third_so_far_goes_on_where_it_stopped(storage_url: str) -> None:
    spec = climbing(9)
    proposals = climb(open_it(storage_url, spec), spec)
    base, middle, top = rungs_reached(storage_url)
    assert base == list(range(9)), "the budget counts configurations"
    assert len(middle) >= 3
    assert len(top) >= 1
    records = {r.number: r for r in read_trials(storage_url, "study")}
    # Whoever is among the best third when all have ended is among those that went on.
    by_value = sorted(base, key=lambda s: -curve(records_of(records, s).params, 1))
    assert set(by_value[:3]) <= set(middle)
    for proposal in proposals:
        record = records[proposal.number]
        assert record.params["epochs"] == [1, 3, 9][record.rung or 0]
        if proposal.continues is not None:
            below = records[proposal.continues]
            assert (below.slot, below.rung) == (record.slot, (record.rung or 0) - 1)
            assert (below.searched, below.seed) == (record.searched, record.seed)
            assert proposal.rungs == tuple(record.rungs) == (1, 3)[: record.rung]


def records_of(records: dict[int, Any], slot: int) -> Any:
    return next(r for r in records.values() if r.slot == slot and r.rung == 0)


def test_nothing_is_promoted_before_a_factor_of_trials_have_ended(storage_url: str) -> None:
    engine = open_it(storage_url, spec := climbing(9))
    fixed = dict(spec.architectures["cnn"].fixed)
    first = [engine.ask() for _ in range(3)]
    assert [p.slot for p in first if p] == [0, 1, 2], "others begin while these run"
    for proposal in first:
        assert proposal is not None
        engine.finish(proposal.number, train(engine, proposal, fixed))
    after = engine.ask()
    assert after is not None
    assert after.continues in (0, 1, 2)
    fresh = engine.ask()
    assert fresh is not None
    assert fresh.slot == 3, "no second of three"


@every_kind
def test_the_best_is_trained_in_full_however_few_there_are(kind: str, storage_url: str) -> None:
    spec = climbing(2, fidelity=KINDS[kind])
    climb(open_it(storage_url, spec), spec)
    records = read_trials(storage_url, "study")
    assert any(r.rung == 2 or r.params["epochs"] == 9 for r in records)
    assert open_it(storage_url, spec, resume=True).ask() is None


def test_what_a_baseline_asked_for_beyond_its_space_is_known_at_every_rung(
    storage_url: str,
) -> None:
    spec = climbing(1, architecture={"enqueue": ["thesis"]})
    far = {"thesis": {**THESIS, "layers": 12}}
    climb(open_engine(storage_url, spec, "cnn", baselines=far), spec)
    records = read_trials(storage_url, "study")
    assert len({r.rung for r in records}) > 1
    assert all(r.moved == {"layers": 12} for r in records)


def test_first_epoch_looks_once_and_keeps_the_best(storage_url: str) -> None:
    spec = climbing(8, fidelity=KINDS["first_epoch"])
    climb(open_it(storage_url, spec), spec)
    base, full = rungs_reached(storage_url)
    assert base == list(range(8))
    values = {r.slot: r.value or 0 for r in read_trials(storage_url, "study") if r.rung == 0}
    assert full == sorted(base, key=lambda s: -values[s])[:2]


def test_hyperband_starts_shares_of_the_slots_at_higher_rungs(storage_url: str) -> None:
    ladder = ladder_of(climbing(17, fidelity={"name": "hyperband"}), "cnn")
    assert ladder is not None
    bases = [ladder.base(slot) for slot in range(17)]
    # With eta = 3 and rungs at 1, 3 and 9: 9 + 5 + 3 configurations a round.
    assert [bases.count(b) for b in (0, 1, 2)] == [9, 5, 3]
    assert {0, 1} <= set(bases[:4]), "mixed, so that a small budget has some of each"


def test_ranks_that_do_not_hold_stop_nothing_any_more_and_a_line_says_so(storage_url: str) -> None:
    spec = climbing(18, fidelity={"name": "successive_halving", "min_rank_correlation": 1})
    engine = open_it(storage_url, spec)
    climb(engine, spec)
    base, middle, top = rungs_reached(storage_url)
    assert sorted(middle) == sorted(top) == base, "all go on once five pairs are known"
    notes = engine.take_notes()
    assert "nothing is stopped after 1 epoch any more" in notes[0]
    assert "n = 5" in notes[0]
    assert engine.take_notes() == []


def learning(params: dict[str, Any], epoch: int) -> float:
    """Return ``curve`` as few validation faces read it."""
    return curve(params, epoch) + noise(params, epoch) / 4


def loss(params: dict[str, Any], epoch: int) -> float:
    return 2 - noise(params, epoch)


@pytest.mark.parametrize(
    ("metric", "read", "holds"),
    [("val_accuracy", learning, True), ("val_accuracy", noise, False), ("val_loss", loss, False)],
)
def test_networks_that_learn_nothing_are_not_stopped_for_their_luck(
    storage_url: str, metric: str, read: Curve, holds: bool
) -> None:
    # A lucky first epoch is the best at each later rung too: values alone would agree.
    spec = climbing(18, fidelity={"name": "successive_halving"}, objective={"metric": metric})
    engine = open_it(storage_url, spec)
    climb(engine, spec, read=read)
    low, _ = agreements_of(read_trials(storage_url, "study"), metric)
    assert low.corrected is not None
    base, middle, _ = rungs_reached(storage_url)
    notes = [note for note in engine.take_notes() if "nothing is stopped after 1 epoch " in note]
    if holds:
        assert low.corrected > 0.8
        assert len(middle) < len(base) / 2
        assert notes == []
    else:
        assert abs(low.corrected) < 0.4
        assert sorted(middle) == base
        assert len(notes) == 1


def test_epochs_are_counted_where_they_were_trained(storage_url: str) -> None:
    spec = climbing(100, budget={"trials": 100, "epochs": 30})
    climb(open_it(storage_url, spec), spec)
    records = read_trials(storage_url, "study")
    assert all(len(r.epochs) == r.params["epochs"] for r in records), "curves are whole"
    trained = sum(r.params["epochs"] - (r.rungs[-1] if r.rungs else 0) for r in records)
    assert 27 < trained <= 30


def test_a_trial_that_could_not_go_on_costs_its_epochs_again(storage_url: str) -> None:
    from hpo.search import trials as stored

    report = EpochReport(1, {"val_accuracy": 0.5}, 0.1)
    own, inherited = (dict([stored.epoch_attribute(report, inherited=i)]) for i in (False, True))
    assert (stored.count_epochs(own), stored.count_epochs(inherited)) == (1, 0)
    assert stored.read_epochs(inherited) == [report]


def test_a_configuration_that_fails_on_its_way_is_left_there(storage_url: str) -> None:
    engine = open_it(storage_url, spec := climbing(3))
    fixed = dict(spec.architectures["cnn"].fixed)
    for _ in range(3):
        proposal = engine.ask()
        assert proposal is not None
        engine.finish(proposal.number, train(engine, proposal, fixed))
    up = engine.ask()
    assert up is not None
    assert up.continues is not None
    engine.finish(up.number, TrialResult(state="failed", reason="nan_loss: at epoch 2"))
    other = engine.ask()
    assert other is not None
    assert other.slot != up.slot, "the last resort is another configuration"


def test_states_are_settled_when_nobody_will_go_on_from_them(storage_url: str) -> None:
    engine = open_it(storage_url, spec := climbing(9))
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    for value in values:
        proposal = engine.ask()
        assert proposal is not None
        if proposal.continues is None:
            engine.finish(proposal.number, TrialResult(state="complete", value=value))
        else:
            assert proposal.slot == 2
            assert proposal.number == 3
            engine.finish(proposal.number, TrialResult(state="complete", value=0.6))
    # Slot 2 has gone on; of nine three will be promoted, and slot 0 is fourth.
    assert engine.take_settled() == [0, 2]
    assert engine.take_settled() == []
    rest = climb(engine, spec)
    assert engine.ask() is None
    everything = {p.number for p in rest} | set(range(5))
    assert set(engine.take_settled()) | {0, 2} == everything


def _work(url: str, spec: StudySpec, done: Any) -> None:
    done.put(len(climb(open_it(url, spec, resume=True), spec)))


def test_processes_continue_no_configuration_twice(storage_url: str) -> None:
    spec = climbing(18)
    open_it(storage_url, spec)
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    workers = [context.Process(target=_work, args=(storage_url, spec, done)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    records = read_trials(storage_url, "study", attempts=True)
    places = [(r.slot, r.rung) for r in records]
    assert len(set(places)) == len(places) == sum(done.get() for _ in workers)
    assert {slot for slot, rung in places if rung == 0} == set(range(18))


def test_samplers_see_one_rung_alone(storage_url: str) -> None:
    spec = climbing(18, sampler={"name": "tpe", "n_startup_trials": 3})
    engine = open_it(storage_url, spec)
    climb(engine, spec)
    from hpo.search import trials as stored

    climber = engine.climb  # type: ignore[attr-defined]
    places = stored.places(engine._attempts.all())  # type: ignore[attr-defined]
    seen = climber.seen(places)
    (rung,) = {t.user_attrs["rung"] for t in seen.values()}
    assert rung == 1, "the highest with 5 values: two parameters and three more"


def test_rungs_come_from_the_full_training_downwards() -> None:
    section = FidelitySpec(name="successive_halving")
    assert section.rungs_of(27) == (1, 3, 9, 27)
    assert section.rungs_of(40) == (1, 4, 13, 40)
    assert section.rungs_of(1) == (1,)
    assert FidelitySpec(name="hyperband", min_epochs=3).rungs_of(40) == (4, 13, 40)
    assert FidelitySpec(name="first_epoch", keep=3).rungs_of(12) == (1, 12)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "successive_halving", "rungs": [3, 1]}, "each above the one before"),
        ({"name": "first_epoch"}, "give 'keep'"),
        ({"name": "hyperband", "keep": 2}, "'keep' is first_epoch's"),
        ({"name": "first_epoch", "keep": 2, "rungs": [1, 2, 3]}, "two rungs"),
        ({"name": "hyperband", "rungs": [1, 2], "min_epochs": 2}, "keep one"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FidelitySpec.model_validate(section)


def test_a_study_with_rungs_has_no_pruner_of_its_own() -> None:
    assert climbing(pruner="none").pruner.name == "none"
    plain = climbing().to_plain()
    assert StudySpec.model_validate(plain) == climbing()
    del plain["pruner"]
    assert StudySpec.model_validate(plain).pruner.name == "none"


def test_records_tell_of_rungs_what_the_search_knows(storage_url: str) -> None:
    from hpo.evidence.optuna_study import observations
    from hpo.reports.compute import compute

    spec = climbing(18)
    engine = open_it(storage_url, spec)
    climb(engine, spec)
    records = read_trials(storage_url, "study")
    known = agreements_of(records, "val_accuracy")
    assert [(a.lower, a.upper) for a in known] == [(1, 3), (3, 9)]
    from hpo.search import trials as stored

    climber = engine.climb  # type: ignore[attr-defined]
    standings = climber.standings(stored.places(engine._attempts.all()))  # type: ignore[attr-defined]
    assert known == climber.ladder.agreements(standings)

    usable, left = observations(records)
    assert len(usable) == 18, "the first rung has the most trials, and no other is mixed in"
    assert left == {"of another rung": len(records) - 18}
    report = compute(records, spec.to_plain(), n_bootstrap=1)
    (entry,) = report.architectures
    assert [pair["lower"] for pair in entry["rungs"]] == [1, 3]
    assert entry["epochs"] == sum(r.epochs_trained for r in records)
    assert any("rank correlation between 1 and 3 epochs" in said for said in report.caveats)


def test_a_place_is_filled_when_its_configuration_goes_no_further(storage_url: str) -> None:
    engine = open_it(storage_url, spec := climbing(3))

    def filled() -> frozenset[int]:
        return filled_slots(spec, "cnn", read_trials(storage_url, "study"))

    climb(engine, spec, at_most=3)
    best = max(read_trials(storage_url, "study"), key=lambda r: r.value or 0).slot
    assert filled() == {0, 1, 2} - {best}
    climb(engine, spec, at_most=1)
    assert filled() == {0, 1, 2} - {best}, "it is to be trained in full"
    climb(engine, spec)
    assert filled() == {0, 1, 2}
