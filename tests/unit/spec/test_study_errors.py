"""Every fault of a study file gets one paragraph: where, what, what was expected, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.spec.errors import InputError
from hpo.spec.loading import load_study
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
