"""The faces of the test split, which no study looks at before it is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo.spec.errors import DataError, HpoError, NotFoundError
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset


def may_be_opened(study: str, workspace: Workspace) -> bool:
    """Return whether ``hpo test`` needs no reason: there are test faces, and nobody saw them."""
    from hpo.search.studies import read_spec
    from hpo.study.confirmed import first_look
    from hpo.study.opening import openings_of

    url = workspace.storage_url()
    if first_look(openings_of(url, study)):
        return False
    try:
        faces_to_test(workspace, read_spec(url, study), url, study)
    except HpoError:
        return False
    return True


def faces_to_test(workspace: Workspace, spec: StudySpec, url: str, study: str) -> FaceDataset:
    """Return the study's faces with a test split, which may have been imported since.

    Args:
        workspace: whose data folder holds them.
        spec: of the study.
        url: of Optuna's storage.
        study: its name.

    Raises:
        NotFoundError: there is no such dataset, or no test split in it.
        DataError: the training and validation faces are not those of the study.
    """
    from hpo.data import library, store
    from hpo.data.recorded import as_recorded
    from hpo.search.studies import read_dataset_digest
    from hpo.training.testing import SPLIT

    dataset = store.open_faces(library.find_faces(workspace, spec.data.dataset))
    recorded = read_dataset_digest(url, study)
    if as_recorded(dataset, recorded) is None:
        raise DataError(
            f"dataset '{dataset.name}' has changed since study '{study}' was run, so these may be "
            "faces that it has trained on",
            expected=f"digest {recorded.removeprefix('sha256:')[:12]}",
            got=f"digest {dataset.digest.removeprefix('sha256:')[:12]}",
            hint="Import the faces that the study was run on again",
        )
    if SPLIT not in dataset.splits or not sum(dataset.counts()[SPLIT].values()):
        raise NotFoundError(
            f"dataset '{dataset.name}' has no test split",
            expected="a split 'test', which no study looks at before",
            got=", ".join(dataset.splits),
            where=str(dataset.folder),
            hint=_how_to_get_one(dataset, study),
        )
    return dataset


def _how_to_get_one(dataset: FaceDataset, study: str) -> str:
    """Return what to type for a test split beside the faces that a study was run on."""
    again = f"hpo data import fer2013 SOURCE --name {dataset.name}"
    source = (
        "where SOURCE holds one beside the same training and validation faces: Kaggle's "
        "fer2013.csv (its PrivateTest rows), or a folder with test/, or with test.parquet"
    )
    if "deduplicated" in dataset.manifest["source"]:
        return (
            f"`{again} --dedupe`, {source}. Copies of the test faces then leave the other splits, "
            "so the study has to be run anew under another name, and that one tested"
        )
    return f"`{again}`, {source}; then `hpo test {study}`"
