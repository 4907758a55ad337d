"""How a study was made, as name and value: its settings, per architecture where these differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from hpo.reports.baselines import BASELINES, changes_clause
from hpo.reports.data import ReportData
from hpo.reports.draw.style import objective_axis, short
from hpo.reports.sentences import ORIGINS, moment, origin_phrase, span
from hpo.search.budgets import planned_epochs
from hpo.spec.fidelity import FidelitySpec, listed_epochs
from hpo.spec.limits import budget_text, limit_text

SETTINGS = ("seed", "engine", "sampler", "pruner", "precision")
"""Keys of the study file that hold for all architectures, as the page repeats them."""


def made_list(data: ReportData) -> list[tuple[str, str]]:
    """Return how the study was made: name and value."""
    study = data.study
    listed = [("Objective", f"{objective_axis(data.objective)}, {data.objective['direction']}")]
    if study.get("objectives"):
        listed.append(("Objectives", ", ".join(g["metric"] for g in study["objectives"])))
    bounds = {k: v for k, v in (study.get("constraints") or {}).items() if v}
    if bounds:
        listed.append(("Constraints", "; ".join(f"{k}: {_setting(v)}" for k, v in bounds.items())))
    # Beside rungs there is no pruner.
    settings = [k for k in SETTINGS if not (k == "pruner" and study.get("fidelity"))]
    listed += [(k.capitalize(), _setting(study[k])) for k in settings if study.get(k) is not None]
    listed += _rungs(study)
    if study.get("warm_start"):
        listed.append(("Warm start", _setting(study["warm_start"])))
    listed += _data(study)
    listed += [(f"Asked of {entry['label']}", _asked(study, entry)) for entry in data.architectures]
    listed += [
        (f"Space of {label}", f"version {version}: it grew while the study went on")
        for label, version in data.facts.get("space_versions", {}).items()
        if version > 1
    ]
    for entry in data.architectures:
        best = entry["best"]
        if best:
            params = ", ".join(f"{n} = {short(v)}" for n, v in best["params"].items())
            origin = origin_phrase(best.get("origin", ""))
            if best.get("origin") == "default" and entry.get("departures"):
                origin += changes_clause(entry)
            told = f"trial {best['number']}{f', {origin}' if origin else ''}: "
            listed.append((f"Best of {entry['label']}", told + (params or "nothing was searched")))
    environment = data.facts.get("environment", {})
    if environment:
        listed.append(("Versions", ", ".join(f"{k} {v}" for k, v in environment.items())))
    if data.facts.get("started"):
        known = data.facts.get("progress") or {}
        read_at = known.get("read_at", "")
        going = bool(known.get("running"))
        ran = span(data.facts["started"], "" if going else data.facts["finished"])
        said = f", still going as of {moment(read_at)}" if going and read_at else ""
        listed.append(("Ran", ran + said))
    return listed


def _rungs(study: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how configurations go on, and at which epochs they are compared; [] without rungs."""
    given = study.get("fidelity")
    if not given:
        return []
    try:
        spec = FidelitySpec.model_validate(given)
    except ValidationError:  # Of another version.
        return [("Rungs", _setting(given))]
    rungs: dict[tuple[int, ...], list[str]] = {}
    for label, own in (study.get("architectures") or {}).items():
        fixed = (own.get("fixed") if isinstance(own, Mapping) else None) or {}
        rungs.setdefault(spec.rungs_of(planned_epochs(fixed)), []).append(label)
    parts = [spec.goes_on()]
    for epochs, labels in rungs.items():
        whose = f" for {' and '.join(labels)}" if len(rungs) > 1 else ""
        parts.append(f"rungs at {listed_epochs(epochs)}{whose}")
    parts.append(f"all go on where the ranks correlate by less than {spec.min_rank_correlation:g}")
    return [("Rungs", ", ".join(parts))]


def _data(study: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the dataset; the training faces are said per architecture, which may limit its own."""
    given = study.get("data")
    if not isinstance(given, Mapping):
        return [("Data", str(given))] if given else []
    limit = given.get("validation_limit")
    faces = f"{limit:,} validation faces at most" if limit else "the whole validation split"
    left_out = ", training without duplicates of held-out faces"
    left_out = left_out if given.get("leakage") == "drop" else ""
    return [("Data", f"{given.get('dataset', 'unknown')}, {faces}{left_out}")]


def _asked(study: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Return what the study file asks of one architecture; its own settings win over the study's.

    A mapping that is enqueued was written by hand; ``thesis`` and ``default`` are not.
    """
    listed = study.get("architectures")
    own = listed.get(entry["label"]) if isinstance(listed, Mapping) else None
    own = own if isinstance(own, Mapping) else {}
    data = study.get("data")
    told = budget_text(study.get("budget"), own.get("trials"))
    limit = own.get("train_limit") or (data.get("train_limit") if isinstance(data, Mapping) else 0)
    said = [told] if told else []
    said += _beyond(study.get("budget"))
    said.append(f"{limit:,} training faces at most" if limit else "all training faces")
    if own.get("weights"):
        said.append(f"weights {own['weights']}")
    fixed = {n: v for n, v in (own.get("fixed") or {}).items() if n != "weights"}
    if fixed:
        said.append("fixed " + ", ".join(f"{n} = {short(v)}" for n, v in fixed.items()))
    enqueued = own.get("enqueue") or []
    by_hand = sum(isinstance(e, Mapping) for e in enqueued)
    # By 'thesis' an architecture that the thesis has not is asked for its defaults.
    names = [e for e in enqueued if isinstance(e, str)]
    asked = {entry.get("baseline", "thesis") if name == "thesis" else name for name in names}
    first = [ORIGINS[origin] for origin in BASELINES if origin in asked]
    first += [f"{by_hand} written by hand"] if by_hand else []
    if first:
        said.append(f"tried first: {' and '.join(first)}")
    return "; ".join(said)


def _beyond(budget: Any) -> list[str]:
    """Return the trials that no search asked for, in words; [] if there are none."""
    extra = budget.get("importance_trials") if isinstance(budget, Mapping) else None
    return [f"beyond that {limit_text('trials', extra)} of an even sample"] if extra else []


def _setting(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    shown = {k: v for k, v in value.items() if v is not None and v != {}}
    name = shown.pop("name", None)
    options = shown.pop("options", {})
    rest = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in {**shown, **options}.items())
    if name is None:
        return rest
    return f"{name} ({rest})" if rest else str(name)
