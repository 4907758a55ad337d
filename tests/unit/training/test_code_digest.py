"""What is kept of an earlier code is found under another key."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from hpo.architectures.architecture import load
from hpo.training.code_digest import code_of, our_code


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A researcher's architecture, and a module that it imports."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_layers.py").write_text("FACTOR = 1\n")
    (tmp_path / "own_network.py").write_text(
        "from own_layers import FACTOR\n\n\ndef build(params, input_shape, classes):\n"
        "    return FACTOR\n"
    )
    for name in ("own_layers", "own_network"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["own_layers.py", "own_network.py"])
def test_a_change_of_ones_own_code_is_another_code(own: Path, name: str) -> None:
    build = load("own_network:build").build
    before = code_of(build)
    assert code_of(build) == before
    file = own / name
    file.write_text(file.read_text() + "# another line\n")
    assert code_of(build) != before
    for module in ("own_layers", "own_network"):
        del sys.modules[module]


def test_one_that_is_installed_counts_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    package = importlib.import_module("pluggy")  # Any installed one.
    monkeypatch.setattr("hpo.training.code_digest.sys.modules", {"pluggy": package})

    def build() -> None: ...

    build.__module__ = "pluggy"
    found = code_of(build)
    build.__module__ = "another"
    assert code_of(build) != found


def test_what_comes_with_hpo_has_one_code_whatever_else_is_loaded(own: Path) -> None:
    before = code_of(load("cnn").build)
    importlib.import_module("own_network")
    assert code_of(load("cnn").build) == before == our_code()
    for module in ("own_layers", "own_network"):
        del sys.modules[module]
