"""What a promoted classifier answers with: songs and moods, and the recommender that holds them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from hpo.recommender.moods import MoodTable


@dataclass(frozen=True)
class Answering:
    """What a recommender answers with: songs, and the moods that choose among them."""

    songs: pd.DataFrame
    catalogue: str
    moods: MoodTable

    def tags(self) -> dict[str, str]:
        """Return what tells it from others, as tags of the recommender's version."""
        from hpo.registry import models as registry

        return {
            registry.TAG_CATALOGUE: self.catalogue,
            registry.TAG_CATALOGUE_DIGEST: str(self.songs.attrs.get("digest", "")),
            registry.TAG_MOODS_DIGEST: "sha256:"
            + hashlib.sha256(self.moods.to_yaml().encode("utf-8")).hexdigest(),
        }


def find_answering(
    workspace: Workspace, songs: str | None, moods: str | os.PathLike[str] | None
) -> Answering:
    """Return the songs and moods, checked to go together.

    Args:
        workspace: where catalogues are.
        songs: a song catalogue; the imported one by default, else the embedded one.
        moods: a YAML table from emotion to mood, in place of the shipped one.

    Raises:
        NotFoundError: there is no such catalogue or table.
        DataError: songs and moods do not go together.
    """
    from hpo.data.songs import load_songs
    from hpo.recommender.moods import load_moods

    table = load_moods(moods)
    frame = load_songs(workspace, songs)
    catalogue = str(frame.attrs["catalogue"])
    known = frame["mood"].astype(str).unique()
    return Answering(frame, catalogue, table.matched(known, catalogue))


def register_answering(client: Any, version: str, run_id: str, answering: Answering) -> str:
    """Register the recommender, logged unless the same one is there, and return its version.

    No alias moves.

    Args:
        client: of MLflow.
        version: of ``emotion-classifier``.
        run_id: of its trial.
        answering: the songs and moods.
    """
    from hpo.recommender.publish import Pin, log_recommender
    from hpo.registry import models as registry

    served = registry.load_champion(client, version)
    trial = f"{served.architecture}/{served.trial}"
    tags = {
        registry.TAG_STUDY: served.study,
        registry.TAG_TRIAL: trial,
        **answering.tags(),
        registry.TAG_SHA256: served.sha256,
        registry.TAG_VERSION: hpo.__version__,
    }
    if registry.TAG_MEMBERS in served.tags:
        tags[registry.TAG_MEMBERS] = served.tags[registry.TAG_MEMBERS]

    def log() -> str:
        logged = log_recommender(
            client,
            Pin(registry.CLASSIFIER, version, served.study, trial, served.classes),
            Path(served.keras_path),
            answering.songs,
            answering.moods,
            run_id,
            catalogue=answering.catalogue,
        )
        return logged.uri

    return registry.register_recommender(client, log, version, tags, run_id, alias=None)
