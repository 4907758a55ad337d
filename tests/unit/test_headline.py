"""What ``benchmarks/headline.py`` makes of a network that fails, and of one trained in pieces."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import headline
from hpo.spec.errors import InputError
from hpo.spec.records import EpochReport, TrialJob
from hpo.training.loop import EpochLoop
from hpo.training.parameters import TrainingParameters
from hpo.training.state import StateUnusable, TrainingState, finished_epochs, write_state
from hpo.training.validation import Judgement


class Faces:
    """A dataset of which only the manifest is asked."""

    splits = ("train", "validation")

    def __init__(self, digest: str = "sha256:a") -> None:
        self.digest = digest
        counts: dict[str, Any] = {"train": {"count": 28709}, "validation": {"count": 3589}}
        self.manifest = {"digest": digest, "splits": counts}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Networks are done as soon as they are started; the resnet recipe ends by a segfault."""
    names: list[str] = []

    class Process:
        def __init__(self, words: list[str]) -> None:
            name, out = words[words.index("--only") + 1], Path(words[words.index("--out") + 1])
            names.append(name)
            self.returncode = -11 if name == "recipe-resnet" else 0
            if not self.returncode:
                told = {"accuracy": 0.5, "accuracy_views": 0.6}
                headline._write_json(out / "results" / f"{name}.json", told)

        def poll(self) -> int:
            return self.returncode

    monkeypatch.setattr(headline.subprocess, "Popen", Process)
    monkeypatch.setattr(headline, "open_faces", lambda folder: Faces())
    monkeypatch.setattr(headline, "summarise", lambda *given: {"groups": {}})
    monkeypatch.setattr(headline, "draw", lambda out: "")
    monkeypatch.setattr(headline.time, "sleep", lambda seconds: None)
    return names


def test_a_network_that_fails_is_told_and_what_does_not_hang_on_it_is_trained(
    trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words = ["headline.py", "faces", "--out", str(tmp_path), "--scale", "tiny"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        headline.main()
    assert ended.value.code == 1
    summary = json.loads((tmp_path / "headline.json").read_text())
    assert summary["failed"] == {"recipe-resnet": -11}
    assert summary["left"] == ["recipe-resnet", "cnn-1", "cnn-2"]
    assert trained.count("recipe-resnet") == 1
    assert {"resnet50-1", "xception-1", "compact-2", "thesis-cnn-2"} <= set(trained)
    assert (
        "left: recipe-resnet (failed with exit code -11), cnn-1, cnn-2; the same command goes on"
        in capsys.readouterr().out
    )


def test_a_folder_goes_on_with_what_it_was_begun_with_alone(tmp_path: Path) -> None:
    faces: Any = Faces()
    for _ in range(2):
        headline.keep_to(tmp_path, faces, "tiny")
    with pytest.raises(InputError, match=r"scale tiny, .*256.*; got scale small, .*3000"):
        headline.keep_to(tmp_path, faces, "small")
    other: Any = Faces("sha256:b")
    with pytest.raises(InputError, match="dataset digest sha256:a; got dataset digest sha256:b"):
        headline.keep_to(tmp_path, other, "tiny")


def test_pretrained_weights_may_come_later_and_stay_what_they_are(tmp_path: Path) -> None:
    faces: Any = Faces()
    headline.keep_to(tmp_path, faces, "tiny")
    headline.keep_to(tmp_path, faces, "tiny", {"resnet50": "imagenet"})
    headline.keep_to(tmp_path, faces, "tiny", {"xception": "own.h5 sha256:1"})
    headline.keep_to(tmp_path, faces, "tiny")
    with pytest.raises(InputError, match=r"weights of xception own.h5 sha256:1; got .* sha256:2"):
        headline.keep_to(tmp_path, faces, "tiny", {"xception": "own.h5 sha256:2"})


def test_networks_with_pretrained_weights_come_beside_those_from_scratch() -> None:
    plain = headline.every_network(headline.SCALES["full"])
    scale = dataclasses.replace(headline.SCALES["full"], weights={"resnet50": "imagenet"})
    new = [n for n in headline.every_network(scale) if n not in plain]
    assert [(n.name, n.group, n.params["weights"]) for n in new] == [
        ("resnet50-pretrained-1", "resnet50-pretrained", "imagenet")
    ]
    assert new[0].params["input_size"] == 96


def test_a_recipe_that_was_chosen_before_is_not_searched_again(tmp_path: Path) -> None:
    scale = dataclasses.replace(headline.SCALES["full"], recipe="resnet")
    names = [n.name for n in headline.networks(scale, {})]
    assert not [name for name in names if name.startswith("recipe-")]
    first = next(n for n in headline.networks(scale, {}) if n.name == "cnn-1")
    assert first.params["family"] == "resnet"
    faces: Any = Faces()
    headline.keep_to(tmp_path, faces, "full", recipe="resnet")
    with pytest.raises(InputError, match="parameters digest"):
        headline.keep_to(tmp_path, faces, "full")


def test_weights_that_are_not_there_are_told_before_anything_is_written(
    trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words = ["headline.py", "faces", "--out", str(tmp_path / "new"), "--weights", "resnet50=no.h5"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        headline.main()
    assert ended.value.code == 2
    assert "there is no weights file 'no.h5'" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert not trained


def test_a_folder_of_an_earlier_version_is_taken_as_what_is_asked(tmp_path: Path) -> None:
    faces: Any = Faces()
    told = {"dataset_digest": "sha256:a", "train_faces": 256, "validation_faces": 256}
    headline._write_json(tmp_path / "results" / "recipe-vgg.json", told)
    # No number of faces of the small scale: it cannot be that.
    with pytest.raises(InputError, match="train faces 256, validation faces 256"):
        headline.keep_to(tmp_path, faces, "small")
    headline.keep_to(tmp_path, faces, "tiny")
    assert json.loads((tmp_path / headline.BEGUN_WITH).read_text())["scale"] == "tiny"


EPOCHS = 4


class Loop(EpochLoop):
    """The loop of training, over a model that is not there."""

    def _judge(self) -> Judgement:
        number = len(self.epochs) + 1
        return Judgement({"val_loss": 1.0, "val_accuracy": number / 10}, np.zeros(1), np.zeros(1))


def train(
    job: TrialJob, report: Callable[[EpochReport], None], should_stop: Callable[[], bool]
) -> Any:
    """In place of ``hpo.training.fit.train``: one step an epoch; rare states are of odd epochs."""
    model = SimpleNamespace(optimizer=SimpleNamespace(), get_weights=list)
    training, arrays = TrainingParameters(epochs=EPOCHS), {"model": [np.zeros(1)]}
    loop = Loop(job, training, model, None, 1, report, should_stop)  # type: ignore[arg-type]
    with contextlib.suppress(StateUnusable):
        loop.epochs = finished_epochs(str(job.continue_from))

    def keep_state() -> None:
        if job.seconds_between_states == 0.0 or len(loop.epochs) % 2:
            write_state(TrainingState({}, loop.epochs, {}, arrays), job.output)

    loop.keep_state = keep_state
    while len(loop.epochs) < EPOCHS:
        loop.begin_epoch()
        loop.begin_step()
        loop.end_steps(1.0)
        loop.end_epoch(1.0, 0.5)
    return SimpleNamespace(state="complete")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Of each network that was done, the numbers of its epochs."""
    numbers: list[list[int]] = []
    monkeypatch.setattr("hpo.training.fit.train", train)
    monkeypatch.setattr(headline.backend_choice, "configure", lambda: None)
    monkeypatch.setattr(headline.backend, "on_accelerator", lambda: False)
    monkeypatch.setattr(
        headline,
        "_write_result",
        lambda network, job, result, seconds, epochs, *rest: numbers.append(
            [epoch.epoch for epoch in epochs]
        ),
    )
    return numbers


TINY = headline.SCALES["tiny"]
NETWORK = headline.Network("compact-1", "compact", "cnn", {"epochs": EPOCHS}, 1)


def test_a_piece_of_no_minutes_keeps_an_epoch_and_the_curve_has_them_all(
    written: list[list[int]], tmp_path: Path
) -> None:
    for number in range(1, EPOCHS):
        with pytest.raises(headline.OutOfTime):
            headline.train_one(NETWORK, "faces", tmp_path, TINY, until=0.0)
        assert len(finished_epochs(str(tmp_path / "states" / "compact-1"))) == number
    headline.train_one(NETWORK, "faces", tmp_path, TINY, until=0.0)
    assert written == [[1, 2, 3, 4]]


def test_a_network_that_begins_anew_forgets_the_epochs_of_its_state(
    written: list[list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(headline.OutOfTime):
        headline.train_one(NETWORK, "faces", tmp_path, TINY, until=0.0)

    def anew(job: TrialJob, *told: Any) -> Any:
        return train(dataclasses.replace(job, continue_from=str(tmp_path / "none")), *told)

    monkeypatch.setattr("hpo.training.fit.train", anew)
    headline.train_one(NETWORK, "faces", tmp_path, TINY, until=float("inf"))
    assert written == [[1, 2, 3, 4]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """On an accelerator, whose epochs end at 1000, 1008, 1016 and 1024."""
    clock = SimpleNamespace(now=992.0, monotonic=lambda: 0.0, perf_counter=lambda: 0.0)

    def tick() -> float:
        clock.now += 8.0
        return clock.now

    clock.time = tick
    monkeypatch.setattr(headline.backend, "on_accelerator", lambda: True)
    monkeypatch.setattr(headline, "time", clock)
    return clock


def test_where_states_are_rare_a_piece_ends_with_the_next(
    written: list[list[int]], clock: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(headline.OutOfTime):
        headline.train_one(NETWORK, "faces", tmp_path, TINY, until=1003.0)
    assert clock.now == 1016.0
    assert len(finished_epochs(str(tmp_path / "states" / "compact-1"))) == 3


def test_a_piece_whose_state_cannot_be_written_ends_all_the_same(
    written: list[list[int]],
    clock: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "write_state", lambda *given: None)
    with pytest.raises(headline.OutOfTime):
        headline.train_one(NETWORK, "faces", tmp_path, TINY, until=995.0)
    assert clock.now == 1016.0  # More than 20 seconds over.


def test_the_summary_is_written_after_each_network(
    trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    begin = headline.subprocess.Popen

    def popen(words: list[str]) -> Any:
        if trained:
            left.append(len(json.loads((tmp_path / "headline.json").read_text())["left"]))
        return begin(words)

    monkeypatch.setattr(headline.subprocess, "Popen", popen)
    headline.run("faces", tmp_path, "tiny", float("inf"), 1)
    # Ten networks; resnet's recipe fails after one is done, and the two CNNs wait for it.
    assert left == [9, 9, 8, 7, 6, 5, 4]


def test_a_curve_that_lost_its_first_epochs_is_drawn_where_it_belongs() -> None:
    cut = {"accuracy": 0.5, "epochs_run": 4, "curve": [0.3, 0.5]}
    assert headline.curves_figure({"cnn-1": cut})["data"][0]["x"] == [3, 4]


def test_the_card_tells_the_words_that_made_the_network() -> None:
    network = dataclasses.replace(NETWORK, name="cnn-2")
    packed = "\npython -m hpo.recommender.boxing FOLDER/winners/cnn-2"
    full = headline.SCALES["full"]
    plain = "python benchmarks/headline.py DATASET --out FOLDER"
    assert headline.made_by(network, full, {"backend": "tensorflow"}) == plain + packed
    chosen = dataclasses.replace(TINY, recipe="vgg")
    assert headline.made_by(network, chosen, {"backend": "jax"}) == (
        f"KERAS_BACKEND=jax {plain} --scale tiny --recipe vgg{packed}"
    )
