"""A packed model is read back whole, or known to be damaged and where. No Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, EnvironmentProblem, IntegrityError, NotFoundError
from hpo.training import packed_files
from hpo.training.packed import PackedModel, describe_packed, write_packed
from hpo.training.packed_files import DOCUMENT, read_arrays


class Model:
    """What packing asks of a model."""

    input_shape = (None, 48, 48, 1)

    def __init__(self, *arrays: Any) -> None:
        self._arrays = arrays

    def get_weights(self) -> list[Any]:
        return list(self._arrays)


def some_arrays(kernels: int = 3) -> list[Any]:
    generator = np.random.default_rng(0)
    arrays: list[Any] = []
    for _ in range(kernels):
        arrays.append(generator.normal(0, 0.05, (3, 3, 8, 8)).astype(np.float32))
        arrays.append(generator.normal(0, 1, 8).astype(np.float32))
    return arrays


def write(folder: Path, arrays: list[Any], **changes: Any) -> PackedModel:
    said: dict[str, Any] = {
        "architecture": "cnn",
        "params": {"width": 16, "learning_rate": 0.1},
        "classes": EMOTIONS,
        "facts": {"metrics": {"val_accuracy": 0.5}},
        **changes,
    }
    return write_packed(Model(*arrays), folder, **said)


def test_what_was_said_is_read_back(tmp_path: Path) -> None:
    written = write(tmp_path, some_arrays())
    assert describe_packed(tmp_path) == written
    assert written.params == {"width": 16, "learning_rate": 0.1}
    assert written.classes == EMOTIONS
    assert written.input_shape == (48, 48, 1)
    assert written.facts["metrics"]["val_accuracy"] == 0.5
    assert written.size == (tmp_path / "weights-1.npz").stat().st_size


def test_kernels_come_back_within_float16_and_vectors_exactly(tmp_path: Path) -> None:
    arrays = some_arrays()
    back = read_arrays(tmp_path, write(tmp_path, arrays))
    assert [a.shape for a in back] == [a.shape for a in arrays]
    for array, again in zip(arrays, back, strict=True):
        assert again.dtype == np.float32
        if array.ndim == 1:
            np.testing.assert_array_equal(again, array)
        else:
            np.testing.assert_allclose(again, array, atol=2**-11 * float(np.abs(array).max()))


def test_numbers_that_float16_cannot_hold_stay_float32(tmp_path: Path) -> None:
    variance = np.array([1e-9, 1e6], np.float32)
    huge, tiny = np.full((2, 2), 7e4, np.float32), np.full((2, 2), 1e-7, np.float32)
    back = read_arrays(tmp_path, write(tmp_path, [variance, huge, tiny]))
    for array, again in zip([variance, huge, tiny], back, strict=True):
        np.testing.assert_array_equal(again, array)


def test_parts_are_no_larger_than_asked(tmp_path: Path) -> None:
    arrays = some_arrays(9)
    written = write(tmp_path, arrays, most_bytes=8000)
    assert len(written.parts) > 2
    for part in written.parts:
        assert (tmp_path / part["name"]).stat().st_size == part["bytes"] <= 8000
    for array, again in zip(arrays, read_arrays(tmp_path, written), strict=True):
        np.testing.assert_allclose(again, array, atol=1e-3)


def test_an_array_larger_than_a_part_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="weight 0 of the model is larger"):
        write(tmp_path / "model", some_arrays(), most_bytes=1500)
    assert not (tmp_path / "model").exists()


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="weight 1 of the model is not finite"):
        write(tmp_path, [np.zeros((2, 2)), np.array([np.nan])])


def test_facts_that_are_no_plain_data_are_refused(tmp_path: Path) -> None:
    for facts in ({"value": float("nan")}, {"folder": tmp_path}):
        with pytest.raises(DataError, match="plain data"):
            write(tmp_path, some_arrays(), facts=facts)


def test_a_smaller_model_replaces_a_larger_one_and_leaves_other_files(tmp_path: Path) -> None:
    (tmp_path / "MODEL_CARD.md").write_text("card")
    write(tmp_path, some_arrays(9), most_bytes=8000)
    write(tmp_path, some_arrays(1))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["MODEL_CARD.md", DOCUMENT, "weights-1.npz"]
    assert len(read_arrays(tmp_path, describe_packed(tmp_path))) == 2


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a", some_arrays())
    assert first == write(tmp_path / "b", some_arrays())


def test_a_folder_without_a_document_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no packed model"):
        describe_packed(tmp_path)


def test_a_changed_figure_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, some_arrays())
    path = tmp_path / DOCUMENT
    path.write_text(path.read_text().replace('"val_accuracy": 0.5', '"val_accuracy": 0.9'))
    with pytest.raises(IntegrityError, match="damaged"):
        describe_packed(tmp_path)


def test_another_format_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_files, "FORMAT", 99)
    write(tmp_path, some_arrays())
    monkeypatch.undo()
    with pytest.raises(IntegrityError, match=r"Expected format 1; got format 99.*version of hpo"):
        describe_packed(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"sha256": 1, "format": 1}'])
def test_a_broken_document_is_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / DOCUMENT).write_text(text)
    with pytest.raises(IntegrityError):
        describe_packed(tmp_path)


def test_changed_or_missing_weights_are_damage(tmp_path: Path) -> None:
    described = write(tmp_path, some_arrays())
    path = tmp_path / "weights-1.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"weights-1\.npz: this packed model is damaged"):
        read_arrays(tmp_path, described)
    path.unlink()
    with pytest.raises(IntegrityError, match=r"got nothing"):
        read_arrays(tmp_path, described)


def test_a_part_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "model", some_arrays())
    path = tmp_path / "model" / DOCUMENT
    document = json.loads(path.read_text())
    del document["sha256"]
    document["parts"][0]["name"] = "../weights-1.npz"
    document["sha256"] = packed_files._digest(document)
    path.write_text(json.dumps(document))
    with pytest.raises(IntegrityError, match="part named"):
        read_arrays(tmp_path / "model", describe_packed(tmp_path / "model"))


def test_a_folder_that_cannot_be_made_is_an_environment_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="cannot write the packed model"):
        write(tmp_path / "file" / "model", some_arrays())
