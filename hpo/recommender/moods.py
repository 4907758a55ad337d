"""Emotion → mood: the shipped table, or a user's YAML in its place, checked line by line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError, did_you_mean

SHIPPED = "moods.yaml"


@dataclass(frozen=True)
class MoodTable:
    """Which mood of song answers each emotion.

    Args:
        moods: emotion (lower case, each of ``EMOTIONS``) to mood.
        source: file that it came from.
        lines: emotion to its line in ``source``, for errors.
    """

    moods: Mapping[str, str]
    source: str
    lines: Mapping[str, int]

    def __getitem__(self, emotion: str) -> str:
        return self.moods[emotion]

    def where(self, emotion: str) -> str:
        """Return ``file:line`` of an emotion's row."""
        return f"{self.source}:{self.lines[emotion]}"

    def matched(self, known: Iterable[str], catalogue: str) -> MoodTable:
        """Return the table with each mood spelt as the song catalogue spells it.

        Args:
            known: the moods that the catalogue has songs for.
            catalogue: its name, for the error.

        Raises:
            DataError: a mood has no song.
        """
        spelling = {mood.casefold(): mood for mood in known}
        moods = {}
        for emotion, mood in self.moods.items():
            if mood.casefold() not in spelling:
                raise DataError(
                    f"the song catalogue '{catalogue}' has no song of the mood '{mood}', "
                    f"which answers '{emotion}'",
                    where=self.where(emotion),
                    expected="a mood of the catalogue",
                    got=f"'{mood}'",
                    hint=did_you_mean(mood, spelling.values())
                    + ("" if spelling else "; import songs with: hpo data import songs CSV"),
                )
            moods[emotion] = spelling[mood.casefold()]
        return MoodTable(moods, self.source, self.lines)

    def to_yaml(self) -> str:
        """Return the table in the shape of the shipped file."""
        return yaml.safe_dump(dict(self.moods), allow_unicode=True, sort_keys=True)


def load_moods(path: str | os.PathLike[str] | None = None) -> MoodTable:
    """Read a mood table; by default the shipped one.

    Args:
        path: a YAML file that maps every emotion to a mood; names in any case.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is no YAML mapping of the seven emotions to moods; names file and line.
    """
    if path is None:
        text = files("hpo.recommender").joinpath(SHIPPED).read_text(encoding="utf-8")
        return parse_moods(text, SHIPPED)
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            "there is no such mood table",
            where=str(path),
            expected="a YAML file such as the shipped one: " + _example(),
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "cannot read this mood table",
            where=str(path),
            expected="a YAML text file",
            got=getattr(error, "strerror", None) or "no UTF-8 text",
        ) from error
    return parse_moods(text, str(path))


def parse_moods(text: str, source: str) -> MoodTable:
    """Check the text of a mood table.

    Raises:
        DataError: as ``load_moods``.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:  # The latter: lists in lists without end.
        mark = getattr(error, "problem_mark", None)
        raise DataError(
            "this mood table is no YAML",
            where=f"{source}:{mark.line + 1}" if mark else source,
            expected="lines such as 'happy: Happy'",
            got=getattr(error, "problem", None),
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise DataError(
            "this mood table is no table",
            where=source,
            expected=f"one line per emotion: {_example()}",
            got="an empty file" if root is None else "a list or a single value",
        )
    moods: dict[str, str] = {}
    lines: dict[str, int] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        emotion = _emotion(key, f"{source}:{line}")
        if emotion in moods:
            raise DataError(
                f"'{emotion}' stands twice", where=f"{source}:{line}", expected="one mood each"
            )
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise DataError(
                f"'{emotion}' has no mood",
                where=f"{source}:{line}",
                expected="one mood of the song catalogue",
                got="nothing" if isinstance(value, yaml.ScalarNode) else "a list or table",
            )
        moods[emotion] = value.value.strip()
        lines[emotion] = line
    missing = [emotion for emotion in EMOTIONS if emotion not in moods]
    if missing:
        raise DataError(
            f"this mood table leaves out {', '.join(missing)}",
            where=source,
            expected=f"each of {', '.join(EMOTIONS)}",
            got=", ".join(moods) or "none",
        )
    return MoodTable({emotion: moods[emotion] for emotion in EMOTIONS}, source, lines)


def _emotion(key: yaml.Node, where: str) -> str:
    name = str(key.value).strip().casefold() if isinstance(key, yaml.ScalarNode) else "a list"
    if name not in EMOTIONS:
        raise DataError(
            f"unknown emotion '{name}'",
            where=where,
            expected=f"one of {', '.join(EMOTIONS)}",
            hint=did_you_mean(name, EMOTIONS, listed=True),
        )
    return name


def _example() -> str:
    return "angry: Calm, disgust: Sad, fear: Calm, and so on for all seven"
