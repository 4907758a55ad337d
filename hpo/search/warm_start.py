"""Warm start: what an earlier study learned, for the sampler of a new one.

An earlier study of the same storage is read once, when the study is made, and what is taken of it
is kept with the study: so a resumed one goes on exactly, whatever becomes of the other. Its trials
cost no budget and are no results here: they stand before the study's own in what the sampler sees
(``study.add_trials`` in Optuna), and nowhere else. What the sampler then draws of them is drawn
again: with the earlier one's seed it would begin as that did. ``enqueue: K`` tries its best
configurations first instead or beside that, as trials of this study (``study.enqueue_trial``).

Values are comparable only between trials that were trained and judged alike. A trial is shown to
the sampler if the configuration that has its values here is, with every default filled in, the one
that it ran with. Where the data, their subset or the objective are others, no value is taken, and
only the best configurations are tried.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.search.configurations import Enqueued, fold_fixed
from hpo.search.evolution import distributions
from hpo.search.repeats import has_own_value
from hpo.spec.errors import InputError, NotFoundError, SpecError
from hpo.spec.space import SearchSpace
from hpo.spec.study import ArchitectureSpec, StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

WARM = "warm_start"
"""User attribute of a study: what was taken of an earlier one, as ``Warm.to_plain`` says."""

_TRIED_OTHERWISE = 3
"""So many configurations are tried first where no value can be taken and the file names no number:
few, because each costs a trial."""

NOT_TAUGHT = {
    "random": "it draws at random",
    "qmc": "it is a fixed sequence",
    "grid": "it is a fixed list",
    "cmaes": "it learns from its own generations alone",
    "nsgaii": "it learns from its own generations alone",
    "nsgaiii": "it learns from its own generations alone",
}
"""Samplers to which trials of others say nothing."""


@dataclass(frozen=True)
class Warm:
    """What is taken of an earlier study for one architecture.

    Args:
        seen: searched values and objective of each trial that the sampler sees.
        first: searched values of configurations that are tried first.
        line: what was taken and left out, a sentence for people.
    """

    seen: list[tuple[dict[str, Any], float]] = field(default_factory=list)
    first: list[dict[str, Any]] = field(default_factory=list)
    line: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-able data; ``from_plain`` reverses it."""
        seen = [[values, value] for values, value in self.seen]
        return {"seen": seen, "first": self.first, "line": self.line}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any] | None) -> Warm:
        """Return what ``to_plain`` described; nothing of nothing."""
        if not data:
            return cls()
        return cls([(dict(p), float(v)) for p, v in data["seen"]], data["first"], data["line"])

    def trials(self, space: SearchSpace) -> list[FrozenTrial]:
        """Return what the sampler sees, as Optuna's trials numbered from 0."""
        from optuna.trial import FrozenTrial, TrialState

        return [
            FrozenTrial(
                number=number,
                trial_id=number,
                state=TrialState.COMPLETE,
                value=value,
                datetime_start=None,
                datetime_complete=None,
                params=values,
                distributions=distributions(space, values),
                user_attrs={},
                system_attrs={},
                intermediate_values={},
            )
            for number, (values, value) in enumerate(self.seen)
        ]

    def shows(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a configuration is one of those that the sampler sees.

        Its value is no result of this study, which has no model of it and no answers to compare: so
        it is not taken over, and the configuration is only drawn again, as a repeat is.

        Args:
            values: of what is searched; where nothing is, trials are meant to be alike.
        """
        return bool(values) and any(_plain(values) == _plain(seen) for seen, _ in self.seen)

    def enqueued(self) -> list[Enqueued]:
        """Return the configurations that are tried first."""
        return [Enqueued(values=dict(values), origin="warm_start") for values in self.first]


@dataclass(frozen=True)
class Earlier:
    """An architecture of an earlier study, as it is stored.

    Args:
        spec: its study file.
        attributes: user attributes of its Optuna study.
        trials: its trials.
    """

    spec: StudySpec
    attributes: Mapping[str, Any]
    trials: list[FrozenTrial]


def refuse_itself(spec: StudySpec) -> None:
    """Raise InputError if a study names itself as the one to start from."""
    if spec.warm_start is not None and spec.warm_start.study == spec.name:
        raise InputError(
            "a study cannot start from itself",
            where="warm_start",
            hint="Name an earlier study, or go on with this one by --resume",
        )


def find_earlier(storage: Any, spec: StudySpec, label: str) -> Earlier | None:
    """Return the earlier study's architecture of the same label; None if it has none.

    Raises:
        NotFoundError: there is no such study in the storage.
        InputError: it is the study itself.
        SpecError: this version does not understand its study file.
    """
    from hpo.search.studies import by_study, missing, stored_spec

    assert spec.warm_start is not None
    refuse_itself(spec)
    name = spec.warm_start.study
    known = by_study(storage) if storage is not None else {}
    known.pop(spec.name, None)
    if name not in known:
        found = missing(name, known)
        raise NotFoundError(found.problem, where="warm_start", hint=found.hint)
    frozen = known[name].get(label)
    if frozen is None:
        return None
    attributes = frozen.user_attrs
    trials = storage.get_all_trials(frozen._study_id, deepcopy=False)
    return Earlier(stored_spec(name, attributes), attributes, trials)


def taken(storage: Any, spec: StudySpec, label: str, digests: Collection[str]) -> Warm:
    """Return what a study takes of the earlier one that its study file names; see ``Warm``.

    Args:
        storage: that holds both; None if there is none.
        spec: the study.
        label: of the architecture.
        digests: of its faces, every one that an earlier study of them may have recorded
            (``hpo.data.recorded``); without one, faces are not compared.

    Raises:
        NotFoundError, InputError, SpecError: see ``find_earlier``.
    """
    assert spec.warm_start is not None
    name = spec.warm_start.study
    earlier = find_earlier(storage, spec, label)
    if earlier is None:
        return Warm(line=f"{label}: study '{name}' has no architecture of this label.")
    architecture = spec.architectures[label]
    maximize = earlier.spec.objective.direction == "maximize"
    trials = [t for t in earlier.trials if has_own_value(t) and not stored.is_lost(t)]
    trials = [t for t in trials if t.values and math.isfinite(t.values[0])]
    if spec.warm_start.trials is not None:
        trials = trials[-spec.warm_start.trials :]
    space = fold_fixed(architecture.space, architecture.fixed)
    inside = [(t, v) for t in trials if (v := _values(space, architecture, t)) is not None]
    others = list(_other_conditions(spec, label, earlier, digests))
    alike = [] if others else [(t, v) for t, v in inside if _same_training(architecture, t, v)]
    count = spec.warm_start.enqueue
    if count is None:
        count = 0 if alike else _TRIED_OTHERWISE
    sign = -1.0 if maximize else 1.0
    ranked = sorted(inside, key=lambda pair: (sign * pair[0].values[0], pair[0].number))
    first: list[dict[str, Any]] = []
    for _, values in ranked:
        if len(first) < count and values not in first:
            first.append(values)
    counts = len(trials), len(inside), len(alike)
    line = f"{label}: {_sentence(name, counts, len(first), others)}"
    return Warm([(values, t.values[0]) for t, values in alike], first, line)


def counts_taken(storage_url: str, study: str) -> tuple[int, int]:
    """Return of how many trials of an earlier study a study's sampler was told, over all of its
    architectures, and how many configurations of it are tried first; 0 and 0 of one without.
    """
    from hpo.search.studies import by_study, existing

    with existing(storage_url) as storage:
        own = by_study(storage).get(study, {}) if storage is not None else {}
        warm = [Warm.from_plain(frozen.user_attrs.get(WARM)) for frozen in own.values()]
        return sum(len(one.seen) for one in warm), sum(len(one.first) for one in warm)


def _values(
    space: SearchSpace, architecture: ArchitectureSpec, trial: FrozenTrial
) -> dict[str, Any] | None:
    """Return a trial's values of what the present space searches; None if one lies outside."""
    known = {**trial.user_attrs.get(stored.PARAMS, {}), **trial.params}
    values: dict[str, Any] = {}
    for name in space.order():
        parameter = space.parameters[name]
        if not parameter.active({**architecture.fixed, **values}):
            continue
        if name not in known or not parameter.contains(known[name]):
            return None
        values[name] = known[name]
    return values


def _same_training(
    architecture: ArchitectureSpec, trial: FrozenTrial, values: Mapping[str, Any]
) -> bool:
    """Tell whether a trial ran with the very parameters that its values would have here."""
    from hpo.architectures.architecture import load
    from hpo.training.resolve import resolve_parameters

    given = {**architecture.fixed, **values}
    ran = {**trial.user_attrs.get(stored.PARAMS, {}), **trial.params}
    try:
        here = resolve_parameters(load(architecture.architecture), given).params
    except (SpecError, InputError, NotFoundError):
        here = given  # Not one of the package's, or a trial that would fail: compared as written.
    return _plain(here) == _plain({name: ran.get(name) for name in here})


def _plain(params: Mapping[str, Any]) -> str:
    return json.dumps(stored.plain(params), sort_keys=True)


def _other_conditions(
    spec: StudySpec, label: str, earlier: Earlier, digests: Collection[str]
) -> Iterator[str]:
    """Yield why the earlier study's values say nothing of this one's."""
    from hpo.search.creation import DATASET_DIGEST

    here, there = spec, earlier.spec
    digest = earlier.attributes.get(DATASET_DIGEST, "")
    if here.data.dataset != there.data.dataset:
        yield f"its data are {there.data.dataset}"
    elif any(digests) and digest and digest not in digests:
        yield f"dataset {here.data.dataset} has changed since"
    limits = (
        ("train", there.train_limit_of(label), here.train_limit_of(label)),
        ("validation", there.data.validation_limit, here.data.validation_limit),
    )
    for split, before, now in limits:
        if before != now:
            yield f"it took {_faces(before)} {split} faces and this one {_faces(now)}"
    limited = any(now is not None for _, _, now in limits)
    if limited and here.seed != there.seed:
        yield "another seed draws other faces within the limits"
    if here.data.leakage != there.data.leakage:
        yield f"its leakage is {there.data.leakage}"
    if here.goals != there.goals:
        yield f"it is judged by {', '.join(goal.metric for goal in there.goals)}"
    elif len(here.goals) > 1 or here.constraints.bounds:
        yield "one value does not tell of several objectives or constraints"
    if here.architectures[label].architecture != there.architectures[label].architecture:
        yield f"its architecture is {there.architectures[label].architecture}"
    if here.fidelity is not None or there.fidelity is not None:
        yield "with rungs, values belong to epochs"
    if here.engine.name != "optuna":
        yield f"the engine {here.engine.name} knows only its own trials"
    elif here.sampler.name in NOT_TAUGHT:
        yield f"the sampler {here.sampler.name} cannot be taught: {NOT_TAUGHT[here.sampler.name]}"


def _faces(limit: int | None) -> str:
    return "all" if limit is None else f"{limit:,}"


def _sentence(study: str, counts: tuple[int, int, int], first: int, others: list[str]) -> str:
    trials, inside, alike = counts
    tried = (
        "no configuration of it is tried first"
        if not first
        else f"its best {'configuration is' if first == 1 else f'{first} configurations are'} "
        "tried first, within the budget"
    )
    out, otherwise = trials - inside, inside - alike
    left = [f"{out} {'lies' if out == 1 else 'lie'} outside the present space"] if out else []
    if others:
        left.insert(0, f"no value is taken ({'; '.join(others)})")
        return f"of study '{study}' {', '.join(left)}; {tried}."
    if otherwise:
        were = "was" if otherwise == 1 else "were"
        left.append(f"{otherwise} {were} trained with other parameters than it would be here")
    said = f"the sampler sees {alike} of the {trials} complete trials of study '{study}'"
    left = [said, *left, *([tried] if first else [])]
    return f"{'; '.join(left)}."


def warm_lines(storage_url: str, spec: StudySpec, digests: Collection[str]) -> list[str]:
    """Return what is or will be taken of the earlier study, a line per architecture.

    Args:
        storage_url: of the storage.
        spec, digests: as for ``taken``.

    Raises:
        NotFoundError, InputError, SpecError: see ``find_earlier``.
    """
    from hpo.search.studies import by_study, existing

    if spec.warm_start is None:
        return []
    refuse_itself(spec)  # Also where the study is there, and what it once took is kept.
    with existing(storage_url) as storage:
        own = by_study(storage).get(spec.name, {}) if storage is not None else {}
        lines = []
        for label in spec.architectures:
            kept = own[label].user_attrs.get(WARM) if label in own else None
            warm = Warm.from_plain(kept) if kept else taken(storage, spec, label, digests)
            lines.append(warm.line)
        return lines
