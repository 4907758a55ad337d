"""What every backend of Keras must do: learn, repeat itself, and compute what the others do.

TensorFlow and JAX are part of the test environment; PyTorch is tested where it is installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpo.data.store import write_faces
from tests.endtoend.bars import bars

pytestmark = pytest.mark.keras

BACKENDS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(name) is None, reason=f"{name} is not installed"
        ),
    )
    for name in ("jax", "torch")
]


def on(backend: str, dataset: Path, weights: Path) -> dict[str, Any]:
    # What configured the backend of these tests has told where JAX keeps what it compiled.
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.on_a_backend", str(dataset), str(weights)],
        env={**env, "KERAS_BACKEND": backend, "XDG_CACHE_HOME": str(dataset / "cache")},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == backend
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backends")
    splits = {"train": bars(192, 0), "validation": bars(70, 1)}
    write_faces(folder / "bars", "bars", splits, {"kind": "test"})
    return folder / "bars"


@pytest.fixture(scope="module")
def tensorflow(dataset: Path) -> dict[str, Any]:
    return on("tensorflow", dataset, dataset / "weights.npz")


def assert_alike(
    epochs: list[dict[str, float]], others: list[dict[str, float]], loss_tolerance: float
) -> None:
    """Compare losses closely; of answers, which rounding may turn, a few faces may differ."""
    for first, second in zip(epochs, others, strict=True):
        for name, value in first.items():
            if "loss" in name or name == "learning_rate":
                assert value == pytest.approx(second[name], rel=loss_tolerance), name
            else:
                assert value == pytest.approx(second[name], abs=0.06), name


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_repeats_itself_and_agrees_with_tensorflow(
    name: str, dataset: Path, tensorflow: dict[str, Any]
) -> None:
    found = on(name, dataset, dataset / "weights.npz")
    for once, again in (found["trials"], found["looped"]):
        assert len(once) == 2
        for first, second in zip(once, again, strict=True):
            # Threads may split sums differently, as in the same test of TensorFlow's.
            assert second == pytest.approx(first, rel=1e-4)
    # From equal weights, on equal batches and without dropout, only rounding differs.
    assert len(found["losses"]) == 5
    assert found["losses"] == pytest.approx(tensorflow["losses"], abs=1e-3)
    assert found["losses"][0] != found["losses"][-1], "the steps change the weights"
    # Nor does it over epochs, whose steps JAX takes by another loop.
    assert_alike(found["epochs"], tensorflow["epochs"], 5e-3)
    if name == "jax":  # Its faces are changed on the device on a processor, too.
        assert_alike(found["looped"][0], found["trials"][0], 2e-3)
    # On an accelerator all of them change the same faces in the same way, and learn the same.
    assert_alike(found["resident"], tensorflow["resident"], 5e-3)
    if name == "jax":
        compiled = list((dataset / "cache" / "hpo" / "jax").iterdir())
        assert compiled, "the next trial's process need not compile the same network"
