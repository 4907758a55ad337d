"""Which backend Keras has, and what its environment says, without loading one."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from hpo.spec.errors import EnvironmentProblem
from hpo.training import backend_choice


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("jx", r"names no backend\. Expected tensorflow, jax or torch; got 'jx'"),
        ("torch", r"'torch', which KERAS_BACKEND names, is not installed.*'hpo\[torch\]'"),
    ],
)
def test_a_backend_that_is_none_or_absent_is_told_before_anything_begins(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(EnvironmentProblem, match=told):
        backend_choice.configure()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tensorflow", None, "on"),
        ("tensorflow", "1", "on"),
        ("tensorflow", "0", "off"),
        ("tensorflow", "false", "off"),
        ("jax", "0", ""),
    ],
)
def test_whether_tensorflow_has_onednn_is_read_in_the_environment(
    name: str, value: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_choice, "backend_name", lambda: name)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", value)
    assert backend_choice.onednn() == expected
