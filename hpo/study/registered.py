"""What the registry holds for a workspace, as plain data: versions, and what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.spec.confirmation import SUFFIX, read_candidate
from hpo.spec.workspace import Workspace
from hpo.study.gate import Decision, decision_of


@dataclass(frozen=True)
class Registered:
    """A version of ``emotion-classifier``.

    Args:
        version: its number.
        study: that it won.
        architecture: its label there.
        trial: its number there.
        members: trials of an ensemble, such as ``cnn/7``, the best first; () for a single one.
        who: the trial, or the trials, in words.
        over_seeds: what a confirmation said of its configuration, or of its members', when it was
            registered, as ``hpo.spec.reruns`` has it; {} without one.
        metrics: on the validation faces of its study.
        dataset_digest: of the faces that it was trained on.
        gate: what the gate said; None of a version that was registered without.
        tested: what the test split said of its configuration, as sentences; () if it was not asked,
            and of an ensemble, about which it never is.
    """

    version: str
    study: str
    architecture: str
    trial: int
    members: tuple[str, ...]
    who: str
    over_seeds: dict[str, Any]
    metrics: dict[str, float]
    dataset_digest: str
    gate: Decision | None
    tested: tuple[str, ...] = ()


def client_of(workspace: Workspace) -> Any | None:
    """Return MLflow's client; None where there is no store yet, which opening would make."""
    from hpo.tracking.store import open_client, sqlite_path

    uri = workspace.tracking_uri()
    database = sqlite_path(uri)
    return None if database is not None and not database.exists() else open_client(uri)


def recommender_now(client: Any) -> tuple[str, str, str]:
    """Return the recommender that is champion, the classifier's version it holds, and its songs."""
    from hpo.registry import models as registry
    from hpo.registry.succession import aliased
    from hpo.registry.versions import find_version

    number = aliased(client, registry.RECOMMENDER)
    if not number:
        return "", "", ""
    tags = find_version(client, registry.RECOMMENDER, number).tags
    return (
        number,
        tags.get(registry.TAG_CLASSIFIER_VERSION, ""),
        tags.get(registry.TAG_CATALOGUE, ""),
    )


def registered(version: Any, openings: Sequence[Mapping[str, Any]] = ()) -> Registered:
    """Return MLflow's entry of a version as what it says.

    Args:
        version: of ``emotion-classifier``.
        openings: of the test split, for its study.
    """
    from hpo.registry import models as registry

    tags = dict(version.tags)
    return Registered(
        version=str(version.version),
        study=tags.get(registry.TAG_STUDY, "unknown"),
        architecture=tags.get(registry.TAG_ARCHITECTURE, "unknown"),
        trial=int(tags.get(registry.TAG_TRIAL, -1)),
        members=registry.members_of(tags),
        who=registry.who_of(tags),
        over_seeds=registry.over_seeds_of(tags),
        metrics=json.loads(tags.get(registry.TAG_METRICS, "{}")),
        dataset_digest=tags.get(registry.TAG_DATASET_DIGEST, ""),
        gate=decision_of(tags),
        tested=() if registry.members_of(tags) else _tested(tags, openings),
    )


def openings_for(workspace: Workspace, version: Any) -> list[dict[str, Any]]:
    """Return how often the test split was opened for a version's study; [] if that is not known.

    The workspace may have the registry and not the study: it was deleted, or is in another storage.
    """
    from hpo.registry import models as registry
    from hpo.spec.errors import HpoError
    from hpo.study.opening import openings_of

    study = version.tags.get(registry.TAG_STUDY, "").removesuffix(SUFFIX)
    try:
        return openings_of(workspace.storage_url(), study)
    except HpoError:
        return []


def _tested(tags: Mapping[str, str], openings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what the last opening said, if it was about the configuration of these tags."""
    from hpo.registry import models as registry
    from hpo.reports.opening_sentences import tell_openings

    finished = [opening for opening in openings if opening.get("finished")]
    if not finished:
        return ()
    own = tags.get(registry.TAG_ARCHITECTURE, ""), int(tags.get(registry.TAG_TRIAL, -1))
    if again := tags.get(registry.TAG_STUDY, "").endswith(SUFFIX):
        own = read_candidate(own[0])
    last = finished[-1]
    if (last["architecture"], last["number"]) != own or (last["confirmed"] and not again):
        return ()
    return tuple(tell_openings(openings))
