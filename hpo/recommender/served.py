"""The recommender as MLflow serves it: photos as base64 in, faces with songs out.

This file itself is the model ("models from code"): MLflow stores a copy of it and runs that copy
when the model is loaded, so nothing is pickled. Nothing else imports it. ``hpo`` has to be
installed where it is served: ``mlflow models serve --env-manager local``.

Request: one column ``image``, the bytes of a photo as base64 (a ``data:`` URL is fine too), and
the optional parameter ``top``. Answer: per row a list of faces, largest first, empty without one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from hpo.data.song_csv import COLUMNS
from hpo.recommender.moods import parse_moods
from hpo.recommender.photos import MAX_BYTES, check_photo, decode_photo
from hpo.recommender.rank import check_top
from hpo.recommender.recommend import Recommender, classifier_from_keras
from hpo.spec.errors import InputError, IntegrityError

COLUMN = "image"
MAX_ROWS = 1000
"""Photos of one request; each takes a server about a tenth of a second."""
_MAX_CHARACTERS = 2 * MAX_BYTES
"""Of a row; base64 takes four characters for three bytes, and may be broken into lines."""

_WHITESPACE = b" \t\r\n\v\f"


class SongRecommender(PythonModel):  # type: ignore[misc]
    """Photos → faces → emotions → moods → songs, with one pinned classifier."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the pinned classifier, the songs and the mood table.

        Raises:
            IntegrityError: the classifier's file is not the one that was registered.
        """
        files = {name: Path(path) for name, path in context.artifacts.items()}
        manifest = json.loads(files["manifest"].read_text(encoding="utf-8"))
        for name, recorded in manifest["sha256"].items():
            got = hashlib.sha256(files[name].read_bytes()).hexdigest()
            if got != recorded:
                raise IntegrityError(
                    f"the {name} of this recommender is not the one that was registered",
                    where=str(files[name]),
                    expected=f"sha256 {recorded}",
                    got=f"sha256 {got}",
                )
        self._recommender = Recommender(
            classifier_from_keras(files["classifier"]),
            _songs(files["songs"]),
            parse_moods(files["moods"].read_text(encoding="utf-8"), "moods.yaml"),
            classes=manifest["classes"],
        )

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """Answer each row; ``params`` may hold ``top``, the songs per face.

        Headers are checked in all rows first, then one photo after the other is decoded and
        answered: a decoded photo takes a hundred times the memory of its row.

        Raises:
            MlflowException: a row holds no photo, ``top`` is no number of songs, or there are too
                many rows; the whole request is refused (HTTP 400) and names the row.
        """
        if COLUMN not in getattr(model_input, "columns", ()):
            raise _refused(f"expected one column '{COLUMN}' with base64 photos")
        if len(model_input) > MAX_ROWS:
            raise _refused(
                f"expected at most {MAX_ROWS} photos in a request, got {len(model_input)}: "
                "send them in several"
            )
        top = int((params or {}).get("top", 5))
        rows = [(value, f"row {row}") for row, value in enumerate(model_input[COLUMN])]
        try:
            check_top(top)
            for value, where in rows:
                check_photo(_encoded(value, where), where)
            return [
                [
                    face.to_json()
                    for face in self._recommender.recommend(
                        decode_photo(_encoded(value, where), where), top
                    )
                ]
                for value, where in rows
            ]
        except InputError as error:
            raise _refused(str(error)) from error


def _songs(path: Path) -> pd.DataFrame:
    # Texts stay texts: a song may be called 007, or None.
    texts = {column: str for column in COLUMNS if column != "popularity"}
    return pd.read_csv(path, dtype=texts, keep_default_na=False)


def _encoded(value: Any, where: str) -> bytes:
    """Return the image file in a row."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise _refused(f"{where}: expected base64 text, got {type(value).__name__}")
    if len(value) > _MAX_CHARACTERS:
        raise _refused(f"{where}: expected at most {MAX_BYTES // 2**20} MiB as base64")
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        return base64.b64decode(text.encode("ascii").translate(None, _WHITESPACE), validate=True)
    except ValueError as error:  # binascii's own, and characters beyond ASCII
        raise _refused(f"{where}: not base64 ({error})") from error


def _refused(message: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(message)


mlflow.models.set_model(SongRecommender())
