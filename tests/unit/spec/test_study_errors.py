"""Every fault of a study file gets one paragraph: where, what, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from hpo.spec.errors import InputError
from hpo.spec.loading import load_study
from hpo.spec.study import StudySpec
from tests.golden.files import Golden
from tests.unit.spec.faulty_studies import FAULTY, SOUND, Case


def _paragraph(case: Case, folder: Path) -> str:
    file = folder / "study.yaml"
    file.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    with pytest.raises(InputError) as caught:
        load_study(file, case.sets)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(str(folder) + "/", "")


def test_the_study_that_the_cases_change_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(SOUND)
    assert list(load_study(file).architectures) == ["cnn", "resnet50"]


@pytest.mark.parametrize("case", FAULTY, ids=[case.name for case in FAULTY])
def test_a_faulty_study_gets_one_paragraph_that_names_the_place(case: Case, tmp_path: Path) -> None:
    text = _paragraph(case, tmp_path)
    assert "\n" not in text
    assert text.startswith(("study.yaml", "--set"))
    assert text.endswith((".", "?"))


def test_paragraphs_read_as_recorded(golden: Golden, tmp_path: Path) -> None:
    paragraphs = [f"{case.name}\n    {_paragraph(case, tmp_path)}\n" for case in FAULTY]
    golden.check("study_errors.txt", "\n".join(paragraphs))


def _sections(annotation: Any, path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Walk the sections of a study file that have keys of their own, with their paths."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield path, annotation
        for name, field in annotation.model_fields.items():
            if name not in ("architectures", "objectives"):
                yield from _sections(field.annotation, f"{path}.{name}".lstrip("."))
    for part in get_args(annotation):
        yield from _sections(part, path)


SECTIONS = dict(_sections(StudySpec, ""))
PLUG_INS = ("engine", "launcher", "pruner", "sampler")
"""Every key beside their name is an option, which the part itself checks."""


def test_the_walk_finds_the_sections() -> None:
    assert {"", "data", "constraints", "constraints.size_mib", "gate", "warm_start"} <= {*SECTIONS}


@pytest.mark.parametrize("path", [path for path in SECTIONS if path not in PLUG_INS])
def test_a_mistyped_key_of_any_section_gets_the_closest(path: str, tmp_path: Path) -> None:
    key = list(SECTIONS[path].model_fields)[-1]
    wrong = f"{path}.{key[:-1]}".lstrip(".")
    file = tmp_path / "study.yaml"
    file.write_text(SOUND)
    with pytest.raises(InputError, match=rf"'{wrong}'\. Did you mean .*'{key}'"):
        load_study(file, [f"{wrong}=3"])


def test_a_mistyped_key_of_an_entry_gets_the_closest(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(SOUND + "objectives: [val_accuracy, {metric: size_mib, directoin: minimize}]\n")
    with pytest.raises(InputError, match="Did you mean 'direction'"):
        load_study(file)
    file.write_text(SOUND)
    with pytest.raises(InputError, match="Did you mean 'enqueue'"):
        load_study(file, ["architectures.cnn.enqeue=[]"])
