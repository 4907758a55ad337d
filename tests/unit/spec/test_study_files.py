"""Study files that are right: YAML 1.2's scalars, aliases and merges, sharing, ``--set``, lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.spec.errors import NotFoundError, SpecError
from hpo.spec.loading import dump_study, load_study, read_study_file
from hpo.spec.overrides import parse_assignment
from hpo.spec.sections import ObjectiveSpec
from hpo.spec.study import StudySpec
from hpo.spec.yaml12 import parse_value
from hpo.study.naming import open_study
from tests.unit.spec.faulty_studies import SOUND

EXAMPLES = sorted((Path(__file__).parents[3] / "search_spaces").glob("*.yaml"))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(SOUND)
    return file


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("-2.5e+3", -2500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", float("-inf")),
        ("12", 12),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("off", "off"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("=", "="),
        ("e5", "e5"),
        ("1e", "1e"),
        ("adam", "adam"),
        ("'1e-3'", "1e-3"),
        ("[1, off, 1e-3]", [1, "off", 1e-3]),
        ("{name: tpe}", {"name": "tpe"}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    read = parse_value(text)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_read_as_such() -> None:
    read = parse_value(".nan")
    assert read != read


def test_keys_may_not_repeat_in_a_set_value_either() -> None:
    with pytest.raises(SpecError, match="no YAML"):
        parse_value("{a: 1, a: 2}")


@pytest.mark.parametrize("file", EXAMPLES, ids=[file.stem for file in EXAMPLES])
def test_the_examples_are_read_and_survive_a_dump(file: Path, tmp_path: Path) -> None:
    spec = load_study(file)
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_study(spec), encoding="utf-8")
    assert load_study(copy) == spec


def test_there_are_examples() -> None:
    assert {"quickstart", "thesis", "competitive"} <= {file.stem for file in EXAMPLES}


def test_a_byte_order_mark_and_windows_lines_do_no_harm(sound: Path) -> None:
    expected = load_study(sound)
    sound.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert load_study(sound) == expected


def test_what_is_shared_reaches_every_architecture_that_does_not_decide_itself(
    tmp_path: Path,
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        """\
name: shared
fixed: {epochs: 9}
space:
  optimizer: {type: categorical, choices: [adam, sgd]}
  batch_size: {type: categorical, choices: [32, 64]}
architectures:
  cnn:
  own:
    architecture: mypackage.net:build
    fixed: {optimizer: adam}
    space:
      batch_size: {type: int, low: 8, high: 16}
      epochs: {type: int, low: 1, high: 3}
"""
    )
    spec = load_study(file)
    cnn, own = spec.architectures["cnn"], spec.architectures["own"]
    assert cnn.architecture == "cnn"
    assert cnn.fixed == {"epochs": 9}
    assert list(cnn.space.parameters) == ["optimizer", "batch_size"]
    assert cnn.enqueue == ["thesis"]
    assert own.fixed == {"optimizer": "adam"}
    assert own.space.parameters["batch_size"].type == "int"
    assert list(own.space.parameters) == ["batch_size", "epochs"]


def test_a_key_with_nothing_after_it_is_a_key_left_out(sound: Path) -> None:
    sound.write_text(SOUND.replace("budget:\n  trials: 3", "budget:\n  # trials: 3"))
    assert load_study(sound).budget.trials == 20


@pytest.mark.parametrize("section", ["space", "fixed", "enqueue", "trials", "weights"])
def test_so_is_a_key_of_an_architecture(section: str, sound: Path) -> None:
    expected = load_study(sound)
    sound.write_text(SOUND.replace("  resnet50:\n", f"  resnet50:\n    {section}:\n", 1))
    if section == "weights":
        sound.write_text(SOUND.replace("weights: none", "weights:"))
        assert load_study(sound).architectures["resnet50"].weights is None
    else:
        assert load_study(sound) == expected


def test_plug_ins_have_a_short_and_a_long_form(sound: Path) -> None:
    options = {"n_startup_trials": 1}
    forms = [
        "tpe",
        "{name: tpe, n_startup_trials: 1}",
        "{name: tpe, options: {n_startup_trials: 1}}",
    ]
    read = []
    for form in forms:
        sound.write_text(SOUND.replace("sampler: tpe", f"sampler: {form}"))
        read.append(load_study(sound).sampler)
    assert [plug_in.name for plug_in in read] == ["tpe"] * 3
    assert [plug_in.options for plug_in in read] == [{}, options, options]


def test_the_direction_follows_from_the_metric() -> None:
    assert ObjectiveSpec(metric="val_accuracy").direction == "maximize"
    assert ObjectiveSpec(metric="val_loss").direction == "minimize"


def test_a_study_is_rebuilt_from_its_plain_data(sound: Path) -> None:
    spec = load_study(sound)
    assert StudySpec.model_validate(spec.to_plain()) == spec


# --set


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("budget.trials=7", "budget.trials", 7),
        ("data.dataset=fer2013", "data.dataset", "fer2013"),
        (" seed = 5 ", "seed", 5),
        ("description=a = b", "description", "a = b"),
        ("storage=", "storage", None),
        ("sampler.n_startup_trials=1", "sampler.options.n_startup_trials", 1),
        ("pruner=none", "pruner.name", "none"),
        ("tracking.keep_models=0", "tracking.keep_models", 0),
        ("architectures.resnet50.weights=none", "architectures.resnet50.weights", "none"),
        ("architectures.cnn.fixed.epochs=4", "architectures.cnn.fixed.epochs", 4),
        ("architectures.cnn.fixed.dense=[64, 32]", "architectures.cnn.fixed.dense", [64, 32]),
        ("architectures.cnn.fixed.batch_size=8", "architectures.cnn.fixed.batch_size", 8),
        ("space.optimizer.choices.0=nadam", "architectures.cnn.space.optimizer.choices.0", "nadam"),
        ("space.momentum.low=0.1", "architectures.resnet50.space.momentum.low", 0.1),
        ("architectures.cnn.space.momentum.low=0", "architectures.cnn.space.momentum.low", 0),
    ],
)
def test_set_changes_one_value(sound: Path, assignment: str, path: str, value: Any) -> None:
    here: Any = load_study(sound, [assignment]).to_plain()
    for part in path.split("."):
        here = here[int(part)] if isinstance(here, list) else here[part]
    assert here == value


def test_set_in_one_architecture_leaves_the_other_and_the_file_alone(sound: Path) -> None:
    spec = load_study(sound, ["architectures.cnn.space.learning_rate.low=1e-4"])
    cnn = spec.architectures["cnn"].space.to_plain()["learning_rate"]
    resnet50 = spec.architectures["resnet50"].space.to_plain()["learning_rate"]
    assert (cnn["low"], cnn["high"]) == (1e-4, 1e-2)
    assert (resnet50["low"], resnet50["high"]) == (1e-5, 1e-2)
    assert sound.read_text() == SOUND


def test_set_to_null_leaves_an_architecture_out(sound: Path) -> None:
    both = load_study(sound)
    first, *others = both.architectures
    assert others
    left = load_study(sound, [f"architectures.{label}=null" for label in others])
    assert left.architectures == {first: both.architectures[first]}
    with pytest.raises(SpecError, match="architectures"):
        load_study(sound, [f"architectures.{label}=null" for label in both.architectures])
    # One that the file has not is added, with its defaults.
    assert "xception" not in both.architectures
    assert "xception" in load_study(sound, ["architectures.xception=null"]).architectures


def test_set_does_not_reach_through_an_alias(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: a\narchitectures:\n  cnn: {fixed: &f {epochs: 2}}\n  xception: {fixed: *f}\n"
    )
    spec = load_study(file, ["architectures.cnn.fixed.epochs=5"])
    assert spec.architectures["cnn"].fixed == {"epochs": 5}
    assert spec.architectures["xception"].fixed == {"epochs": 2}


def test_later_sets_win_and_may_build_on_earlier_ones(sound: Path) -> None:
    spec = load_study(
        sound, ["budget.trials=4", "sampler=random", "budget.trials=5", "sampler.seed_offset=2"]
    )
    assert spec.budget.trials == 5
    assert (spec.sampler.name, spec.sampler.options) == ("random", {"seed_offset": 2})


def test_an_assignment_is_split_at_its_first_sign() -> None:
    assert parse_assignment("a=b=c", "--params") == ("a", "b=c")
    with pytest.raises(SpecError, match=r"--params: cannot read .* key=value"):
        parse_assignment("a", "--params")
    with pytest.raises(SpecError, match="--params a: the value is no YAML"):
        parse_assignment("a={", "--params")


# Aliases, merges, lines


MERGED = """\
name: merged
architectures:
  cnn:
    fixed: &base
      epochs: 2
      batch_size: 32
  resnet50:
    fixed:
      batch_size: 64
      <<: *base
"""


def test_a_mapping_overrules_what_it_merges(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(MERGED)
    assert load_study(file).architectures["resnet50"].fixed == {"epochs": 2, "batch_size": 64}


def test_merged_keys_are_located_where_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(MERGED)
    locate = read_study_file(file).locate
    assert locate(("architectures", "resnet50", "fixed", "batch_size")) == f"{file}:9"
    assert locate(("architectures", "resnet50", "fixed", "epochs")) == f"{file}:5"


def test_the_first_of_several_merged_mappings_wins(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: m\narchitectures:\n  cnn: {fixed: &a {x: 1}}\n  xception: {fixed: &b {x: 2}}\n"
        "  resnet50:\n    fixed:\n      <<: [*b, *a]\n"
    )
    study = read_study_file(file)
    assert study.spec.architectures["resnet50"].fixed == {"x": 2}
    assert study.locate(("architectures", "resnet50", "fixed", "x")) == f"{file}:4"


def test_places_are_lines_of_the_file_or_the_option(sound: Path) -> None:
    locate = read_study_file(sound, ["seed=3", "space.momentum.high=0.9"]).locate
    assert locate(("budget", "trials")) == f"{sound}:6"
    assert locate(("architectures", "resnet50")) == f"{sound}:19"
    # Shared by all architectures: the line at the top.
    assert locate(("architectures", "cnn", "space", "optimizer", "choices")) == f"{sound}:10"
    assert locate(("architectures", "cnn", "fixed", "epochs")) == f"{sound}:18"
    assert locate(("seed",)) == "--set seed"
    assert locate(("architectures", "cnn", "space", "momentum")) == "--set space.momentum.high"
    # What stands nowhere is located by what would hold it.
    assert locate(("tracking", "uri")) == str(sound)
    assert locate(("data", "validation_limit")) == f"{sound}:2"


# Files


def test_a_missing_file_names_its_neighbours(sound: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no such study file. Did you mean '.*study.yaml'\?"):
        load_study(sound.with_name("studdy.yaml"))


def test_a_missing_file_may_be_an_example(
    sound: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("thesys.yaml", "search_spaces/thesys.yaml"):
        with pytest.raises(NotFoundError, match=r"Did you mean 'search_spaces/thesis.yaml'\?"):
            load_study(name)
    own = tmp_path / "search_spaces" / "zebra.yaml"
    own.parent.mkdir()
    own.write_text(sound.read_text())
    with pytest.raises(NotFoundError, match=r"Did you mean 'search_spaces/zebra.yaml'\?"):
        load_study("zebras.yaml")
    (tmp_path / "other.yaml").write_text("")
    with pytest.raises(
        NotFoundError, match=r"Known: other.yaml, study.yaml. hpo carries examples, in any"
    ):
        load_study("qqq.yaml")


def test_a_folder_is_no_study_file(sound: Path) -> None:
    with pytest.raises(NotFoundError, match="is a folder"):
        load_study(sound.parent)


def test_a_file_of_megabytes_is_refused_unread(sound: Path) -> None:
    sound.write_text("#" * 1_000_001)
    with pytest.raises(SpecError, match="too large"):
        load_study(sound)


def test_set_pins_what_the_file_searches_and_frees_what_it_fixes(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: s\n"
        "space: {batch_size: {type: int, low: 32, high: 64}}\n"
        "architectures:\n"
        "  cnn:\n"
        "    fixed: {epochs: 3}\n"
        "    space: {learning_rate: {type: float, low: 1e-4, high: 1e-2}}\n"
    )
    pinned = load_study(
        file, ["architectures.cnn.fixed.learning_rate=0.001", "fixed.batch_size=48"]
    ).architectures["cnn"]
    assert pinned.fixed == {"epochs": 3, "learning_rate": 0.001, "batch_size": 48}
    assert not pinned.space.parameters
    freed = load_study(
        file, ["architectures.cnn.space.epochs={type: int, low: 1, high: 9}"]
    ).architectures["cnn"]
    assert "epochs" in freed.space.parameters
    assert not freed.fixed


def test_a_pin_may_come_as_a_whole_section_or_under_a_shared_key(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: s\n"
        "fixed: {epochs: 3}\n"
        "space: {rate: {type: float, low: 1, high: 2}}\n"
        "architectures: {cnn: }\n"
    )
    pinned = load_study(file, ["fixed={rate: 1.5}"]).architectures["cnn"]
    assert pinned.fixed == {"rate": 1.5}
    assert not pinned.space.parameters
    own = load_study(file, ["architectures.cnn.fixed={rate: 1.5}"]).architectures["cnn"]
    assert own.fixed == {"epochs": 3, "rate": 1.5}
    assert not own.space.parameters
    with pytest.raises(SpecError, match=r"--set space\.epochs\.low: 'space\.epochs' needs a type"):
        load_study(file, ["space.epochs.low=2"])


ENQUEUED = """\
name: s
space:
  rate: {type: float, low: 1, high: 2}
  optimizer: {type: categorical, choices: [adam, sgd]}
fixed: {epochs: 9}
architectures:
  cnn:
    enqueue:
      - thesis
      - {rate: 1.5, epochs: 3}
"""


@pytest.mark.parametrize("pin", ["fixed.rate=1.25", "architectures.cnn.fixed={rate: 1.25}"])
def test_an_enqueued_configuration_yields_to_a_pin_and_a_line_says_so(
    pin: str, tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(ENQUEUED)
    study = read_study_file(file, [pin])
    assert study.spec.architectures["cnn"].enqueue == ["thesis", {"epochs": 3}]
    assert study.notes == (
        "cnn: an enqueued configuration sets rate to 1.5; --set pins it at 1.25, which holds",
    )
    assert open_study(file, [pin])[1] == list(study.notes)


def test_what_hangs_on_another_value_than_the_pin_goes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: s\n"
        "space:\n"
        "  optimizer: {type: categorical, choices: [adam, adamw, sgd]}\n"
        "  momentum: {type: float, low: 0, high: 1, when: {optimizer: sgd}}\n"
        "  decay: {type: float, low: 0, high: 1, when: {optimizer: [adamw, sgd]}}\n"
        "architectures: {cnn: {enqueue: [{optimizer: sgd, momentum: 0.9, decay: 0.1}]}}\n"
    )
    study = read_study_file(file, ["fixed.optimizer=adamw"])
    assert study.spec.architectures["cnn"].enqueue == [{"decay": 0.1}]
    assert len(study.notes) == 1


@pytest.mark.parametrize("pin", ["fixed.rate=1.5", "fixed.optimizer=sgd", "fixed.epochs=20"])
def test_one_that_agrees_or_overrules_what_was_fixed_anyway_is_not(
    pin: str, tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(ENQUEUED)
    assert load_study(file, [pin]).architectures["cnn"].enqueue[1] == {"rate": 1.5, "epochs": 3}


def test_the_file_itself_may_not_both_search_and_fix(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: s\n"
        "architectures:\n"
        "  cnn: {fixed: {x: 1}, space: {x: {type: int, low: 1, high: 2}}}\n"
    )
    with pytest.raises(SpecError, match="stands under both 'fixed' and 'space'"):
        load_study(file)


@pytest.mark.parametrize(
    ("keep", "ensemble", "kept"), [(1, 1, 1), (0, 1, 0), (1, 5, 5), (7, 5, 7), (0, 2, 2)]
)
def test_a_study_keeps_the_models_that_its_ensemble_may_need(
    sound: Path, keep: int, ensemble: int, kept: int
) -> None:
    overrides = [f"tracking.keep_models={keep}", f"ensemble={ensemble}"]
    spec = load_study(sound, overrides)
    assert spec.models_kept == kept
