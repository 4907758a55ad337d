"""The documents against the code: what they list must be there, and what is there be listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from hpo.architectures.architecture import load
from hpo.search.options import OPTIONS
from hpo.spec.catalogue import CATALOGUE
from hpo.spec.fidelity import FidelitySpec
from hpo.spec.gate import GateSpec
from hpo.spec.loading import load_study
from hpo.spec.objectives import BoundSpec, ConstraintsSpec, GoalSpec
from hpo.spec.parameters import CategoricalParameter, FloatParameter, IntParameter
from hpo.spec.sections import (
    BudgetSpec,
    ConfirmationSpec,
    DataSpec,
    LimitsSpec,
    ObjectiveSpec,
    TrackingSpec,
    WarmStartSpec,
)
from hpo.spec.study import ArchitectureSpec, StudySpec
from hpo.study.launchers.options import LAUNCHERS
from hpo.training.resolve import known_parameters

REPOSITORY = Path(__file__).parents[2]
STUDY_FILE = (REPOSITORY / "docs/study-file.md").read_text(encoding="utf-8")
ARCHITECTURE = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")

SECTIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "## The study\n": (StudySpec,),
    "### `data`\n": (DataSpec,),
    "### `objective`, `budget`, `limits`, `tracking`\n": (
        ObjectiveSpec,
        BudgetSpec,
        LimitsSpec,
        TrackingSpec,
    ),
    "### `objectives` and `constraints`\n": (GoalSpec,),
    "`constraints` go with one objective": (ConstraintsSpec, BoundSpec),
    "### `fidelity`\n": (FidelitySpec,),
    "### `gate`\n": (GateSpec,),
    "### `warm_start`\n": (WarmStartSpec,),
    "### `confirmation`\n": (ConfirmationSpec,),
    "### One architecture\n": (ArchitectureSpec,),
    "## Parameters that are searched\n": (FloatParameter, IntParameter, CategoricalParameter),
}


def keys(heading: str) -> set[str]:
    """The names in the first column of the table below a heading, without their section."""
    _, _, below = STUDY_FILE.partition(heading)
    table = re.split(r"^#|^`constraints` go", below, maxsplit=1, flags=re.MULTILINE)[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name.rsplit(".", 1)[-1] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def written(value: object) -> str:
    """A default as the document writes it: ``1e-4``, ``0.25``, ``true``."""
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub("e-0", "e-", f"{value:.10g}") if isinstance(value, float) else str(value)


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_of_a_study_file_is_documented_and_no_other(heading: str) -> None:
    fields = {name for model in SECTIONS[heading] for name in model.model_fields}
    if heading == "## The study\n":
        fields |= {"space", "fixed"}  # shared by all architectures; merged into them when read
    assert keys(heading) == fields


@pytest.mark.parametrize("architecture", sorted(CATALOGUE["architecture"]))
def test_every_parameter_is_documented_with_its_range_and_default(architecture: str) -> None:
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in STUDY_FILE.splitlines()
        if line.startswith("| `") and line.count("|") == 5
    ]
    defaults = load(architecture).defaults
    for name, info in known_parameters(architecture).items():
        takes = [row[2:4] for row in rows if row[1] == f"`{name}`"]
        assert takes, f"{name} is not documented"
        if name == "input_size":  # one row for two networks, with the range of each
            assert f"{info.allowed().removeprefix('a whole number ')}" in takes[0][0]
            continue
        if name in defaults:  # told in the sentence above the tables
            assert f"`{name}` {written(defaults[name])}" in STUDY_FILE
            continue
        assert [info.allowed(), written(info.default)] in takes


EVERY_OPTION = {**OPTIONS, "launcher": LAUNCHERS}


@pytest.mark.parametrize("kind", sorted(EVERY_OPTION))
def test_every_option_is_documented_with_its_default(kind: str) -> None:
    assert set(EVERY_OPTION[kind]) == set(CATALOGUE[kind])
    for name, model in EVERY_OPTION[kind].items():
        (row,) = [r for r in STUDY_FILE.splitlines() if r.startswith(f"| {kind} `{name}` |")]
        assert set(re.findall(r"`(\w+)`: ", row)) == set(model.model_fields)
        for option, field in model.model_fields.items():
            if field.default is not None:
                assert re.search(f"`{option}`: {re.escape(written(field.default))}\\b", row)


def test_the_example_is_a_study_file(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", STUDY_FILE, re.DOTALL)
    assert example is not None
    file = tmp_path / "first.yaml"
    file.write_text(example[1], encoding="utf-8")
    spec = load_study(file)
    assert set(spec.architectures) == {"cnn", "resnet50"}
    for label, section in spec.architectures.items():
        known = known_parameters(label)
        assert set(section.space.parameters) | set(section.fixed) <= set(known)


def test_the_page_on_architecture_names_only_what_is_there() -> None:
    named = re.findall(r"`((?:hpo|docs|tests|benchmarks|search_spaces)/[\w/.-]+)`", ARCHITECTURE)
    assert named
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_the_page_on_architecture_knows_every_room_and_kind_of_plug_in() -> None:
    rooms = {p.parent.name for p in (REPOSITORY / "hpo").glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}`" not in ARCHITECTURE} == set()
    assert {kind for kind in CATALOGUE if f"`{kind}`" not in ARCHITECTURE} == set()
