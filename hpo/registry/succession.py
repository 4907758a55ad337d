"""Who is champion after whom: both aliases moved as one, and a history of such moves.

Two aliases cannot be moved in one transaction. The classifier's moves first, so whatever is cut off
between the two shows: the recommender answers with another version than the champion. Finishing is
the same step again. Without aliases the model in the box answers, and a step back to it takes both
away, in the same order. The history lies in tags of the registered classifier, one per move, so
that no two writers change the same tag.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from hpo.registry.models import (
    CHALLENGER,
    CHAMPION,
    CLASSIFIER,
    RECOMMENDER,
    TAG_CLASSIFIER_VERSION,
)
from hpo.registry.versions import point_alias, versions_of

EVENT = "hpo.event."

BOXED = "boxed"
"""Stands for the model in the box where a version of the classifier would stand."""

What = Literal["promoted", "forced", "rolled back", "answers with"]


@dataclass(frozen=True)
class Event:
    """One move of the champions.

    Args:
        at: when, in UTC, to the microsecond.
        what: ``promoted``, ``forced``, ``rolled back``, or ``answers with``: another recommender
            of the same classifier.
        classifier: the version that is champion since; ``boxed`` where none is.
        recommender: the version that answers with it; "" where none is.
        before: the classifier's version that was champion; "" if there was none.
    """

    at: str
    what: What
    classifier: str
    recommender: str
    before: str = ""


def aliased(client: Any, name: str) -> str:
    """Return the version that is champion; "" if none is, or there is no such model."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_registered_model(name).aliases.get(CHAMPION, ""))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return ""


def crown(client: Any, classifier: str, recommender: str, what: What) -> bool:
    """Make a pair of versions the champions, and note it; return whether anything changed.

    Args:
        client: an ``mlflow.MlflowClient``.
        classifier: version of ``emotion-classifier``.
        recommender: version of ``song-recommender`` that answers with it.
        what: why.
    """
    before, events = aliased(client, CLASSIFIER), history(client)
    told = events[-1] if events else None
    if before == classifier and aliased(client, RECOMMENDER) == recommender:
        if told is None or (told.classifier, told.recommender) == (classifier, recommender):
            return False
    else:
        point_alias(client, CLASSIFIER, CHAMPION, classifier)
        point_alias(client, RECOMMENDER, CHAMPION, recommender)
        if str(client.get_registered_model(CLASSIFIER).aliases.get(CHALLENGER)) == classifier:
            client.delete_registered_model_alias(CLASSIFIER, CHALLENGER)
    if before == classifier:
        # Another recommender of the champion; or a move that was cut off, and is told now.
        before = told.classifier if told else ""
        if before == classifier:
            what = "answers with"
    note(client, Event(_now(), what, classifier, recommender, before))
    return True


def step_down(client: Any) -> bool:
    """Let the model in the box answer again, and note it; return whether anything changed.

    Args:
        client: an ``mlflow.MlflowClient``.
    """
    before, events = aliased(client, CLASSIFIER), history(client)
    there = [name for name in (CLASSIFIER, RECOMMENDER) if aliased(client, name)]
    if not there and (not events or events[-1].classifier == BOXED):
        return False
    for name in there:
        client.delete_registered_model_alias(name, CHAMPION)
    # Where the move was cut off, the history knows who was champion.
    before = before or next((e.classifier for e in reversed(events) if e.classifier != BOXED), "")
    note(client, Event(_now(), "rolled back", BOXED, "", before))
    return True


def note(client: Any, event: Event) -> None:
    """Add an event to the history."""
    value = {k: v for k, v in asdict(event).items() if k != "at"}
    client.set_registered_model_tag(CLASSIFIER, EVENT + event.at, json.dumps(value))


def history(client: Any) -> list[Event]:
    """Return every move that was noted, the oldest first; none of what older versions moved."""
    from mlflow.exceptions import MlflowException

    try:
        tags = client.get_registered_model(CLASSIFIER).tags
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return []
    return [
        Event(at=name.removeprefix(EVENT), **json.loads(tags[name]))
        for name in sorted(tags)
        if name.startswith(EVENT)
    ]


def reigns(events: Sequence[Event]) -> list[str]:
    """Return the versions that one could step back through, the present champion's last.

    A roll-back takes what it stepped over off the list; one to the model in the box, all of them.
    """
    return _replayed(events)[0]


def stepped_over(events: Sequence[Event]) -> dict[str, str]:
    """Return the versions that a roll-back took off and nobody promoted since, with its time."""
    return _replayed(events)[1]


def _replayed(events: Sequence[Event]) -> tuple[list[str], dict[str, str]]:
    stack: list[str] = []
    over: dict[str, str] = {}
    for event in events:
        if event.before and event.before not in stack and event.before not in over:
            stack.append(event.before)  # It became champion before there was a history.
        if event.classifier == BOXED:
            over |= dict.fromkeys(stack, event.at)
            stack = []
            continue
        if event.what == "rolled back":
            left = _left_by(stack, event)
            over |= dict.fromkeys([v for v in stack if v not in left], event.at)
            stack = left
        elif event.classifier in stack:
            stack.remove(event.classifier)
        stack.append(event.classifier)
        over.pop(event.classifier, None)
    return stack, over


def _left_by(stack: list[str], event: Event) -> list[str]:
    """Return which champions a roll-back leaves below the version that it goes to."""
    if event.classifier in stack:
        return stack[: stack.index(event.classifier)]
    if int(event.classifier) > int(event.before or 0):
        return stack  # It went forward.
    # The version was stepped over itself, or became champion before there was a history: its
    # number alone tells after whom it came.
    return [version for version in stack if int(version) < int(event.classifier)]


def predecessor(events: Sequence[Event], champion: str, versions: Collection[str]) -> str | None:
    """Return the version that was champion before this one; None if none is known.

    Args:
        events: the history.
        champion: the version that is champion; "" if none is.
        versions: those that are still there.
    """
    stack = reigns(events)
    if champion in stack:
        del stack[stack.index(champion) :]
    return next((version for version in reversed(stack) if version in versions), None)


def recommender_of(client: Any, classifier: str, events: Sequence[Event]) -> str | None:
    """Return the recommender that answered with a classifier last; None if there is none.

    Args:
        client: an ``mlflow.MlflowClient``.
        classifier: version of ``emotion-classifier``.
        events: the history; what it does not know is answered by the newest one.
    """
    there = [
        str(version.version)
        for version in versions_of(client, RECOMMENDER)
        if version.tags.get(TAG_CLASSIFIER_VERSION) == classifier
    ]
    for event in reversed(events):
        if event.classifier == classifier and event.recommender in there:
            return event.recommender
    return max(there, key=int, default=None)


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
