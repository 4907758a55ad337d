"""What ``hpo recommend`` does, as Python: photos or a camera in, answers and their origin out.

Cheap things come first: photos, moods, songs and targets are checked and faces are found before
MLflow and Keras are loaded, and these are not loaded at all when no photo holds a face.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.recommender import annotate, camera
from hpo.recommender.choice import Origin, check_model, classifier_for
from hpo.recommender.faces import FaceDetector
from hpo.recommender.moods import MoodTable, load_moods
from hpo.recommender.photos import read_photo
from hpo.recommender.rank import check_songs, check_top
from hpo.recommender.recommend import FaceAnswer, Recommender, Sighting, see_faces
from hpo.spec.errors import InputError
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class PhotoAnswer:
    """What one photo was answered.

    Args:
        photo: as it was given.
        faces: the largest first; empty without a face.
        champion: who answered; ``None`` when there was no face to classify in any photo.
        catalogue: name of the songs.
        saved: the annotated photo, if one was asked for.
        may_be_crop: whether a photo without a face may, by its sides, show little but one; for
            what is said of it, and not part of the data.
    """

    photo: str
    faces: list[FaceAnswer]
    champion: Origin | None
    catalogue: str
    saved: Path | None = None
    may_be_crop: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        data: dict[str, Any] = {
            "photo": self.photo,
            "faces": [face.to_json() for face in self.faces],
            "champion": asdict(self.champion) if self.champion else None,
            "catalogue": self.catalogue,
        }
        if self.saved is not None:
            data["saved"] = str(self.saved)
        return data


@dataclass(frozen=True)
class Sources:
    """The songs and the mood table of a call, checked against each other."""

    songs: pd.DataFrame
    catalogue: str
    moods: MoodTable


def recommend(
    photos: PathLike | Sequence[PathLike],
    *,
    workspace: Workspace | None = None,
    top: int = 5,
    songs: str | None = None,
    moods: PathLike | None = None,
    model: PathLike | None = None,
    save: PathLike | None = None,
    refused: list[InputError] | None = None,
) -> list[PhotoAnswer]:
    """Answer photos with songs. One that cannot be read refuses the call before anything is done.

    With ``refused`` it is left out of the answers instead, and the others are answered; where all
    are refused, the call is.

    Args:
        photos: paths, at least one; or a single path.
        workspace: whose champion and songs; by default the current directory's.
        top: songs per face, at least 1.
        songs: name of a song catalogue; by default the imported one, else the embedded one.
        moods: a YAML table in place of the shipped one.
        model: a ``.keras`` file, a registered version, or ``boxed`` for the model that came with
            the package; by default the champion, or the boxed model where there is none.
        save: annotated photo; of several photos each adds its own name, or goes into this folder.
        refused: takes what is wrong with photos that cannot be read.

    Raises:
        InputError: no photo, ``top`` under 1, or ``save`` names no image.
        NotFoundError: a photo, catalogue, table or model does not exist.
        DataError: a photo is no image, or the songs lack a mood.
        IntegrityError: the champion's file is not the one that was registered.
        EnvironmentProblem: OpenCV cannot be loaded, or ``save`` cannot be written.
    """
    photos = [photos] if isinstance(photos, str | os.PathLike) else photos
    if not photos:
        raise InputError("there is no photo to look at", expected="at least one photo")
    workspace = workspace or Workspace.at()
    check_top(top)
    targets = annotate.targets(save, photos) if save is not None else None
    check_model(model)
    table = load_moods(moods)

    detector = FaceDetector()
    seen = _look_at_all(detector, photos, refused)
    sightings = [sighting for _, sighting in seen]
    sources = _sources(workspace, songs, table)
    answers: list[list[FaceAnswer]] = [[] for _ in seen]
    origin = None
    if any(sighting.boxes for sighting in sightings):
        recommender, origin = _recommender(workspace, sources, model, detector)
        answers = [recommender.answer(sighting, top) for sighting in sightings]

    written: list[Path | None] = [targets[at] if targets else None for at, _ in seen]
    for (at, _), faces, target in zip(seen, answers, written, strict=True):
        # Photos are read again rather than all kept: fifty of them would fill the memory.
        if target is not None:
            annotate.save_photo(annotate.draw(read_photo(photos[at]), faces), target)
    return [
        PhotoAnswer(str(photos[at]), faces, origin, sources.catalogue, target, sighting.may_be_crop)
        for (at, sighting), faces, target in zip(seen, answers, written, strict=True)
    ]


@dataclass(frozen=True)
class Watching:
    """A camera that is being watched.

    Args:
        champion: who answers.
        catalogue: name of the songs.
        changes: an answer whenever the emotion changes; ends with the video.
    """

    champion: Origin
    catalogue: str
    changes: Iterator[camera.Change]


def watch(
    source: str,
    *,
    workspace: Workspace | None = None,
    top: int = 5,
    songs: str | None = None,
    moods: PathLike | None = None,
    model: PathLike | None = None,
    every: int = 5,
    seconds: float | None = None,
) -> Watching:
    """Answer a camera or a video file whenever the emotion of the largest face changes.

    Args:
        source: a device number such as ``0``, or the path of a video file.
        every: look at every so many frames, at least 1.
        seconds: stop after this time; by default at the end of the video, or never.
        workspace, top, songs, moods, model: as for ``recommend``.

    Raises:
        InputError, NotFoundError, DataError, IntegrityError, EnvironmentProblem: as ``recommend``.
    """
    workspace = workspace or Workspace.at()
    check_top(top)
    check_model(model)
    looks = camera.frames(source, every=every, seconds=seconds)
    sources = _sources(workspace, songs, load_moods(moods))
    recommender, origin = _recommender(workspace, sources, model, FaceDetector())
    return Watching(origin, sources.catalogue, camera.watch(recommender, looks, top=top))


def _look_at_all(
    detector: FaceDetector, photos: Sequence[PathLike], refused: list[InputError] | None
) -> list[tuple[int, Sighting]]:
    """Return each photo's place and faces, those left out that cannot be read."""
    seen = []
    for place, path in enumerate(photos):
        try:
            seen.append((place, see_faces(detector, read_photo(path))))
        except InputError as error:
            if refused is None:
                raise
            refused.append(error)
    if refused and not seen:
        raise refused[0]
    return seen


def _sources(workspace: Workspace, name: str | None, table: MoodTable) -> Sources:
    from hpo.data.songs import load_songs

    frame = load_songs(workspace, name)
    catalogue = str(frame.attrs.get("catalogue") or name or "songs")
    check_songs(frame, [])
    return Sources(frame, catalogue, table.matched(frame["mood"].astype(str).unique(), catalogue))


def _recommender(
    workspace: Workspace, sources: Sources, model: PathLike | None, detector: FaceDetector
) -> tuple[Recommender, Origin]:
    classify, origin, classes = classifier_for(workspace, model)
    recommender = Recommender(
        classify, sources.songs, sources.moods, detector=detector, classes=classes
    )
    return recommender, origin
