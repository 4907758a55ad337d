"""What ``benchmarks/headline.py`` makes of a network that fails, and of a folder of another run."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import headline
from hpo.spec.errors import InputError


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
