"""Whether a promotion was cut off between its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hpo.registry.models import (
    CHAMPION,
    CLASSIFIER,
    RECOMMENDER,
    TAG_CLASSIFIER_VERSION,
    TAG_GATE,
    TAG_MEMBERS,
    TAG_STUDY,
)
from hpo.registry.succession import BOXED, Event, aliased, history, recommender_of
from hpo.registry.versions import versions_of


@dataclass(frozen=True)
class HalfDone:
    """A promotion, or a step back, that was cut off.

    Args:
        why: what it lacks, in a sentence.
        version: of ``emotion-classifier``.
        recommender: the version of ``song-recommender`` that answers with it; None if it has to be
            registered.
        members: how many trials it is the mean of; 1 for a single one.
        tags: of the version, with what the gate said of it.
    """

    why: str
    version: str
    recommender: str | None
    members: int
    tags: dict[str, str]


def half_promoted(client: Any, study: str) -> HalfDone | None:
    """Return what a study's promotion lacks; None if it is whole or was never begun.

    The classifier is registered first, with what the gate said of it; then the recommender that
    answers with it; then both become champions, the classifier first. A process may end between
    any two of the steps. A challenger that the gate refused lacks nothing, nor does anybody where a
    person stepped back to the model in the box.

    Args:
        client: an ``mlflow.MlflowClient``.
        study: its name.
    """
    own = {
        str(version.version): dict(version.tags)
        for version in versions_of(client, CLASSIFIER)
        if version.tags.get(TAG_STUDY) == study
    }
    events = history(client)
    champion, answering = aliased(client, CLASSIFIER), aliased(client, RECOMMENDER)
    boxed = bool(events) and events[-1].classifier == BOXED
    for version in sorted(own, key=int, reverse=True):
        recommender = recommender_of(client, version, events)
        why = ""
        if version == champion:
            if recommender is None:
                why = f"{CLASSIFIER} {version} is {CHAMPION}, but no {RECOMMENDER} answers with it"
            elif _pinned(client, answering) != version:
                why = (
                    f"{CLASSIFIER} {version} is {CHAMPION}, but the {RECOMMENDER} of another "
                    "version is"
                )
        elif not champion and answering and _pinned(client, answering) == version:
            # Both become champions classifier first, so it was: a step back to the model in the box
            # was cut off.
            why = f"{CLASSIFIER} {version} is {CHAMPION} no more, but its {RECOMMENDER} is"
        elif _was_to_be(version, own[version], events):
            if recommender is None:
                why = f"{CLASSIFIER} {version} is registered, but no {RECOMMENDER} answers with it"
            elif not champion:
                why = f"{CLASSIFIER} {version} is registered, but no version is {CHAMPION}"
            elif TAG_GATE in own[version]:
                why = f"{CLASSIFIER} {version} passed the gate, but is not {CHAMPION}"
            if TAG_GATE not in own[version] and (boxed or version != max(own, key=int)):
                why = ""  # Before there was a gate, and a history, every version took its turn.
        if why:
            members = [m for m in own[version].get(TAG_MEMBERS, "").split(", ") if m]
            return HalfDone(why, version, recommender, max(len(members), 1), own[version])
    return None


def _was_to_be(version: str, tags: dict[str, str], events: list[Event]) -> bool:
    """Return whether a version was on its way to become champion, and never did."""
    if tags.get(TAG_GATE) == "refused":
        return False
    return not any(version in (event.classifier, event.before) for event in events)


def _pinned(client: Any, recommender: str) -> str:
    """Return the classifier's version that a recommender answers with; "" if none does."""
    for version in versions_of(client, RECOMMENDER):
        if str(version.version) == recommender:
            return str(version.tags.get(TAG_CLASSIFIER_VERSION, ""))
    return ""
