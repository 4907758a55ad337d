"""What the registry holds for a workspace, as plain data: versions, and what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.spec.confirmation import SUFFIX, candidate_label, read_candidate
from hpo.spec.workspace import Workspace
from hpo.study.decision import Decision, decision_of


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
        news: what a confirmation says of its configuration since it was registered, or beyond its
            mean, as sentences; () where there is nothing to add.
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
    news: tuple[str, ...] = ()


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


def registered(version: Any, workspace: Workspace | None = None) -> Registered:
    """Return MLflow's entry of a version as what it says.

    Args:
        version: of ``emotion-classifier``.
        workspace: whose stores may know more of it; None for what the registry says alone.
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
        **_known(tags, workspace),
    )


def _known(tags: Mapping[str, str], workspace: Workspace | None) -> dict[str, tuple[str, ...]]:
    """Return what a version's study says of its configuration, as fields of ``Registered``.

    {} of an ensemble, and where the workspace has the registry and not the study: it was deleted,
    or is in another storage.
    """
    from hpo.registry import models as registry
    from hpo.spec.errors import HpoError
    from hpo.study.confirmed import confirmed
    from hpo.study.opening import openings_of

    if workspace is None or registry.members_of(tags):
        return {}
    name, url = tags.get(registry.TAG_STUDY, ""), workspace.storage_url()
    study = name.removesuffix(SUFFIX)
    own = tags.get(registry.TAG_ARCHITECTURE, ""), int(tags.get(registry.TAG_TRIAL, -1))
    again = name != study
    try:
        configuration = read_candidate(own[0]) if again else own
        openings = openings_of(url, study)
        told = confirmed(study, storage_url=url)
    except HpoError:
        return {}
    known = {"tested": _tested(configuration, openings, again=again)}
    if told is not None and told.facts["over"]:
        noted = registry.over_seeds_of(tags).get("runs", {}).values()
        known["news"] = _news(configuration, study, told.facts, {run["seeds"] for run in noted})
    return known


def _tested(
    configuration: tuple[str, int], openings: Sequence[Mapping[str, Any]], *, again: bool
) -> tuple[str, ...]:
    """Return what the last opening said, if it was about this configuration."""
    from hpo.reports.opening_sentences import tell_openings

    finished = [opening for opening in openings if opening.get("finished")]
    if not finished:
        return ()
    last = finished[-1]
    if (last["architecture"], last["number"]) != configuration or (last["confirmed"] and not again):
        return ()
    return tuple(tell_openings(openings))


def _news(
    configuration: tuple[str, int], study: str, facts: Mapping[str, Any], noted: set[int]
) -> tuple[str, ...]:
    """Return what a confirmation adds to the mean that was noted, over so many seeds."""
    from hpo.reports.confirmation_warnings import unlearned
    from hpo.reports.confirmation_words import candidate, ends, seeds_of, title, value

    said = []
    label = candidate_label(*configuration)
    entry, winner = candidate(facts, label), facts["winner"]
    if entry is not None and entry["mean"]:
        if sum(v is not None for v in entry["values"]) not in noted:
            mean = entry["mean"]
            said.append(
                f"By now its configuration, {title(entry)}, reaches {value(facts, mean['point'])} "
                f"{ends(facts, mean)} over {seeds_of(entry)}."
            )
        said.append(unlearned(facts, entry))
    chosen = candidate(facts, winner)
    if chosen is not None and winner != label:
        said.append(
            f"The confirmation of {study} takes {title(chosen)} now; `hpo promote {study}` asks "
            "the gate about it."
        )
    return tuple(filter(None, said))
