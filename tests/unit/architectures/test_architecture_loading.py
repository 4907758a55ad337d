from __future__ import annotations

from pathlib import Path

import pytest

from hpo.architectures.architecture import load
from hpo.spec.errors import NotFoundError, SpecError


def test_the_thesis_networks_are_known_by_name() -> None:
    assert load("cnn").needs_weights is False
    assert load("resnet50").base_layer == "resnet50"
    assert load("xception").needs_weights is True


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"study\.yaml:3.*Did you mean 'resnet50'\?"):
        load("resnet", where="study.yaml:3")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    name = f"own_{request.node.name.split('[')[0]}"
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / f"{name}.py").write_text(request.param)
    return name


@pytest.mark.parametrize(
    "own",
    [
        "from pydantic import BaseModel\n"
        "class Parameters(BaseModel):\n    rings: int = 3\n"
        "THESIS = {'rings': 4}\n"
        "def build(params, input_shape, classes): ...\n"
    ],
    indirect=True,
)
def test_what_stands_beside_an_own_build_is_taken(own: str) -> None:
    architecture = load(f"{own}:build")
    assert architecture.parameters is not None
    assert architecture.thesis == {"rings": 4}
    assert architecture.defaults == {}


@pytest.mark.parametrize("own", ["build = 3\n"], indirect=True)
def test_what_cannot_be_called_is_refused(own: str) -> None:
    with pytest.raises(SpecError, match="cannot be called"):
        load(f"{own}:build")


@pytest.mark.parametrize(
    "own", ["Parameters = {'rings': 3}\ndef build(params, shape, classes): ...\n"], indirect=True
)
def test_parameters_of_another_kind_are_refused(own: str) -> None:
    with pytest.raises(SpecError, match="no pydantic model"):
        load(f"{own}:build")


MODEL = "from pydantic import BaseModel\nclass Params(BaseModel):\n    width: int = 3\n"


@pytest.mark.parametrize(
    "own",
    [MODEL + "def build(params, shape, classes):\n    return helper(params)\n"],
    indirect=True,
)
def test_a_model_of_another_name_is_told_the_name(own: str) -> None:
    with pytest.raises(SpecError, match=r"no 'Parameters' .* Rename Params to Parameters"):
        load(f"{own}:build", where="study.yaml:3")


@pytest.mark.parametrize(
    "own", ["def build(p, shape, classes):\n    return p.get('a'), p.width\n"], indirect=True
)
def test_attributes_of_what_would_be_a_dict_are_refused(own: str) -> None:
    with pytest.raises(
        SpecError, match=r"so params is a dict.*params\['width'\]; got params.width"
    ):
        load(f"{own}:build")


@pytest.mark.parametrize(
    "own",
    [
        MODEL + "def build(params, shape, classes):\n    return params['width']\n",
        "def build(params, shape, classes):\n    return {**params}, params.get('width')\n",
        "def build(params, shape, classes):\n    return helper(params)\n",
    ],
    indirect=True,
)
def test_who_wants_a_dict_gets_one(own: str) -> None:
    assert load(f"{own}:build").parameters is None
