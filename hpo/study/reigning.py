"""``champion``: who answers in a workspace, why, and who did before."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hpo.registry.succession import BOXED
from hpo.spec.workspace import Workspace
from hpo.study.registered import (
    Registered,
    client_of,
    recommender_now,
    registered,
)


@dataclass(frozen=True)
class Reign:
    """One move of the champions.

    Args:
        at: when, in UTC.
        what: ``promoted``, ``forced``, ``rolled back``, or ``answers with`` (another recommender).
        classifier: version of ``emotion-classifier`` that is champion since; ``boxed`` where the
            model in the box answers.
        recommender: version of ``song-recommender`` that answers with it; "" with ``boxed``.
        before: the classifier's version that was champion; "" if there was none.
        study, who: of the classifier; "" if its version was deleted, and with ``boxed``.
    """

    at: str
    what: str
    classifier: str
    recommender: str
    before: str
    study: str = ""
    who: str = ""


@dataclass(frozen=True)
class Champion:
    """Who answers in a workspace.

    Args:
        classifier: the champion; None if there is none: the model in the box answers.
        recommender: version of ``song-recommender`` that is champion; "" if none is.
        pinned: the classifier's version that this recommender answers with. Another one than the
            champion's means that a move was cut off; ``hpo doctor --fix`` finishes it.
        catalogue: the songs that it recommends.
        since: when it became champion, or was stepped back from to the model in the box, in UTC;
            "" if that was not noted.
        challenger: what was registered last and kept out by the gate; None if there is none.
        history: every move that was noted, the newest first.
    """

    classifier: Registered | None
    recommender: str = ""
    pinned: str = ""
    catalogue: str = ""
    since: str = ""
    challenger: Registered | None = None
    history: tuple[Reign, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def champion(*, workspace: Workspace | None = None) -> Champion:
    """Return who answers in a workspace, with the gate's numbers and the history.

    Args:
        workspace: the current directory by default.

    Raises:
        EnvironmentProblem: the registry does not answer.
    """
    from hpo.registry import models as registry
    from hpo.registry.succession import history
    from hpo.registry.versions import versions_of

    workspace = workspace or Workspace.at()
    client = client_of(workspace)
    if client is None:
        return Champion(None)
    versions = {str(v.version): v for v in versions_of(client, registry.CLASSIFIER)}
    events = history(client)
    moves = []
    for event in reversed(events):
        there = versions.get(event.classifier)
        told = None if there is None else registered(there)
        moves.append(
            Reign(
                **dataclasses.asdict(event),
                study=told.study if told else "",
                who=told.who if told else "",
            )
        )
    aliases = client.get_registered_model(registry.CLASSIFIER).aliases if versions else {}
    recommender, pinned, catalogue = recommender_now(client)
    own = versions.get(str(aliases.get(registry.CHAMPION, "")))
    rival = versions.get(str(aliases.get(registry.CHALLENGER, "")))
    last = events[-1] if events else None
    noted = last is not None and last.classifier == (BOXED if own is None else str(own.version))
    since = next((m.at for m in moves if m.what != "answers with"), "") if noted else ""
    return Champion(
        None if own is None else registered(own, workspace),
        recommender,
        pinned,
        catalogue,
        since,
        None if rival is None else registered(rival, workspace),
        tuple(moves),
    )
