"""A trial's life in the storage; that every engine keeps it is in tests/contract."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from hpo.search.engine import open_engine
from hpo.search.studies import (
    check_study,
    delete_study,
    read_spec,
    read_trials,
)
from hpo.search.summaries import list_studies
from hpo.search.worker_identity import holder, identity
from hpo.spec.errors import InputError, NotFoundError, SpecError
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import (
    DISCRETE,
    SPACE,
    THESIS,
    choices,
    copied,
    make_spec,
    open_it,
    run,
    train,
)


def test_a_record_holds_what_the_trial_ran_with(storage_url: str) -> None:
    spec = make_spec(1, architecture={"enqueue": ["thesis"]})
    engine = open_it(storage_url, spec)
    proposal = engine.ask()
    assert proposal is not None
    engine.set_run_id(proposal.number, "abc")
    nan = float("nan")
    engine.record_epoch(0, EpochReport(1, {"val_accuracy": 0.4, "loss": nan}, 1.5))
    engine.record_epoch(0, EpochReport(2, {"val_accuracy": 0.5, "loss": 1.0}, 1.0))
    ran = {**proposal.configuration({"epochs": 3}), "dropout": 0.25}
    engine.finish(0, TrialResult(state="complete", value=0.5, params=ran, best_epoch=2))
    (record,) = read_trials(storage_url, "study")
    assert (record.study, record.architecture, record.number, record.slot) == ("study", "cnn", 0, 0)
    assert (record.state, record.value, record.origin) == ("complete", 0.5, "thesis")
    assert record.params == ran
    assert record.searched == {"learning_rate": 1e-3, "optimizer": "adam", "layers": 6}
    assert [e.epoch for e in record.epochs] == [1, 2]
    assert record.epochs[0].metrics["loss"] != record.epochs[0].metrics["loss"]
    assert record.result is not None
    assert record.result.best_epoch == 2
    assert record.mlflow_run_id == "abc"
    assert record.started < record.finished
    assert record.started.endswith("+00:00")
    assert record.seconds > 0
    assert record.space == spec.architectures["cnn"].space.to_plain()


def test_a_record_knows_what_a_baseline_asked_for_beyond_its_space(storage_url: str) -> None:
    spec = make_spec(1, architecture={"enqueue": ["thesis"]})
    far = {**THESIS, "layers": 12, "learning_rate": 9.0}
    engine = open_engine(storage_url, spec, "cnn", baselines={"thesis": far})
    first = engine.ask()
    assert first is not None
    assert engine.record(first.number).moved == {"layers": 12, "learning_rate": 9.0}
    # What a retry changes is not the space's doing.
    engine.release(first.number, "out of memory", {"layers": 4})
    again = engine.ask()
    assert again is not None
    assert engine.record(again.number).params["layers"] == 4
    assert engine.record(again.number).moved == {"learning_rate": 9.0}


def test_a_running_trial_is_read_as_such(storage_url: str) -> None:
    engine = open_it(storage_url, make_spec())
    engine.ask()
    (record,) = read_trials(storage_url, "study")
    assert record == engine.record(0)
    assert (record.state, record.value, record.finished) == ("running", None, "")
    with pytest.raises(NotFoundError, match="no trial 7"):
        engine.record(7)
    assert record.params["epochs"] == 3


@pytest.mark.parametrize(
    ("result", "state", "value"),
    [
        (TrialResult(state="failed", reason="nan_loss: at epoch 1"), "failed", None),
        (TrialResult(state="complete", value=float("nan")), "failed", None),
        (TrialResult(state="complete", value=None), "failed", None),
        (TrialResult(state="pruned", value=0.7), "pruned", 0.7),
        (TrialResult(state="pruned"), "pruned", 0.6),
    ],
)
def test_how_results_end_a_trial(
    storage_url: str, result: TrialResult, state: str, value: float | None
) -> None:
    engine = open_it(storage_url, make_spec())
    engine.ask()
    for epoch, accuracy in enumerate([0.6, 0.4, float("nan")], start=1):
        engine.record_epoch(0, EpochReport(epoch, {"val_accuracy": accuracy}, 0.1))
    assert engine.finish(0, result)
    (record,) = read_trials(storage_url, "study")
    assert (record.state, record.value) == (state, value)
    assert record.result is not None
    assert record.result.reason == result.reason


def test_a_released_slot_is_asked_for_again_and_the_late_result_refused(storage_url: str) -> None:
    engine = open_it(storage_url, make_spec(1))
    first = engine.ask()
    assert first is not None
    assert engine.release(0, "interrupted")
    second = engine.ask()
    assert second is not None
    assert choices([second]) == choices([first])
    assert second.number == 1
    assert not engine.finish(0, TrialResult(state="complete", value=1.0))
    assert not engine.record_epoch(0, EpochReport(1, {"val_accuracy": 1.0}, 0.1))
    assert not engine.should_prune(0)
    assert engine.finish(1, TrialResult(state="complete", value=0.5))
    assert [r.number for r in read_trials(storage_url, "study")] == [1]
    lost, kept = read_trials(storage_url, "study", attempts=True)
    assert lost.result is not None
    assert (lost.state, lost.result.reason, kept.value) == ("failed", "interrupted", 0.5)


def test_a_result_that_was_stored_but_not_told_is_told_on_resume(storage_url: str) -> None:
    spec = make_spec(2)
    engine = open_it(storage_url, spec)
    engine.ask()
    # What a kill between the two writes of `finish` leaves behind.
    attempts = engine._attempts  # type: ignore[attr-defined]
    from hpo.search.trials import result_attribute

    value = result_attribute(TrialResult(state="complete", value=0.25))
    attempts._storage.set_trial_user_attr(attempts._id(0), "result", value)
    open_it(storage_url, spec, resume=True)
    (record,) = read_trials(storage_url, "study")
    assert (record.state, record.value) == ("complete", 0.25)


def test_a_repeat_is_drawn_again_and_marked_where_it_cannot_be_avoided(storage_url: str) -> None:
    space = {"layers": {"type": "int", "low": 1, "high": 3}}
    spec = make_spec(6, sampler="random", repeats="retrain", architecture={"space": space})
    proposals = run(open_it(storage_url, spec), spec)
    assert {p.params["layers"] for p in proposals[:3]} == {1, 2, 3}
    assert all(p.repeat_of is None for p in proposals[:3])
    assert all(p.repeat_of in (0, 1, 2) for p in proposals[3:])


def test_the_budget_can_be_raised_later(storage_url: str) -> None:
    run(open_it(storage_url, make_spec(3)), make_spec(3))
    more = run(open_it(storage_url, make_spec(5), resume=True), make_spec(5))
    assert [p.slot for p in more] == [3, 4]


def _work(url: str, spec: StudySpec, done: Any) -> None:
    done.put(len(run(open_it(url, spec, resume=True), spec)))


def test_processes_share_a_budget_exactly(storage_url: str) -> None:
    spec = make_spec(24, architecture={"enqueue": [{"layers": n} for n in range(1, 9)]})
    open_it(storage_url, spec)
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    workers = [context.Process(target=_work, args=(storage_url, spec, done)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [w.exitcode for w in workers] == [0] * 4
    assert sum(done.get() for _ in workers) == 24
    records = read_trials(storage_url, "study", attempts=True)
    assert sorted(r.slot for r in records) == list(range(24))
    assert {r.state for r in records} == {"complete"}


def _work_slowly(url: str, spec: StudySpec, claimed: Any, resume: bool) -> None:
    engine = open_it(url, spec, resume=resume)
    while (proposal := engine.ask()) is not None:
        claimed.put(proposal)
        train(engine, proposal, {"epochs": 3})
        engine.finish(proposal.number, TrialResult(state="complete", value=proposal.slot / 10))


def test_killed_processes_lose_nothing_and_change_nothing(
    storage_url: str, made_database: Path, tmp_path: Path
) -> None:
    spec = make_spec(9, sampler={"name": "tpe", "n_startup_trials": 2})
    context = multiprocessing.get_context("fork")
    for kills in range(3):
        claimed = context.Queue()
        worker = context.Process(target=_work_slowly, args=(storage_url, spec, claimed, kills > 0))
        worker.start()
        for _ in range(2):  # the second claim, at whatever it is doing then
            claimed.get(timeout=60)
        worker.kill()
        worker.join()
    _work_slowly(storage_url, spec, context.Queue(), True)
    records = read_trials(storage_url, "study")
    assert sorted(r.slot for r in records) == list(range(9))
    assert {r.state for r in records} == {"complete"}

    (tmp_path / "whole").mkdir()
    whole_url = copied(made_database, tmp_path / "whole")
    _work_slowly(whole_url, spec, context.Queue(), False)
    whole = {r.slot: r.searched for r in read_trials(whole_url, "study")}
    attempts = read_trials(storage_url, "study", attempts=True)
    assert all(attempt.searched == whole[attempt.slot] for attempt in attempts)


def test_a_trial_belongs_to_a_process_that_lives() -> None:
    me = identity()
    host, pid, start, _ = me.split(":")
    assert holder(me, me) == "self"
    assert holder(f"{host}:{pid}:{start}:earlier", me) == "gone", "an engine that was replaced"
    assert holder(f"{host}:{pid}:{int(start) - 1}:x", me) == "gone", "an id that was given again"
    assert holder(f"{host}:999999999:1:x", me) == "gone"
    assert holder(f"elsewhere:{pid}:{start}:x", me) == "unknown"
    assert holder("", me) == "unknown"
    parent = multiprocessing.get_context("fork").Process(target=_idle)
    parent.start()
    from hpo.search.worker_identity import _start

    assert parent.pid is not None
    owner = f"{host}:{parent.pid}:{_start(parent.pid)}:x"
    assert holder(owner, me) == "alive"
    parent.kill()
    parent.join()
    assert holder(owner, me) == "gone"


def _idle() -> None:
    import time

    time.sleep(60)


# Studies


def test_a_study_is_not_made_twice_by_accident(storage_url: str) -> None:
    spec = make_spec()
    check_study(storage_url, spec, resume=False)
    open_it(storage_url, spec)
    with pytest.raises(InputError, match=r"'study' exists already.*--resume"):
        open_it(storage_url, spec)
    with pytest.raises(InputError, match="--resume"):
        check_study(storage_url, spec, resume=False)
    check_study(storage_url, spec, resume=True)


def test_a_study_is_bound_to_the_faces_that_it_began_with(storage_url: str) -> None:
    spec = make_spec()
    first, other = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    open_engine(storage_url, spec, "cnn", dataset_digest=first)
    check_study(storage_url, spec, resume=True, dataset_digest=first)
    message = "has changed since study 'study' began.*digest aaaaaaaaaaaa;.*digest bbbbbbbbbbbb"
    with pytest.raises(SpecError, match=message):
        check_study(storage_url, spec, resume=True, dataset_digest=other)
    with pytest.raises(SpecError, match=message):
        open_engine(storage_url, spec, "cnn", resume=True, dataset_digest=other)


OPTIMIZERS = {"type": "categorical", "choices": ["lion", "sgd", "adam"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"architecture": {"space": {**SPACE, "layers": {**SPACE["layers"], "high": 9}}}},
            r"space\.layers: int 1 to 9, there int 1 to 8",
        ),
        (
            {"architecture": {"space": {**SPACE, "optimizer": OPTIMIZERS}}},
            r"space\.optimizer: one of lion, sgd, adam, there one of adam, sgd",
        ),
        ({"architecture": {"space": DISCRETE}}, r"momentum: absent, there float 0\.5 to 0\.99"),
        ({"architecture": {"fixed": {"epochs": 5}}}, r"fixed\.epochs: 5, there 3"),
        (
            {"architecture": {"enqueue": [{"layers": 2}]}},
            r"enqueue: \[\{layers: 2\}\], there \[\]",
        ),
        ({"objective": {"metric": "val_loss"}}, r"metric: val_loss, there val_accuracy"),
    ],
)
def test_a_different_space_is_told_parameter_by_parameter(
    storage_url: str, change: dict[str, Any], message: str
) -> None:
    open_it(storage_url, make_spec())
    for resume in (True, False):
        with pytest.raises(SpecError, match="exists with a different space.*" + message):
            check_study(storage_url, make_spec(**change), resume=resume)
        with pytest.raises(SpecError, match="`hpo delete study`"):
            open_it(storage_url, make_spec(**change), resume=resume)
    assert read_spec(storage_url, "study") == make_spec()


def test_wrong_options_leave_no_study_behind(storage_url: str) -> None:
    changes: list[dict[str, Any]] = [
        {"sampler": {"name": "tpe", "x": 1}},
        {"pruner": {"name": "median", "x": 1}},
    ]
    for change in changes:
        with pytest.raises(SpecError, match="no option 'x'"):
            open_it(storage_url, make_spec(**change))
    assert list_studies(storage_url) == []


def test_studies_are_summarised_and_deleted(storage_url: str) -> None:
    spec = make_spec(4)
    run(open_it(storage_url, spec), spec)
    open_it(storage_url, make_spec(name="another"))
    one, two = sorted(list_studies(storage_url), key=lambda s: s.name)
    assert (one.name, one.states, one.best_value) == ("another", {}, None)
    best = max(read_trials(storage_url, "study"), key=lambda r: r.value or -9)
    assert (two.best_value, two.best_number) == (best.value, best.number)
    assert (two.states, two.trials, two.metric) == ({"complete": 4}, 4, "val_accuracy")
    assert delete_study(storage_url, "study") == 4
    assert [s.name for s in list_studies(storage_url)] == ["another"]
    run(open_it(storage_url, spec), spec)


def test_a_mistyped_name_is_told_the_nearest(storage_url: str) -> None:
    open_it(storage_url, make_spec())
    for read in (read_trials, delete_study, read_spec):
        with pytest.raises(NotFoundError, match=r"'studdy'.*Did you mean 'study'\?"):
            read(storage_url, "studdy")
    with pytest.raises(NotFoundError, match="Did you mean 'cnn'"):
        read_trials(storage_url, "study", architecture="cmn")


def test_the_stored_study_file_holds_no_urls(storage_url: str) -> None:
    secret = "postgresql://me:secret@host/db"
    spec = make_spec(storage=secret, tracking={"uri": "http://me:secret@host"})
    open_it(storage_url, spec)
    assert "secret" not in str(read_spec(storage_url, "study"))


def test_a_study_file_that_leaves_an_architecture_out_is_the_last_one_run(storage_url: str) -> None:
    both = make_spec(2)
    section = both.architectures["cnn"]
    both = both.model_copy(update={"architectures": {"cnn": section, "net": section}})
    open_engine(storage_url, both, "cnn")
    (begun,) = list_studies(storage_url)
    assert begun.architectures == ["cnn", "net"]
    open_engine(storage_url, both, "net")
    assert read_spec(storage_url, "study") == both
    budget = both.budget.model_copy(update={"trials": 5})
    later = both.model_copy(update={"architectures": {"net": section}, "budget": budget})
    open_engine(storage_url, later, "net", resume=True)
    assert read_spec(storage_url, "study") == later
    assert read_spec(storage_url, "study", architecture="cnn") == both
    (summary,) = list_studies(storage_url)
    assert (summary.trials, summary.architectures) == (5, ["cnn", "net"])
