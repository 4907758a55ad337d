"""Sets of features on disk: computed once, never stale, whole or computed anew. No Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hpo.spec.errors import InputError
from hpo.training.features import Features, FeatureStore

SHAPE = (10, 3)


class Base:
    """Computes features in batches, and counts how often it was asked."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor, self.asked = factor, 0

    def __call__(self) -> Iterator[Features]:
        self.asked += 1
        everything = self.factor * np.arange(30, dtype=np.float32).reshape(SHAPE)
        yield everything[:6]
        yield everything[6:]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features", most_bytes=10_000)


def test_features_are_computed_once_for_a_key(store: FeatureStore) -> None:
    base = Base()
    for _ in range(2):
        found = store.get({"weights": "a", "view": 0}, SHAPE, base)
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, np.arange(30).reshape(SHAPE))
    assert base.asked == 1
    store.get({"weights": "b", "view": 0}, SHAPE, base)
    assert base.asked == 2


@pytest.mark.parametrize("damage", ["flip", "cut", "no document", "half a document", "no array"])
def test_a_damaged_set_is_computed_anew(store: FeatureStore, damage: str) -> None:
    base = Base()
    store.get({"k": 1}, SHAPE, base)
    (array,), (document,) = store.folder.glob("*.npy"), store.folder.glob("*.json")
    whole = array.read_bytes()
    if damage == "flip":
        array.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif damage == "cut":
        array.write_bytes(whole[:-10])
    elif damage == "no document":
        document.unlink()
    elif damage == "half a document":
        document.write_text(document.read_text()[:20])
    else:
        array.unlink()
    found = store.get({"k": 1}, SHAPE, base)
    assert base.asked == 2
    np.testing.assert_array_equal(found, np.arange(30).reshape(SHAPE))
    assert store.get({"k": 1}, SHAPE, base) is not None
    assert base.asked == 2


def test_a_document_that_was_changed_is_none(store: FeatureStore) -> None:
    key, facts = {"base": "resnet50"}, {"config": {"epsilon": 1.001e-05}, "shape": [3, 3]}
    store.keep_file(key, 8, lambda path: path.write_bytes(b"weights!") and None, facts)
    found = store.find_file(key)
    assert found is not None
    found[0].close()
    assert found[1] == facts
    (document,) = store.folder.glob("*.json")
    document.write_text(document.read_text().replace("1.001e-05", "5.001e-05"))
    assert store.find_file(key) is None
    # It is made anew.
    store.keep_file(key, 8, lambda path: path.write_bytes(b"weights!") and None, facts)
    found = store.find_file(key)
    assert found is not None
    found[0].close()
    assert found[1] == facts


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, most_bytes=400)
    base = Base()
    for k in range(2):
        store.get({"k": k}, SHAPE, base)
        (new,) = [d for d in tmp_path.glob("*.json") if json.loads(d.read_text())["key"]["k"] == k]
        os.utime(new, (1000 + k, 1000 + k))
    store.get({"k": 0}, SHAPE, base)  # used again
    store.get({"k": 2}, SHAPE, base)
    kept = sorted(json.loads(d.read_text())["key"]["k"] for d in tmp_path.glob("*.json"))
    assert kept == [0, 2]
    assert len(list(tmp_path.glob("*.npy"))) == 2


WRITER = """
import sys, time
from pathlib import Path
from hpo.training.features import FeatureStore

def write(part):
    part.write_bytes(bytes(400))
    print("half", flush=True)
    time.sleep(60)

FeatureStore(Path(sys.argv[1]), 1000).keep_file({"k": "theirs"}, 450, write, {})
"""


def test_what_is_being_written_counts_and_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    other = tmp_path / "other.part"
    other.write_text("nothing of the store's")
    base, mine = Base(), {"k": "mine"}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "half\n"
            (part,) = set(tmp_path.glob("*.part")) - {other}
            # 60 bytes have room enough without what the other writes, and not beside it.
            FeatureStore(tmp_path, 459).get(mine, SHAPE, base)
            assert part.exists()
            assert list(tmp_path.glob("*.npy")) == []
            FeatureStore(tmp_path, 460).get(mine, SHAPE, base)
            assert part.exists()
            assert len(list(tmp_path.glob("*.npy"))) == 1
        finally:
            writer.kill()
    FeatureStore(tmp_path, 460).get({"k": "next"}, SHAPE, base)
    assert set(tmp_path.glob("*.part")) == {other}
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert base.asked == 3


@pytest.mark.parametrize("again", [{"k": 1}, {"k": 2}])
def test_an_array_whose_writer_died_before_its_document_goes(
    tmp_path: Path, again: dict[str, int]
) -> None:
    store = FeatureStore(tmp_path, most_bytes=400)
    store.get({"k": 1}, SHAPE, Base())
    (array,), (document,) = tmp_path.glob("*.npy"), tmp_path.glob("*.json")
    document.unlink()
    array.write_bytes(bytes(400))
    store.get(again, SHAPE, Base())
    (left,) = tmp_path.glob("*.npy")
    assert left.stat().st_size < 400


def test_a_set_beyond_the_budget_stays_in_memory(tmp_path: Path) -> None:
    base = Base()
    found = FeatureStore(tmp_path, most_bytes=59).get({}, SHAPE, base)
    np.testing.assert_array_equal(found, np.arange(30).reshape(SHAPE))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_the_cache_and_not_the_trial(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    base = Base()
    found = FeatureStore(tmp_path / "file" / "features").get({}, SHAPE, base)
    np.testing.assert_array_equal(found, np.arange(30).reshape(SHAPE))
    assert base.asked == 1


def test_features_too_large_for_half_precision_are_kept_in_single(store: FeatureStore) -> None:
    found = store.get({}, SHAPE, Base(factor=1e4))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 1e4 * np.arange(30).reshape(SHAPE))


def test_who_asks_meanwhile_waits_and_computes_nothing(store: FeatureStore) -> None:
    base = Base()

    def slowly() -> Iterator[Features]:
        for batch in base():
            time.sleep(0.05)
            yield batch

    threads = [threading.Thread(target=store.get, args=({}, SHAPE, slowly)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert base.asked == 1


@pytest.mark.parametrize("said", ["x", "-1", "nan", "inf", "10 GiB"])
def test_a_room_that_is_no_size_is_told_by_its_variable(
    said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HPO_FEATURES_GIB", said)
    words = rf"HPO_FEATURES_GIB.* a number of GiB from 0, such as 2\.5; got '{said}'"
    with pytest.raises(InputError, match=words):
        FeatureStore(tmp_path)


@pytest.mark.parametrize(("said", "gib"), [("0.5", 0.5), ("0", 0.0), ("", 10.0)])
def test_a_room_is_read_in_gib(
    said: str, gib: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HPO_FEATURES_GIB", said)
    assert FeatureStore(tmp_path).most_bytes == gib * 2**30
