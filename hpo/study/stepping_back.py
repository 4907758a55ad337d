"""``rollback``: an earlier version becomes the champion again, or the model in the box."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hpo.registry.succession import BOXED
from hpo.spec.confirmation import SUFFIX
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.workspace import Workspace
from hpo.study.registered import client_of, recommender_now


@dataclass(frozen=True)
class Rollback:
    """What a step back did.

    Args:
        changed: whether anything moved.
        before: version of ``emotion-classifier`` that was champion; "" if none was.
        classifier: the version that is champion now; ``boxed`` where the model in the box answers.
        recommender: the version of ``song-recommender`` that answers with it; "" with ``boxed``.
        finished: whether what moved had been begun and cut off before.
    """

    changed: bool
    before: str
    classifier: str
    recommender: str
    finished: bool = False

    def line(self) -> str:
        """Return it in a sentence."""
        now = f"emotion-classifier {self.classifier} in song-recommender {self.recommender}"
        if self.classifier == BOXED:
            now = "the model in the box"
        if self.finished:
            return f"Finished a move that had been cut off: {now} answers."
        if not self.changed:
            return f"Nothing to do: {now} answers already."
        return f"Rolled back: {now} answers" + (
            f", in place of emotion-classifier {self.before}." if self.before else "."
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def rollback(to: str | int | None = None, *, workspace: Workspace | None = None) -> Rollback:
    """Make an earlier version the champion again, with the recommender that answered with it.

    Without ``to`` it is the champion before the present one, and before the first one the model in
    the box. Done again, that is nothing: who wants to go a step further says so by ``to``. A move
    that was cut off before is finished first, and is all that is done then.

    Args:
        to: version of ``emotion-classifier``; a later one goes forward. ``boxed`` for the model
            in the box: then no version is champion any more, until one is promoted or rolled to.
        workspace: the current directory by default.

    Raises:
        NotFoundError: there is no champion, no such version, no recommender that answers with it,
            its files are gone, or no model came with this installation.
        InputError: ``to`` is no number and not ``boxed``.
        IntegrityError: its files are not what was registered.
        EnvironmentProblem: the registry does not answer.
    """
    from hpo.recommender.box import open_box
    from hpo.registry import models as registry
    from hpo.registry.succession import (
        aliased,
        crown,
        history,
        predecessor,
        recommender_of,
        step_down,
    )
    from hpo.registry.versions import fetch_folder, find_version, versions_of

    to = _checked(to)
    workspace = workspace or Workspace.at()
    client = client_of(workspace)
    before = "" if client is None else aliased(client, registry.CLASSIFIER)
    versions = [] if client is None else versions_of(client, registry.CLASSIFIER)
    if client is None or not versions:
        if to == BOXED:
            return Rollback(False, "", BOXED, "")
        raise NotFoundError(
            "there is no champion to roll back",
            where=str(workspace.home),
            hint="Promote a study (`hpo promote STUDY`)",
        )
    events = history(client)
    recommender, pinned, _ = recommender_now(client)
    if not before and recommender and to in (None, BOXED):
        step_down(client)
        return Rollback(True, "", BOXED, "", finished=True)
    if before and pinned != before and to in (None, before):
        answering = recommender_of(client, before, events)
        if answering is not None:
            back = bool(events) and events[-1].classifier != before
            crown(client, before, answering, "rolled back" if back else "promoted")
            return Rollback(True, before, before, answering, finished=True)
    if to is None:
        last = events[-1] if events else None
        now = before or BOXED
        if last is not None and (last.what, last.classifier) == ("rolled back", now):
            return Rollback(False, before, now, recommender)
        target = predecessor(events, before, {str(v.version) for v in versions})
        target = target or _older(versions, before, noted=bool(events))
        # Before the first champion the model in the box answered.
        target = target or BOXED
    else:
        target = to
    if target == BOXED:
        open_box()
        return Rollback(step_down(client), before, BOXED, "")
    entry = find_version(client, registry.CLASSIFIER, target)
    registry.load_champion(client, target)
    answering = recommender_of(client, target, events)
    if answering is None:
        study = entry.tags.get(registry.TAG_STUDY, "STUDY").removesuffix(SUFFIX)
        raise NotFoundError(
            f"no song-recommender answers with emotion-classifier {target}",
            got="a version that never was champion",
            hint=f"`hpo promote {study} --force` makes one, past the gate",
        )
    fetch_folder(client, find_version(client, registry.RECOMMENDER, answering), None)
    if target == before and pinned == before:
        return Rollback(False, before, before, recommender)
    crown(client, target, answering, "rolled back")
    return Rollback(True, before, target, answering)


def _checked(to: str | int | None) -> str | None:
    """Return what to roll back to as it is written in the registry.

    Raises:
        InputError: it is no number and not ``boxed``.
    """
    if to is None or to == BOXED:
        return to
    if not str(to).isdecimal():
        raise InputError(
            "this is no version",
            where="--to",
            expected=f"a number, or '{BOXED}' for the model in the box",
            got=str(to),
        )
    return str(int(to))


def _older(versions: list[Any], champion: str, *, noted: bool) -> str | None:
    """Return the champion before one that an older hpo made, which noted no history.

    It promoted every version that it registered, in their order.
    """
    from hpo.registry.models import TAG_GATE

    older = [
        int(v.version)
        for v in versions
        if TAG_GATE not in v.tags and int(v.version) < int(champion or 0)
    ]
    return str(max(older)) if older and not noted else None
