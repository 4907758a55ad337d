"""Finishing a promotion, or a step back, that was cut off between its steps."""

from __future__ import annotations

from typing import Any

from hpo.spec.confirmation import SUFFIX
from hpo.spec.workspace import Workspace


def finish(client: Any, study: str, workspace: Workspace) -> None:
    """Do what is left of a promotion or a step back, if anything still is.

    What the gate said holds as long as the champion that it was said against is there. Otherwise,
    or where the recommender is missing, the study is promoted again, with as many members as the
    version has.

    Args:
        client: of MLflow.
        study: whose version it is.
        workspace: where the study is.
    """
    from hpo.registry.consistency import half_promoted
    from hpo.registry.models import CLASSIFIER, RECOMMENDER, TAG_GATE
    from hpo.registry.succession import aliased, crown, history, reigns, step_down
    from hpo.study.decision import decision_of
    from hpo.study.promoting import promote
    from hpo.study.reconciling import alone_with_registry

    with alone_with_registry(workspace.storage_url()):
        # Since it was seen, whoever promotes may have gone on.
        half = half_promoted(client, study)
        if half is None:
            return
        champion = aliased(client, CLASSIFIER)
        decision = decision_of(half.tags)
        holds = decision is None or decision.against == champion
        forced = half.tags.get(TAG_GATE) == "forced"
        if not champion and aliased(client, RECOMMENDER):
            step_down(client)
            return
        if half.recommender is not None and half.version == champion:
            back = half.version in reigns(history(client))[:-1]
            crown(client, half.version, half.recommender, "rolled back" if back else "promoted")
            return
        if half.recommender is not None and holds:
            crown(client, half.version, half.recommender, "forced" if forced else "promoted")
            return
    # A run of a confirmation was promoted with the study that was searched.
    study = study.removesuffix(SUFFIX)
    promote(study, workspace=workspace, ensemble=half.members, force=forced and holds)
