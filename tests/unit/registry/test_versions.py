"""What is told of versions that are not there, and of a registry that does not answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from hpo.registry.versions import fetch, find_version
from hpo.spec.errors import EnvironmentProblem, NotFoundError

mlflow_exceptions = pytest.importorskip("mlflow.exceptions")


class Registry:
    """A client whose every question about one version ends in the same error."""

    tracking_uri = "postgresql://me:secret@db/mlflow"

    def __init__(self, code: str) -> None:
        self.error = mlflow_exceptions.MlflowException("no luck\nin detail", error_code=None)
        self.error.error_code = code

    def get_model_version_by_alias(self, name: str, alias: str) -> None:
        raise self.error

    def search_model_versions(self, query: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(version=3)]


@pytest.mark.parametrize("code", ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"])
def test_a_version_that_is_not_there_is_told_with_those_that_are(code: str) -> None:
    with pytest.raises(NotFoundError, match=r"no version of m is the champion.*Got version 3\."):
        find_version(Registry(code), "m", "champion")


def test_a_registry_that_does_not_answer_is_not_called_empty() -> None:
    with pytest.raises(EnvironmentProblem, match=r"does not answer.*Got no luck") as caught:
        find_version(Registry("INTERNAL_ERROR"), "m", "champion")
    assert "secret" not in str(caught.value)


def test_files_that_cannot_be_fetched_are_not_called_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    nobody = "http://127.0.0.1:9/api/2.0/mlflow-artifacts/artifacts/1/m"
    with pytest.raises(NotFoundError, match="gone or out of reach"):
        fetch(SimpleNamespace(tracking_uri="sqlite://"), nobody, "m 1", tmp_path)


def test_files_that_are_gone_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"the files of m 1 are gone.*Promote a study again"):
        fetch(SimpleNamespace(tracking_uri="sqlite://"), str(tmp_path / "no"), "m 1")
