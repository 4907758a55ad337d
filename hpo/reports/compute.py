"""Trial records and a study file → ``ReportData``: all that a report says, and no drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.chance import HALVES
from hpo.evidence.optuna_study import joined_space, observations, telling_rung
from hpo.reports import comparison_sentences, importance_tables, sentences
from hpo.reports.began_with import began_sentence, luck_left_out
from hpo.reports.beside_answer import beside_answer
from hpo.reports.comparison import comparison, correct_faces
from hpo.reports.confirmation_warnings import (
    cautioned,
    few_seeds,
    unasked_sentence,
    unlearned,
)
from hpo.reports.confirmation_words import decided
from hpo.reports.copies import copies_caveats, copies_sentence
from hpo.reports.data import ReportData, finite
from hpo.reports.equals import equals, equals_sentence
from hpo.reports.gain_sentences import (
    changes,
    gain_sentence,
    sampler_sentence,
)
from hpo.reports.gains import accuracy_change, unsearched_differences
from hpo.reports.importance_sentences import importance_sentence
from hpo.reports.importance_tables import Remembered
from hpo.reports.judged import constraints_sentence
from hpo.reports.opening_sentences import opening_in_short, searched_on
from hpo.reports.progress import progress, progress_sentence, trials_left
from hpo.reports.results import STATES, architecture_entry, majority, ranked
from hpo.reports.rows import row
from hpo.reports.several_gains import gains_sentence
from hpo.reports.surface import axis_of, by_rank, surface
from hpo.reports.thesis import THESIS_RUNS
from hpo.reports.trials import best_matrices, best_of
from hpo.reports.winner import winner_facts
from hpo.spec.emotions import EMOTIONS
from hpo.spec.pareto import pareto_front
from hpo.spec.records import TrialRecord


def compute(
    records: Sequence[TrialRecord],
    study: Mapping[str, Any],
    *,
    classes: Sequence[str] = EMOTIONS,
    n_bootstrap: int = HALVES,
    read_at: str = "",
    mlflow: Mapping[str, str] | None = None,
    dataset_digest: str = "",
    remembered: Remembered | None = None,
    confirmation: Mapping[str, Any] | None = None,
    served: TrialRecord | None = None,
    warm_start: Sequence[int] | None = None,
) -> ReportData:
    """Return the report of a study.

    Args:
        records: its trials, of all architectures, in any order.
        study: the study file as plain data (``StudySpec.to_plain()``); only ``name`` is needed.
        classes: names of the classes in label order.
        n_bootstrap: resamples behind the intervals of importance (random halves of the trials).
        read_at: ISO 8601 time (UTC) at which the records were read, for a study that goes on.
        mlflow: ``experiment_id`` of the study, and ``address`` of the server that shows it, "" for
            a store that ``hpo ui`` shows; where it is tracked at all.
        dataset_digest: of the faces, for the model card; "" if it was not recorded.
        remembered: importance that was computed before; takes what is new.
        confirmation: as in ``ReportData``.
        served: the run of the configuration that it has chosen which is served, if it is over.
        warm_start: of how many trials of an earlier study the sampler was told, and how many
            configurations of it are tried first; None if that is unknown, or there is none.
    """
    records = sorted(records, key=lambda r: (r.architecture, r.number))
    objective = _objective(study)
    grouped = {
        label: [r for r in records if r.architecture == label] for label in _labels(study, records)
    }
    majority_class = majority(records, classes)
    parts = {label: trials_left(study, label, group) for label, group in grouped.items()}
    entries = [
        architecture_entry(
            label,
            _catalogue_name(study, label),
            group,
            objective["direction"],
            majority_class,
            objective["name"],
        )
        | {"left": parts[label]["left"]}
        for label, group in grouped.items()
    ]
    asked = (study, objective["direction"], n_bootstrap, remembered or Remembered())
    tables = {
        label: importance_tables.of_architecture(group, *asked) for label, group in grouped.items()
    }
    front = pareto_front(records)
    shared = importance_tables.of_all(grouped, *asked)
    architectures = {entry["architecture"] for entry in entries}
    thesis = [run.to_json() for run in THESIS_RUNS if run.architecture in architectures]
    facts = _facts(records, study, entries)
    facts["progress"] = progress(list(parts.values()), read_at)
    facts["mlflow"] = dict(mlflow or {})
    facts["dataset_digest"] = dataset_digest
    if warm_start is not None:
        facts["warm_start"] = list(warm_start)
    rows = [
        row(record) | ({"front": True} if (record.architecture, record.number) in front else {})
        for record in records
    ]
    rerun = ((confirmation or {}).get("facts") or {}).get("candidates", ())
    compared = comparison(
        rows, list(grouped), study, objective, correct_faces(records), candidates=rerun
    )
    changed = {entry["label"]: entry["departures"] for entry in entries}
    for label, move in ((compared or {}).get("tuning") or {}).get("moves", {}).items():
        move["departures"] = changed[label]
    beaten = [e["label"] for e in entries if e["against_majority"] in ("contains", "below")]
    answer = comparison_sentences.answer_sentence(compared, facts, objective, beaten)
    if answer and (beside := beside_answer(compared["tuning"], entries, confirmation or {})):
        answer = f"{answer} {beside}"
    late = searched_on((confirmation or {}).get("searched_after", ""), begun=True)
    budgets = comparison_sentences.budget_sentence(compared, study, objective)
    verdict = _confirmed(confirmation or {})
    # What was confirmed comes before the search's lucky best; what is not finished, last.
    first, last = (verdict, []) if decided(confirmation or {}) else ([], verdict)
    data = ReportData(
        study=dict(study),
        objective=objective,
        classes=list(classes),
        summary=[
            *_summary(
                entries,
                facts,
                objective,
                tables,
                grouped,
                answer,
                study,
                rows,
                first,
                majority_class,
                confirmation or {},
            ),
            # That each architecture has too few trials is said of each.
            *([importance_sentence("", shared, objective)] if _answered(shared) else []),
            *last,
        ],
        caveats=[
            *sentences.majority_caveats(entries, majority_class),
            *sentences.condition_caveats(entries, facts, bool(thesis)),
            *sentences.rung_caveats(entries),
            *filter(None, (_unlearned(confirmation or {}),)),
            *filter(
                None,
                (
                    began_sentence(study, warm_start),
                    budgets,
                    late,
                    unasked_sentence(confirmation or {}),
                ),
            ),
            *copies_caveats(records),
        ],
        facts=facts,
        majority=majority_class,
        architectures=entries,
        thesis=thesis,
        importance=tables,
        shared_importance=shared,
        contours={
            label: _contours(group, tables[label]["fanova"]) for label, group in grouped.items()
        },
        confusion=best_matrices(grouped, objective["direction"]),
        comparison=compared,
        card=winner_facts(
            records,
            entries,
            objective["direction"],
            dataset=facts["dataset"],
            digest=dataset_digest,
            classes=classes,
            served=served,
        ),
        confirmation=dict(confirmation or {}),
        trials=rows,
    )
    return ReportData.from_json(finite(data.to_json()))


def _objective(study: Mapping[str, Any]) -> dict[str, Any]:
    given = study.get("objective") or {}
    name = given if isinstance(given, str) else given.get("metric", "val_accuracy")
    direction = "minimize" if "loss" in name else "maximize"
    label = name.replace("val_", "validation ").replace("_", " ")
    return {
        "name": name,
        "direction": direction,
        "label": label,
        "percent": any(word in name for word in ("accuracy", "f1", "recall", "precision")),
    }


def _labels(study: Mapping[str, Any], records: Sequence[TrialRecord]) -> list[str]:
    """Return the architectures in the order of the study file, then any others by name."""
    listed = study.get("architectures")
    named = list(listed) if isinstance(listed, Mapping | list) else []
    return [*named, *sorted({r.architecture for r in records} - set(named))]


def _catalogue_name(study: Mapping[str, Any], label: str) -> str:
    listed = study.get("architectures")
    section = listed.get(label) if isinstance(listed, Mapping) else None
    return str(section.get("architecture", label)) if isinstance(section, Mapping) else label


def _facts(
    records: Sequence[TrialRecord], study: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    data = study.get("data")
    dataset = str(data.get("dataset", "")) if isinstance(data, Mapping) else str(data or "")
    results = [r.result for r in records if r.result is not None]
    environments = [r.environment for r in results if r.environment]
    plain_name = dataset.lower().replace("-", "").replace("_", "")
    return {
        "trials": len(records),
        "counts": {state: sum(r.state == state for r in records) for state in STATES},
        "seconds": round(sum(e["seconds"] for e in entries), 2),
        "epochs": sum(e["epochs"] for e in entries),
        "dataset": dataset or "unknown",
        "on_thesis_data": "fer2013" in plain_name,
        "validation_sizes": sorted({r.validation_size for r in results if r.validation_size}),
        "train_sizes": sorted({r.train_size for r in results if r.train_size}),
        "started": min((r.started for r in records if r.started), default=""),
        "finished": max((r.finished for r in records if r.finished), default=""),
        "space_versions": {
            label: max((r.space_version for r in records if r.architecture == label), default=1)
            for label in dict.fromkeys(r.architecture for r in records)
        },
        "environment": environments[-1] if environments else {},
        "devices": sorted({e["device"] for e in environments if e.get("device")}),
    }


def _answered(tables: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(tables) and not tables["fanova"]["refused"]


def _confirmed(confirmation: Mapping[str, Any]) -> list[str]:
    """Return who was confirmed, and what the test split says of it."""
    facts, sentences = confirmation.get("facts") or {}, confirmation.get("sentences") or []
    over: list[str] = sentences[:1] if facts.get("over") else []
    if over:
        over += filter(None, [few_seeds(facts["seeds"]), cautioned(facts)])
    unasked = unasked_sentence(confirmation)
    tested = opening_in_short(confirmation.get("test") or [])
    return [*over, *tested, *([unasked] if unasked else [])]


def _unlearned(confirmation: Mapping[str, Any]) -> str:
    """Return that what was chosen was not shown to have learned; "" if it was, or none was."""
    chosen = decided(confirmation)
    return unlearned(confirmation["facts"], chosen) if chosen else ""


def _summary(
    entries: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    objective: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
    grouped: Mapping[str, Sequence[TrialRecord]],
    answer: str,
    study: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    verdict: Sequence[str],
    most: Mapping[str, Any],
    confirmation: Mapping[str, Any],
) -> list[str]:
    order = ranked(entries, objective["direction"])
    going = progress_sentence(facts["progress"])
    said = [sentence for sentence in (going, answer) if sentence]
    said += verdict
    bounded = [s for s in (constraints_sentence(rows, study),) if s]
    if not order:
        return [*said, sentences.best_sentence(None, facts, objective), *bounded]
    winner = order[0]
    alike = equals_sentence(equals(entries, objective["direction"]))
    said += [sentences.best_sentence(winner, facts, objective, alike, most), *bounded]
    alone = copies_sentence(winner, study)
    said += [alone] if alone else []
    if len(order) > 1 and winner["best"]["interval"] and order[1]["best"]["interval"]:
        bests = [best_of(grouped[e["label"]], objective["direction"]) for e in order[:2]]
        first, second = (record for record in bests if record is not None)
        gap = accuracy_change(first, second)
        if gap is not None:
            differ = changes(unsearched_differences(first, second))
            said.append(
                sentences.comparison_sentence(winner, order[1], gap, objective, differ, most)
            )
    if len(order) > 1:
        # In the order of the study file, as everywhere; the figure's notes have what else differs.
        known = [e for e in entries if e["best"]]
        gained = gains_sentence(known, objective, most, confirmation)
        said.append(gained + luck_left_out(study, facts.get("warm_start"), known))
    else:
        drawn = sampler_sentence(winner, objective)
        gained = gain_sentence(winner, objective, most, confirmation)
        gained += luck_left_out(study, facts.get("warm_start"), [winner])
        said += [s for s in (gained, drawn) if s]
    label = winner["label"]
    said.append(importance_sentence(label, tables[label], objective))
    return said


def _contours(group: Sequence[TrialRecord], table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the two foremost parameters, and the two foremost numbers where these differ.

    Each as ``surface`` returns them, with ``rung``, of which the trials are.
    Where importance refuses an answer no parameter is foremost, and there are none.
    """
    if table["refused"]:
        return []
    usable, _ = observations(group)
    space = joined_space(group)
    ranked = by_rank(table, usable, space)
    numbers = [n for n in ranked if axis_of(n, usable, space.get(n, {}))["choices"] is None]
    pairs = [ranked[:2], numbers[:2]] if numbers[:2] != ranked[:2] else [ranked[:2]]
    rung = {"rung": telling_rung(group)}
    return [surface(usable, pair, space) | rung for pair in pairs if len(pair) == 2]


def outline(
    records: Sequence[TrialRecord], study: Mapping[str, Any], *, classes: Sequence[str] = EMOTIONS
) -> ReportData:
    """Return of a report what needs no importance: results, facts and trials, in milliseconds."""
    records = sorted(records, key=lambda r: (r.architecture, r.number))
    objective = _objective(study)
    most = majority(records, classes)
    entries = []
    for label in _labels(study, records):
        group = [r for r in records if r.architecture == label]
        name = _catalogue_name(study, label)
        entries.append(architecture_entry(label, name, group, objective["direction"], most))
    data = ReportData(
        study=dict(study),
        objective=objective,
        classes=list(classes),
        facts=_facts(records, study, entries),
        majority=most,
        architectures=entries,
        trials=[row(record) for record in records],
    )
    return ReportData.from_json(finite(data.to_json()))
