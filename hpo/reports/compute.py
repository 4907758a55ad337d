"""Trial records and a study file → ``ReportData``: all that a report says, and no drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.chance import HALVES
from hpo.evidence.optuna_study import joined_space, observations, telling_rung
from hpo.reports import comparison_sentences, importance_tables, sentences
from hpo.reports.began_with import began_sentence
from hpo.reports.beside_answer import beside_answer
from hpo.reports.comparison import comparison, correct_faces
from hpo.reports.confirmation_warnings import unasked_sentence
from hpo.reports.copies import copies_caveats
from hpo.reports.data import ReportData, finite
from hpo.reports.facts import catalogue_name, facts_of, labels_of, objective_of
from hpo.reports.importance_tables import Remembered
from hpo.reports.opening_sentences import searched_on
from hpo.reports.progress import progress, trials_left
from hpo.reports.results import architecture_entry, majority
from hpo.reports.rows import row
from hpo.reports.summary import summary, unlearned_sentence
from hpo.reports.surface import axis_of, by_rank, surface
from hpo.reports.thesis import THESIS_RUNS
from hpo.reports.trials import best_matrices
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
    objective = objective_of(study)
    grouped = {
        label: [r for r in records if r.architecture == label]
        for label in labels_of(study, records)
    }
    majority_class = majority(records, classes)
    parts = {label: trials_left(study, label, group) for label, group in grouped.items()}
    entries = [
        architecture_entry(
            label,
            catalogue_name(study, label),
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
    facts = facts_of(records, study, entries)
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
    data = ReportData(
        study=dict(study),
        objective=objective,
        classes=list(classes),
        summary=summary(
            entries,
            facts,
            objective,
            tables,
            shared,
            grouped,
            answer,
            study,
            rows,
            majority_class,
            confirmation or {},
        ),
        caveats=[
            *sentences.majority_caveats(entries, majority_class),
            *sentences.condition_caveats(entries, facts, bool(thesis)),
            *sentences.rung_caveats(
                entries, (study.get("fidelity") or {}).get("min_rank_correlation")
            ),
            *filter(None, (unlearned_sentence(confirmation or {}),)),
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
    objective = objective_of(study)
    most = majority(records, classes)
    entries = []
    for label in labels_of(study, records):
        group = [r for r in records if r.architecture == label]
        name = catalogue_name(study, label)
        direction, metric = objective["direction"], objective["name"]
        entries.append(architecture_entry(label, name, group, direction, most, metric))
    data = ReportData(
        study=dict(study),
        objective=objective,
        classes=list(classes),
        facts=facts_of(records, study, entries),
        majority=most,
        architectures=entries,
        trials=[row(record) for record in records],
    )
    return ReportData.from_json(finite(data.to_json()))
