"""Studies of a real store beside each other: paired where their faces are the same and here."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.splits import RawSplit, Split, subset
from hpo.data.store import write_faces
from hpo.reports.compute import outline
from hpo.reports.confirmed_beside import confirmed_sentence, study_text
from hpo.reports.confirmed_beside import notes as confirmed_notes
from hpo.reports.data import dump_data
from hpo.search.engine import open_engine
from hpo.search.studies import read_spec, read_trials
from hpo.spec.bits import pack_bits
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.records import TrialResult
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.comparing import Compared, compare
from hpo.study.confirming import confirmation_spec
from tests.unit.reports.conftest import study_records, study_spec
from tests.unit.search.analytic import copied, empty_database

FACES = 70


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_database(tmp_path_factory.mktemp("database"))


@pytest.fixture
def workspace(tmp_path: Path, database: Path) -> Workspace:
    workspace = Workspace.at(tmp_path)
    workspace.runs.mkdir()
    copied(database, workspace.runs)
    return workspace


def write_dataset(workspace: Workspace, seed: int = 0) -> tuple[str, Split]:
    """Write a small dataset; return its digest and its validation split."""
    generator = np.random.default_rng(seed)
    split = RawSplit(
        images=generator.integers(0, 256, (FACES, 48, 48), dtype=np.uint8),
        labels=np.arange(FACES, dtype=np.uint8) % 7,
        names=[str(k) for k in range(FACES)],
    )
    source = {"importer": "test"}
    dataset = write_faces(
        workspace.data / "small", "small", {"train": split, "validation": split}, source
    )
    return dataset.digest, dataset.split("validation")


def make_study(
    workspace: Workspace,
    name: str,
    digest: str,
    labels: list[int],
    wrong: set[int],
    *,
    packed: bool = False,
    seed: int = 0,
    **data: Any,
) -> None:
    """Store a study whose only trial is wrong on these places of the validation faces.

    ``packed`` stores which faces it got right, beside what it said of each.
    """
    spec = StudySpec.model_validate(
        {
            "name": name,
            "seed": seed,
            "data": {"dataset": "small", **data},
            "budget": {"trials": 1},
            "architectures": {
                "cnn": {
                    "space": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2}},
                    "enqueue": [],
                }
            },
        }
    )
    url = workspace.storage_url()
    engine = open_engine(url, spec, "cnn", dataset_digest=digest)
    proposal = engine.ask()
    assert proposal is not None
    predictions = [(y + 1) % 7 if k in wrong else y for k, y in enumerate(labels)]
    accuracy = 1 - len(wrong) / len(labels)
    result = TrialResult(
        state="complete",
        value=accuracy,
        metrics={"val_accuracy": accuracy},
        validation_size=len(labels),
        predictions=predictions,
        correct=pack_bits(k not in wrong for k in range(len(labels))) if packed else "",
        params=proposal.configuration({}),
    )
    assert engine.finish(proposal.number, result)


def two(workspace: Workspace, *, packed: bool = False, **data: Any) -> None:
    """Store studies A and B: A is wrong on faces 0 to 9, B on 0 to 3."""
    digest, validation = write_dataset(workspace)
    limit = data.get("validation_limit")
    drawn = subset(validation, limit, derive_seed(StudySpec.model_fields["seed"].default, "data"))
    for name, wrong in (("A", range(10)), ("B", range(4))):
        make_study(
            workspace, name, digest, drawn.labels.tolist(), set(wrong), packed=packed, **data
        )


def only_difference(compared: Compared) -> dict[str, Any]:
    (entry,) = compared.whole.architectures
    nothing, gap = entry["differences"]
    assert nothing is None
    assert gap is not None
    return dict(gap)


@pytest.mark.parametrize("data", [{}, {"validation_limit": 35}])
def test_trials_that_judged_the_same_faces_are_compared_face_by_face(
    workspace: Workspace, data: dict[str, Any]
) -> None:
    two(workspace, **data)
    gap = only_difference(compare("A", "B", workspace=workspace))
    n = data.get("validation_limit", FACES)
    assert (gap["paired"], gap["n"]) == (True, n)
    assert gap["point"] == pytest.approx(6 / n)
    # Six faces that B alone gets right, and none that A does.
    assert gap["low"] > 0


def test_where_the_faces_are_gone_the_trials_are_taken_as_independent(workspace: Workspace) -> None:
    two(workspace)
    (workspace.data / "small" / "manifest.json").unlink()
    gap = only_difference(compare("A", "B", workspace=workspace))
    assert not gap["paired"]
    assert "are not in this workspace" in gap["why"]
    assert gap["low"] < 0


def test_where_it_is_stored_which_faces_were_right_the_faces_may_be_gone(
    workspace: Workspace,
) -> None:
    two(workspace, packed=True)
    (workspace.data / "small" / "manifest.json").unlink()
    gap = only_difference(compare("A", "B", workspace=workspace))
    assert gap["paired"]
    assert gap["point"] == pytest.approx(6 / FACES)


def test_faces_that_were_imported_anew_pair_nothing(workspace: Workspace) -> None:
    two(workspace)
    write_dataset(workspace, seed=1)
    assert "have changed since" in only_difference(compare("A", "B", workspace=workspace))["why"]


def test_a_test_split_that_came_between_two_studies_parts_no_faces(workspace: Workspace) -> None:
    digest, validation = write_dataset(workspace)
    labels = validation.labels.tolist()
    make_study(workspace, "A", digest, labels, set(range(10)))
    raw = RawSplit(np.array(validation.images), np.array(labels, np.uint8), validation.names)
    splits = {"train": raw, "validation": raw, "test": raw}
    whole = write_faces(workspace.data / "small", "small", splits, {}).digest
    assert whole != digest
    make_study(workspace, "B", whole, labels, set(range(4)))
    assert only_difference(compare("A", "B", workspace=workspace))["paired"]
    write_dataset(workspace, seed=1)
    assert not only_difference(compare("A", "B", workspace=workspace))["paired"]


def test_draws_of_other_faces_are_not_paired(workspace: Workspace) -> None:
    digest, validation = write_dataset(workspace)
    make_study(workspace, "A", digest, validation.labels.tolist(), set(range(10)))
    drawn = subset(validation, 35, derive_seed(StudySpec.model_fields["seed"].default, "data"))
    make_study(workspace, "B", digest, drawn.labels.tolist(), set(), validation_limit=35)
    compared = compare("A", "B", workspace=workspace)
    assert "other validation faces" in only_difference(compared)["why"]
    assert {"key": "data.validation_limit", "values": [None, 35]} in compared.whole.differing


def test_faces_that_another_seed_drew_are_named_as_others(workspace: Workspace) -> None:
    digest, validation = write_dataset(workspace)
    for name, seed in (("A", 1), ("B", 2)):
        drawn = subset(validation, 35, derive_seed(seed, "data")).labels.tolist()
        make_study(workspace, name, digest, drawn, {0}, seed=seed, validation_limit=35)
    compared = compare("A", "B", workspace=workspace)
    assert not only_difference(compared)["paired"]
    (said,) = [note for note in compared.whole.notes if "not all judged on the same" in note]
    assert "A on 35 that its seed 1 drew and B on 35 that its seed 2 drew" in said
    # Taken as independent they are what they are.
    assert not any("too wide" in note for note in compared.whole.notes)


def test_a_limit_above_all_faces_draws_none(workspace: Workspace) -> None:
    digest, validation = write_dataset(workspace)
    for name, seed in (("A", 1), ("B", 2)):
        labels = validation.labels.tolist()
        make_study(workspace, name, digest, labels, {0}, seed=seed, validation_limit=FACES + 1)
    compared = compare("A", "B", workspace=workspace)
    assert only_difference(compared)["paired"]
    assert not any("not all judged on the same" in note for note in compared.whole.notes)


def test_a_report_of_elsewhere_stands_beside_a_study_of_the_store(
    workspace: Workspace, tmp_path: Path
) -> None:
    two(workspace)
    records = study_records(("cnn", "xception"), trials=3)
    dump_data(outline(records, study_spec(("cnn", "xception"))), tmp_path / "else" / "study.json")
    compared = compare("A", tmp_path / "else", workspace=workspace)
    assert compared.page == workspace.reports / "compare-A-demo" / "index.html"
    assert {p.name for p in compared.page.parent.iterdir()} == {
        *("index.html", "comparison.json", "plotly.min.js")
    }
    cnn, xception = compared.whole.architectures
    assert cnn["differences"][1]["why"] == "a report's study.json keeps no predictions"
    assert xception["results"][0] is None
    assert xception["differences"] == [None, None]


def test_one_study_alone_and_an_unknown_one_are_refused_and_write_nothing(
    workspace: Workspace,
) -> None:
    two(workspace)
    with pytest.raises(InputError, match="two studies"):
        compare("A", workspace=workspace)
    with pytest.raises(NotFoundError, match="no study named 'C'"):
        compare("A", "C", workspace=workspace)
    assert not workspace.reports.exists()


def test_a_study_beside_itself_is_refused(workspace: Workspace) -> None:
    two(workspace)
    file = workspace.home / "a.yaml"
    file.write_text(json.dumps(read_spec(workspace.storage_url(), "A").to_plain()))
    records = study_records(("cnn",), trials=2)
    report = workspace.home / "reports" / "A" / "study.json"
    dump_data(outline(records, study_spec(("cnn",))), report)
    for same in ("A", file, report, report.parent):
        with pytest.raises(InputError, match="cannot be compared with itself"):
            compare("B", "A", same, workspace=workspace)
    with pytest.raises(InputError, match="cannot be compared with itself"):
        compare(report, report.parent, workspace=workspace)
    assert not list(workspace.reports.glob("compare-*"))


def test_a_hostile_name_stays_text(workspace: Workspace, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    data = outline([*study_records(("cnn",), trials=2, seed=random.Random(0).randint(0, 9))], {})
    data.study["name"] = hostile
    dump_data(data, tmp_path / "one" / "study.json")
    two(workspace)
    into = workspace.reports / "both"
    page = compare("A", tmp_path / "one", workspace=workspace, into=into).page
    assert "<script>alert" not in page.read_text(encoding="utf-8")


def test_where_one_alone_stores_which_faces_were_right_the_predictions_pair_them(
    workspace: Workspace,
) -> None:
    digest, validation = write_dataset(workspace)
    labels = validation.labels.tolist()
    make_study(workspace, "A", digest, labels, set(range(10)))
    make_study(workspace, "B", digest, labels, set(range(4)), packed=True)
    gap = only_difference(compare("A", "B", workspace=workspace))
    assert gap["paired"], gap["why"]
    assert gap["point"] == pytest.approx(6 / FACES)


def confirm(workspace: Workspace, name: str, wrong: int) -> None:
    """Store a confirmation of a study's only trial: each seed is wrong on so many faces and k."""
    url = workspace.storage_url()
    (record,) = read_trials(url, name)
    spec = confirmation_spec(read_spec(url, name), {"cnn-0": record}, 3)
    engine = open_engine(url, spec, "cnn-0", resume=True)
    for k in range(3):
        proposal = engine.ask()
        assert proposal is not None
        right = [face >= wrong + k for face in range(FACES)]
        value = sum(right) / FACES
        result = TrialResult(
            state="complete",
            value=value,
            metrics={"val_accuracy": value},
            validation_size=FACES,
            correct=pack_bits(right),
            params=proposal.configuration({}),
        )
        assert engine.finish(proposal.number, result)


def test_confirmed_studies_are_compared_over_seeds_and_the_same_faces(
    workspace: Workspace,
) -> None:
    two(workspace, packed=True)
    before = compare("A", "B", workspace=workspace).whole
    assert before.confirmed_differences == [None, None]
    for name, wrong in (("A", 20), ("B", 6)):
        confirm(workspace, name, wrong)
    whole = compare("A", "B", workspace=workspace).whole
    figures = [study["confirmed"] for study in whole.studies]
    assert [f["seeds"] for f in figures] == [3, 3]
    assert [f["mean"]["point"] for f in figures] == pytest.approx([49 / 70, 63 / 70])
    _, gap = whole.confirmed_differences
    assert gap is not None
    assert (gap["paired"], gap["n"]) == (True, FACES)
    assert gap["point"] == pytest.approx(14 / 70)
    assert 0 < gap["low"] < gap["point"] < gap["high"]
    said = confirmed_sentence(whole.studies[0])
    assert "the only one that was run again" in said
    assert "not told from" not in said + study_text(whole.studies[0])
    taken = {**whole.studies[0], "confirmed": {**figures[0], "alone": False, "few": True}}
    for said in (confirmed_sentence(taken), study_text(taken)):
        assert "of too few seeds for a winner" in said
    assert "Caution" not in " ".join(confirmed_notes(whole))
    known = {**whole.studies[1]["confirmed"], "caution": "Caution: after the test split."}
    after = replace(whole, studies=[whole.studies[0], {**whole.studies[1], "confirmed": known}])
    assert f"{after.studies[1]['title']}: Caution: after the test split." in confirmed_notes(after)


def test_a_confirmation_in_a_report_is_compared_as_independent(workspace: Workspace) -> None:
    two(workspace, packed=True)
    confirm(workspace, "A", 20)
    confirm(workspace, "B", 6)
    from hpo.study.reporting import report

    written = report("B", workspace=workspace, png=False)
    whole = compare("A", written.data, workspace=workspace).whole
    _, gap = whole.confirmed_differences
    assert gap is not None
    assert not gap["paired"]
    assert gap["why"] == "a report's study.json keeps no predictions"
    assert gap["point"] == pytest.approx(14 / 70)
