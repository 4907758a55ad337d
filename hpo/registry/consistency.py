"""Whether a registration was cut off between its steps."""

from __future__ import annotations

from typing import Any

from hpo.registry.models import (
    CHAMPION,
    CLASSIFIER,
    RECOMMENDER,
    TAG_CLASSIFIER_VERSION,
    TAG_STUDY,
)
from hpo.registry.versions import versions_of


def half_promoted(client: Any, study: str) -> str:
    """Return what a study's promotion lacks, in a sentence; "" if it is whole or was never begun.

    The classifier is registered first and made champion, then the recommender that answers with
    it; a process may end between any two of the steps.

    Args:
        client: an ``mlflow.MlflowClient``.
        study: its name.
    """
    own = [v for v in versions_of(client, CLASSIFIER) if v.tags.get(TAG_STUDY) == study]
    if not own:
        return ""
    newest = str(max(int(version.version) for version in own))
    answering = {
        str(version.version)
        for version in versions_of(client, RECOMMENDER)
        if version.tags.get(TAG_CLASSIFIER_VERSION) == newest
    }
    if not answering:
        return f"{CLASSIFIER} {newest} is registered, but no {RECOMMENDER} answers with it"
    champion, recommender = _alias(client, CLASSIFIER), _alias(client, RECOMMENDER)
    if not champion:
        return f"{CLASSIFIER} {newest} is registered, but no version is {CHAMPION}"
    if champion == newest and recommender not in answering:
        return f"{CLASSIFIER} {newest} is {CHAMPION}, but the {RECOMMENDER} of another version is"
    return ""


def _alias(client: Any, name: str) -> str:
    return str(client.get_registered_model(name).aliases.get(CHAMPION, ""))
