import pytest

from hpo.search.configurations import fold_fixed, resolve_enqueue
from hpo.spec.errors import SpecError
from hpo.spec.space import SearchSpace
from tests.unit.search.analytic import make_spec

THESIS = {"learning_rate": 1e-3, "optimizer": "adam", "layers": 12, "epochs": 100, "dense": [8]}


def test_the_thesis_is_fitted_to_the_space_and_yields_to_what_is_fixed() -> None:
    section = make_spec(architecture={"enqueue": ["thesis"]}).architectures["cnn"]
    (first,) = resolve_enqueue(section, {"thesis": THESIS}, "cnn")
    assert first.origin == "thesis"
    assert first.values == {"learning_rate": 1e-3, "optimizer": "adam", "layers": 8}
    assert first.overrides == {"dense": [8]}  # epochs: the study fixes 3
    assert "layers 12 → 8" in first.notes[0]
    assert first.moved == {"layers": 12}


def test_where_there_is_no_thesis_its_word_means_the_defaults_and_they_are_tried_once() -> None:
    architecture = {"enqueue": ["thesis", "default", {"layers": 2}]}
    section = make_spec(architecture=architecture).architectures["cnn"]
    found = resolve_enqueue(section, {"default": {"layers": 3}}, "cnn")
    assert [(e.origin, e.values) for e in found] == [
        ("default", {"layers": 3}),
        ("enqueued", {"layers": 2}),
    ]
    both = resolve_enqueue(section, {"thesis": THESIS, "default": {"layers": 3}}, "cnn")
    assert [e.origin for e in both] == ["thesis", "default", "enqueued"]


def test_without_a_thesis_and_defaults_the_words_are_passed_over() -> None:
    section = make_spec(architecture={"enqueue": ["thesis", {"layers": 2}]}).architectures["cnn"]
    (only,) = resolve_enqueue(section, None, "cnn")
    assert only.values == {"layers": 2}


def test_a_written_configuration_is_stronger_than_what_is_fixed() -> None:
    section = make_spec(architecture={"enqueue": [{"layers": 2, "epochs": 9}]})
    (first,) = resolve_enqueue(section.architectures["cnn"], None, "cnn")
    assert (first.values, first.overrides) == ({"layers": 2}, {"epochs": 9})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"layers": 99}, r"enqueue\[0\]: 'layers' lies outside"),
        ({"optimizer": "adam", "momentum": 0.9}, "'momentum' is not used with optimizer: adam"),
    ],
)
def test_a_written_configuration_must_be_possible(entry: dict[str, object], message: str) -> None:
    section = make_spec(architecture={"enqueue": [entry]}).architectures["cnn"]
    with pytest.raises(SpecError, match=message):
        resolve_enqueue(section, None, "cnn")


def test_conditions_on_fixed_parameters_are_decided_once() -> None:
    number = {"type": "int", "low": 1, "high": 3}
    space = SearchSpace.from_plain(
        {
            "kept": {**number, "when": {"head": "gap"}},
            "dropped": {**number, "when": {"head": "flatten"}},
            "child_of_dropped": {**number, "when": {"dropped": 2}},
            "child_of_kept": {**number, "when": {"kept": 2, "head": "gap"}},
        }
    )
    folded = fold_fixed(space, {"head": "gap"})
    assert {n: p.when for n, p in folded.parameters.items()} == {
        "kept": {},
        "child_of_kept": {"kept": [2]},
    }
