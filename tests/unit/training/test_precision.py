"""Which precision ``auto`` takes, and what of it a machine remembers. No Keras: rates are given."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hpo.training import backend, backend_choice, precision
from hpo.training.precision import Choice, choose, file


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(backend_choice, "backend_name", lambda: "tensorflow")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(backend, "versions", lambda: {"backend": "tensorflow", "tensorflow": "2"})
    monkeypatch.setattr(backend, "device_name", lambda: "a processor")
    monkeypatch.setattr(backend, "prepare", lambda **given: None)


def rates(monkeypatch: pytest.MonkeyPatch, plain: float, half: float) -> list[str]:
    """Let measurements give these rates; return the list of what is measured."""
    measured: list[str] = []

    def measure(*given: Any) -> dict[str, float]:
        measured.extend(precision.PRECISIONS)
        return {"float32": plain, "mixed_bfloat16": half}

    monkeypatch.setattr(precision, "_images_per_second", measure)
    return measured


def chosen(**params: Any) -> Choice:
    return choose("cnn", params, lambda: None, (48, 48, 1), 7, 2)


@pytest.mark.parametrize(
    ("plain", "half", "expected"),
    [(100.0, 180.0, "mixed_bfloat16"), (100.0, 104.0, "float32"), (73.0, 66.0, "float32")],
)
def test_bfloat16_is_taken_where_it_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, plain: float, half: float, expected: str
) -> None:
    rates(monkeypatch, plain, half)
    choice = chosen()
    assert choice.precision == expected
    assert choice.images_per_second == {"float32": plain, "mixed_bfloat16": half}
    assert choice.note.startswith(f"precision {expected}: {half:.0f} faces/s in bfloat16")


def test_a_moment_of_other_work_slows_both(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, steps = [0.0], []

    class Network:
        """A step takes a second, in bfloat16 half of one, and ten times that for six steps."""

        def __init__(self) -> None:
            self.factor = 0.5 if policies[-1] == "mixed_bfloat16" else 1.0

        def compile(self, **given: Any) -> None: ...

        def train_on_batch(self, faces: Any, labels: Any) -> None:
            steps.append(self)
            busy = 10.0 if 8 <= len(steps) < 14 else 1.0
            clock[0] += self.factor * busy

    policies: list[str] = []
    monkeypatch.setattr(backend, "prepare", lambda **given: policies.append(given["precision"]))
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(precision, "_MOST_SECONDS", 100.0)
    found = precision._images_per_second(Network, (48, 48, 1), 7, 2)
    assert found == {"float32": 64.0, "mixed_bfloat16": 128.0}


def test_a_machine_measures_once_for_each_family_and_side(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    assert chosen(family="thesis") == chosen(family="thesis", dense=64)
    assert len(measured) == 2
    chosen(family="resnet")
    chosen(family="thesis", crop=40)
    assert len(measured) == 6
    # What is slow without oneDNN says nothing of how it is with it.
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    chosen(family="resnet")
    assert len(measured) == 8


def test_a_search_over_widths_measures_each_doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    for width in range(8, 65):
        chosen(family="vgg-bn", width=width)
    assert len(json.loads(file().read_text())) == 4
    assert len(measured) == 8
    rates(monkeypatch, 250.0, 90.0)
    assert chosen(family="vgg-bn", width=9).precision == "mixed_bfloat16", "as 8 was measured"
    assert chosen(family="vgg-bn", width=128).precision == "float32", "of its own size"


def test_an_own_network_is_told_by_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    for side, params in ((10, {"width": 1}), (11, {"width": 9}), (40, {"width": 2})):
        network = SimpleNamespace(weights=[SimpleNamespace(shape=(side, side))])
        choose("mine:build", params, lambda made=network: made, (48, 48, 1), 7, 2)
    assert len(measured) == 4


def test_a_pretrained_base_is_told_by_its_side_and_not_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    for side in (48, 48, 96):
        choose("resnet50", {"input_size": side}, lambda: 1 / 0, (48, 48, 1), 7, 2)
    assert len(measured) == 4


def test_what_was_measured_for_all_widths_at_once_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    chosen(width=32)
    (key,) = json.loads(file().read_text())
    before = " | ".join(part for part in key.split(" | ") if "multiplications" not in part)
    assert before != key
    file().write_text(json.dumps({before: {"float32": 250.0, "mixed_bfloat16": 90.0}}))
    assert chosen(width=32).precision == "mixed_bfloat16"
    assert len(measured) == 4


def test_another_device_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    chosen()
    monkeypatch.setattr(backend, "device_name", lambda: "another processor")
    chosen()
    assert len(measured) == 4


@pytest.mark.parametrize("damaged", ["{", "[]", '{"KEY": {"float32": 0}}', '{"KEY": 3}'])
def test_damaged_measurements_are_made_again(monkeypatch: pytest.MonkeyPatch, damaged: str) -> None:
    measured = rates(monkeypatch, 100.0, 180.0)
    chosen()
    (key,) = json.loads(file().read_text())
    file().write_text(damaged.replace("KEY", key))
    assert chosen().precision == "mixed_bfloat16"
    assert len(measured) == 4
    assert list(json.loads(file().read_text())) == [key]


def test_a_cache_that_cannot_be_written_leaves_float32(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rates(monkeypatch, 100.0, 180.0)
    (tmp_path / "cache").write_text("no folder")
    choice = chosen()
    assert choice.precision == "float32"
    assert "precision.json" in choice.note
