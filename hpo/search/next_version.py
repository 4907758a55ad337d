"""The next version of a study's space: stored, and the rows of earlier trials fitted to it.

Optuna lets a float's or an int's range change within a study, and refuses a choice among others
than before ("does not support dynamic value space"). Choices are only ever added, behind those that
were there, so that a stored one (its place among them) keeps its meaning: the list is lengthened in
the rows of the earlier trials, in the one transaction that stores the new version of the space.
Nothing else of a trial changes: numbers, values, results and runs stay, and each trial says from
which version of the space it was drawn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from hpo.search import trials as stored
from hpo.search.creation import SPEC, check_same, optuna_name, without_passwords
from hpo.search.evolution import SPACE, SPACES, evolution_line, stored_space, version_of
from hpo.search.inspection import Inspection
from hpo.search.locks import claiming
from hpo.search.studies import by_study, existing
from hpo.spec.errors import InputError
from hpo.spec.evolving import arranged
from hpo.spec.space import CategoricalParameter, SearchSpace
from hpo.spec.study import StudySpec


def evolve_study(storage_url: str, spec: StudySpec) -> list[str]:
    """Give each architecture of a stored study the space of ``spec`` as the next version.

    Where nothing is added nothing is done. Returns a line for each that was given one.

    Args:
        storage_url: of the storage.
        spec: the study file.

    Raises:
        SpecError: the study file's space is not the stored one grown.
        InputError: workers are at work on the study.
        EnvironmentProblem: see ``open_storage``.
    """
    lines: list[str] = []
    with existing(storage_url) as storage:
        if storage is None:
            return lines
        known = by_study(storage).get(spec.name, {})
        for label in spec.architectures:
            if label not in known:
                continue
            study_id, name = known[label]._study_id, optuna_name(spec.name, label)
            with claiming(storage, name):
                present = storage.get_study_user_attrs(study_id)
                trials = partial(storage.get_all_trials, study_id, deepcopy=False)
                grown = check_same(present, spec, label, evolve=True, trials=trials)
                if not grown.added:
                    continue
                if Inspection(storage, spec).at_work():
                    raise InputError(
                        f"workers are at work on study '{spec.name}', in the space that it has now",
                        hint="Stop them, or wait for their end, then evolve the space",
                    )
                space = arranged(spec.architectures[label].space, stored_space(present))
                version = _evolve(storage, study_id, space, {SPEC: without_passwords(spec)})
                lines.append(evolution_line(label, version, grown))
    return lines


def _evolve(database: Any, study_id: int, space: SearchSpace, changes: Mapping[str, Any]) -> int:
    """Give a study the next version of its space; return its number.

    Args:
        database: what ``open_storage`` returned; the right to claim is held.
        study_id: Optuna's.
        space: the next version, ``arranged``.
        changes: user attributes of the study that change with it.
    """
    from optuna.distributions import CategoricalDistribution, distribution_to_json
    from optuna.storages._rdb.models import StudyUserAttributeModel as Attribute
    from optuna.storages._rdb.models import TrialModel, TrialParamModel

    present = database.get_study_user_attrs(study_id)
    version = version_of(present) + 1
    before = stored_space(present)
    told = {
        **changes,
        SPACE: space.to_plain(),
        SPACES: {
            "1": before.to_plain(),
            **present.get(SPACES, {}),
            str(version): space.to_plain(),
        },
        stored.SPACE_VERSION: version,
    }
    with database.scoped_session() as session, session.begin():
        own = session.query(TrialModel.trial_id).filter(TrialModel.study_id == study_id)
        for name, parameter in space.parameters.items():
            if parameter == before.parameters.get(name):
                continue
            if isinstance(parameter, CategoricalParameter):
                choices = distribution_to_json(CategoricalDistribution(parameter.choices))
                session.query(TrialParamModel).filter(
                    TrialParamModel.param_name == name,
                    TrialParamModel.trial_id.in_(own.scalar_subquery()),
                ).update({"distribution_json": choices}, synchronize_session=False)
        for key, value in told.items():
            row = session.query(Attribute).filter_by(study_id=study_id, key=key).one_or_none()
            if row is None:
                row = Attribute(study_id=study_id, key=key)
                session.add(row)
            row.value_json = json.dumps(value)
    return version
