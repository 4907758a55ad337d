from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from hpo.architectures.architecture import Architecture, PublishedWeights, load
from hpo.architectures.weights import cached_file, check_weights
from hpo.spec.errors import EnvironmentProblem, NotFoundError, SpecError

HDF5 = b"\x89HDF\r\n\x1a\n" + b"weights"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "models"


def published_at(url: str) -> Architecture:
    """ResNet50 as if its weights were at ``url`` and eight bytes and a word long."""
    weights = PublishedWeights(url, hashlib.md5(HDF5).hexdigest(), 1)
    return dataclasses.replace(load("resnet50"), imagenet=weights)


def test_an_architecture_without_a_base_takes_no_weights() -> None:
    assert check_weights("cnn", None) == "none"
    assert check_weights("cnn", "none") == "none"
    with pytest.raises(SpecError, match="takes no weights"):
        check_weights("cnn", "imagenet")


def test_no_weights_under_a_trained_base_are_fine() -> None:
    assert check_weights("resnet50", "none", {"unfreeze": "all"}) == "none"


@pytest.mark.parametrize(
    ("params", "way_on"),
    [
        ({"unfreeze": "none"}, "--set architectures.resnet50.fixed.unfreeze=all"),
        ({"unfreeze": "last_two"}, "--set architectures.resnet50.fixed.unfreeze=all"),
        ({"head_epochs": 2}, "--set architectures.resnet50.fixed.head_epochs=0"),
    ],
)
def test_a_frozen_base_without_weights_is_refused(params: dict[str, object], way_on: str) -> None:
    with pytest.raises(SpecError, match="learns nothing") as caught:
        check_weights("resnet50", "none", params, where="study.yaml:9")
    assert way_on in str(caught.value)
    assert "study.yaml:9" in str(caught.value)


def test_weights_that_cannot_be_had_name_the_ways_on_and_leave_nothing(
    cache: Path, tmp_path: Path
) -> None:
    architecture = published_at((tmp_path / "absent" / "resnet50_notop.h5").as_uri())
    with pytest.raises(EnvironmentProblem) as caught:
        check_weights(architecture, "imagenet", {"unfreeze": "none"})
    text = str(caught.value)
    assert "--set architectures.resnet50.weights=none" in text
    assert "--set architectures.resnet50.fixed.unfreeze=all" in text
    assert str(cache / "resnet50_notop.h5") in text
    assert caught.value.exit_code == 3
    assert list(cache.iterdir()) == []


def test_a_download_lands_in_the_cache_and_is_not_repeated(cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "resnet50_notop.h5"
    source.write_bytes(HDF5)
    architecture = published_at(source.as_uri())
    assert check_weights(architecture, None) == "imagenet"
    assert architecture.imagenet is not None
    assert cached_file(architecture.imagenet).read_bytes() == HDF5
    source.unlink()
    assert check_weights(architecture, "imagenet") == "imagenet"


def test_a_download_of_other_bytes_is_thrown_away(cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "resnet50_notop.h5"
    source.write_bytes(b"<html>please log in</html>")
    with pytest.raises(EnvironmentProblem, match="checksum"):
        check_weights(published_at(source.as_uri()), "imagenet")
    assert list(cache.iterdir()) == []


def test_a_local_file_is_named_with_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "mine.weights.h5"
    file.write_bytes(HDF5)
    expected = f"mine.weights.h5 sha256:{hashlib.sha256(HDF5).hexdigest()}"
    assert check_weights("xception", str(file), {"unfreeze": "none"}) == expected


def test_a_file_that_is_absent_or_no_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no weights file"):
        check_weights("xception", str(tmp_path / "absent.h5"))
    (tmp_path / "text.h5").write_text("no weights")
    (tmp_path / "mine.ckpt").write_bytes(HDF5)
    for name in ("text.h5", "mine.ckpt"):
        with pytest.raises(SpecError, match="is no file of weights"):
            check_weights("xception", str(tmp_path / name))
