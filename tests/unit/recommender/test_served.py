"""The served model: a request is checked whole before memory is spent on any of its photos."""

from __future__ import annotations

import base64
import struct
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpo.recommender.photos import MAX_BYTES, Photo
from hpo.recommender.recommend import FaceAnswer


@pytest.fixture(scope="module")
def served() -> ModuleType:
    from hpo.recommender import served  # Loads MLflow: only where a test needs it.

    return served


class Log(list[str]):
    """Stands in for the recommender, and takes down what was done in which order."""

    def recommend(self, photo: Photo, top: int) -> list[FaceAnswer]:
        self.append(f"answer {photo.shape[1]}")
        return [FaceAnswer((0, 0, 9, 9), "happy", 1.0, {"happy": 1.0}, "Happy")] * top


@pytest.fixture
def log(served: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    decode = served.decode_photo

    def decoding(data: bytes, where: str) -> Photo:
        photo: Photo = decode(data, where)
        log.append(f"decode {photo.shape[1]}")
        return photo

    monkeypatch.setattr(served, "decode_photo", decoding)
    return log


def ask(served: ModuleType, log: Log, *rows: Any, **params: Any) -> list[list[dict[str, Any]]]:
    model = served.SongRecommender()
    model._recommender = log
    return model.predict(None, pd.DataFrame({"image": rows}), params)


def photo(width: int, suffix: str = ".png") -> str:
    import cv2

    data = cv2.imencode(suffix, np.zeros((8, width, 3), np.uint8))[1].tobytes()
    return base64.b64encode(data).decode()


def test_photos_are_decoded_one_at_a_time(served: ModuleType, log: Log) -> None:
    answers = ask(served, log, photo(11), photo(12), photo(13), top=2)

    assert [len(faces) for faces in answers] == [2, 2, 2]
    assert log == [f"{what} {n}" for n in (11, 12, 13) for what in ("decode", "answer")]


def test_base64_may_have_lines_and_a_data_url(served: ModuleType, log: Log) -> None:
    text = photo(11)
    lines = f"data:image/png;base64,{text[:40]}\r\n {text[40:]}\n"

    assert len(ask(served, log, lines, base64.b64decode(text))) == 2


def bomb() -> str:
    tags = [(256, 4, 1, 20_000), (257, 4, 1, 20_000)]
    data = struct.pack("<2sHIH", b"II", 42, 8, 2) + b"".join(
        struct.pack("<HHII", *tag) for tag in tags
    )
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (bomb(), "row 1: this photo has too many pixels.*20000×20000"),
        (base64.b64encode(b"no photo").decode(), "row 1: this is no photo"),
        ("", "row 1: this photo is empty"),
        ("a", "row 1: not base64"),
        ("grüß", "row 1: not base64"),
        (7, "row 1: expected base64 text, got int"),
        ("A" * (2 * MAX_BYTES + 1), "row 1: expected at most 64 MiB as base64"),
    ],
    ids=["bomb", "text", "empty", "short", "umlauts", "number", "long"],
)
def test_one_wrong_row_refuses_the_request_before_any_is_decoded(
    served: ModuleType, log: Log, row: Any, message: str
) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match=message) as caught:
        ask(served, log, photo(11), row)
    assert caught.value.get_http_status_code() == 400
    assert log == []


def test_too_many_rows_and_no_songs_are_refused(served: ModuleType, log: Log) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="at most 1000 photos in a request, got 1001"):
        ask(served, log, *[photo(11)] * 1001)
    with pytest.raises(MlflowException, match="so few songs"):
        ask(served, log, photo(11), top=0)
    assert log == []
