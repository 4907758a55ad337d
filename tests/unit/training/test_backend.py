"""What is loaded before the first fork, without loading it here."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest

from hpo.data.decoding import MAX_PIXELS
from hpo.spec.errors import EnvironmentProblem
from hpo.training import backend


def test_opencv_is_preloaded_through_its_door(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set and deleted, so that it is as before after the test whatever the code does.
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "1")
    monkeypatch.delenv("OPENCV_IO_MAX_IMAGE_PIXELS")
    # What an import of it raises where the machine lacks a library.
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(EnvironmentProblem, match=r"OpenCV cannot be loaded.*apt-get install"):
        backend.preload()
    assert os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] == str(MAX_PIXELS)


def test_what_keras_dies_of_is_a_problem_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(name: str) -> None:
        raise ValueError(f"not {name}")

    monkeypatch.setattr(backend, "opencv", lambda: None)
    monkeypatch.setattr(importlib, "import_module", dies)
    with pytest.raises(EnvironmentProblem, match=r"cannot import h5py.*got not h5py"):
        backend.preload()
