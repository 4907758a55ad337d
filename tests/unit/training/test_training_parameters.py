from __future__ import annotations

import subprocess
import sys

import pytest

from hpo.architectures.architecture import load
from hpo.spec.catalogue import CATALOGUE
from hpo.spec.errors import SpecError
from hpo.training.parameters import TrainingParameters
from hpo.training.resolve import (
    accepts_any_parameter,
    check_value,
    known_parameters,
    resolve_parameters,
)

NAMES = sorted(CATALOGUE["architecture"])


def test_checking_names_loads_neither_keras_nor_cv2() -> None:
    code = (
        "import sys\n"
        "from hpo.training.resolve import known_parameters\n"
        "from hpo.training.throughput import estimate_images_per_second\n"
        "from hpo.architectures.weights import check_weights\n"
        "known_parameters('cnn'), known_parameters('resnet50'), known_parameters('xception')\n"
        "estimate_images_per_second('cnn', {}, 2), check_weights('cnn', None)\n"
        "heavy = {'keras', 'tensorflow', 'cv2', 'pandas', 'optuna', 'mlflow', 'h5py'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_architecture_and_training_share_no_parameter_name(name: str) -> None:
    parameters = load(name).parameters
    assert parameters is not None
    assert not set(parameters.model_fields) & set(TrainingParameters.model_fields)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_described_and_has_a_default_that_it_takes(name: str) -> None:
    for info in known_parameters(name).values():
        assert info.description.endswith("."), info.name
        assert info.problem(info.default) is None, info.name
        assert info.type != "any"


@pytest.mark.parametrize("name", NAMES)
def test_the_thesis_configuration_is_complete_and_valid(name: str) -> None:
    thesis = load(name).thesis
    resolved = resolve_parameters(name, thesis)
    assert resolved.params["learning_rate"] == 1e-3
    assert resolved.params["batch_size"] == 64
    assert resolved.params["optimizer"] == "adam"
    assert resolved.params["preprocessing"] == "rescale"
    assert resolved.params["rotation_degrees"] == 10.0
    assert set(thesis) <= set(known_parameters(name))


def test_callbacks_of_the_thesis() -> None:
    cnn = resolve_parameters("cnn", load("cnn").thesis).training
    assert (cnn.early_stopping_monitor, cnn.early_stopping_patience) == ("val_loss", 10)
    assert (cnn.plateau_factor, cnn.plateau_patience, cnn.plateau_minimum) == (0.2, 5, 5e-6)
    for name in ("resnet50", "xception"):
        training = resolve_parameters(name, load(name).thesis).training
        assert (training.early_stopping_monitor, training.early_stopping_patience) == (
            "val_accuracy",
            7,
        )
        assert (training.plateau_factor, training.plateau_minimum) == (0.5, 5e-5)


COMPETITIVE = {
    "cnn": {
        "optimizer": ["sgd", "adamw", "adam"],
        "learning_rate": [2e-4, 0.3],
        "reference_batch_size": [128],
        "one_minus_momentum": [0.03, 0.2],
        "weight_decay": [3e-5, 2e-3, 0.2],
        "batch_size": [64, 128, 256, 512],
        "crop": [40, 44, 48],
        "family": ["vgg-bn", "resnet"],
        "width": [32, 96],
        "convs_per_stage": [2, 3, 4],
        "head": ["gap", "flatten"],
        "dense": [0, 64, 256, 1024],
        "dropout": [0.1, 0.6],
        "activation": ["relu", "elu", "gelu", "silu", "tanh", "leaky_relu"],
        "schedule": ["plateau", "cosine", "one_cycle"],
        "warmup_fraction": [0.0, 0.1],
        "label_smoothing": [0.0, 0.2],
        "mixup": [True, False],
        "mixup_alpha": [0.1, 1],
        "erasing": [0.0, 0.5],
        "rotation_degrees": [0, 20],
        "shift": [0.0, 0.2],
        "zoom": [0.0, 0.25],
        "ema": [True, False],
        "one_minus_ema_decay": [0.0005, 0.01],
    },
    "resnet50": {
        "learning_rate": [2e-5, 5e-2],
        "weight_decay": [1e-6, 0.1],
        "batch_size": [32, 64, 128],
        "unfreeze": ["none", "last_stage", "last_two", "all"],
        "batch_norm_mode": ["train", "inference"],
        "input_size": [96, 128, 160, 197, 224],
        "rotation_degrees": [0, 30],
    },
    "xception": {"input_size": [71, 96, 128, 160, 224], "schedule": ["plateau", "cosine"]},
}


@pytest.mark.parametrize(
    ("architecture", "name", "value"),
    [(a, n, v) for a, table in COMPETITIVE.items() for n, values in table.items() for v in values],
)
def test_everything_worth_searching_can_be_searched(
    architecture: str, name: str, value: object
) -> None:
    check_value(architecture, name, value)


def test_a_mistyped_name_is_told_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"study\.yaml:7: .*'learning_rat'.*'learning_rate'\?"):
        resolve_parameters("cnn", {"learning_rat": 0.1}, where="study.yaml:7")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("dropout", 0.95, "a number from 0 to 0.9"),
        ("learning_rate", 0.0, "a number above 0 to 10"),
        ("learning_rate", float("nan"), "a number above 0"),
        ("learning_rate", "1e-3", "without quotes, such as 0.001"),
        ("batch_size", 32.0, "a whole number from 1"),
        ("batch_size", True, "a whole number"),
        ("flip", 1, "one of false, true"),
        ("channels", True, "one of 1, 3"),
        ("activation", "swish", "relu"),
    ],
)
def test_a_value_out_of_range_is_told_with_the_range(
    name: str, value: object, expected: str
) -> None:
    with pytest.raises(SpecError) as caught:
        resolve_parameters("cnn", {name: value})
    assert name in str(caught.value)
    assert expected in str(caught.value)


def test_values_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(SpecError, match="random start; set unfreeze: all"):
        resolve_parameters("resnet50", {"weights": "none", "unfreeze": "last_two"})
    with pytest.raises(SpecError, match="has no pretrained base"):
        resolve_parameters("cnn", {"head_epochs": 2})
    with pytest.raises(SpecError, match=r"feature_views keeps .* 'cnn' has no pretrained base"):
        resolve_parameters("cnn", {"feature_views": 2})
    with pytest.raises(SpecError, match="'cnn' names no stages"):
        resolve_parameters("cnn", {"stage_rate_factor": 0.5})
    with pytest.raises(SpecError, match="frozen throughout"):
        resolve_parameters("resnet50", {"head_epochs": 2, "unfreeze": "none"})
    with pytest.raises(SpecError, match="must be fewer than epochs"):
        resolve_parameters("resnet50", {"head_epochs": 5, "epochs": 5})


def test_defaults_of_an_architecture_come_before_those_of_training() -> None:
    assert resolve_parameters("resnet50", {}).training.learning_rate == 1e-4
    assert known_parameters("resnet50")["learning_rate"].default == 1e-4
    assert resolve_parameters("resnet50", {"learning_rate": 1}).training.learning_rate == 1.0


def test_an_own_architecture_without_parameters_gets_a_plain_dict(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_net.py").write_text(  # type: ignore[operator]
        "DEFAULTS = {'epochs': 3}\ndef build(params, input_shape, classes): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "own_net:build"
    assert accepts_any_parameter(name)
    resolved = resolve_parameters(name, {"rings": 5, "batch_size": 8})
    assert resolved.architecture == {"rings": 5}
    assert resolved.training.batch_size == 8
    assert resolved.training.epochs == 3
    assert resolved.params["rings"] == 5
    with pytest.raises(SpecError):
        resolve_parameters(name, {"batch_size": 0})


def test_the_rate_scales_with_the_batch_only_on_request() -> None:
    assert TrainingParameters(learning_rate=0.1, batch_size=512).rate == 0.1
    scaled = TrainingParameters(learning_rate=0.1, batch_size=512, reference_batch_size=128)
    assert scaled.rate == pytest.approx(0.4)


def test_an_unknown_name_gets_our_name_for_it_or_all_names() -> None:
    with pytest.raises(SpecError, match="Did you mean 'learning_rate'"):
        resolve_parameters("cnn", {"lr": 3})
    with pytest.raises(SpecError, match=r"batch_size.*learning_rate.*zoom"):
        resolve_parameters("cnn", {"qqqqqq": 3})


def test_kept_features_have_no_other_views_to_be_judged_by() -> None:
    given = {"weights": "none", "feature_views": 2, "test_views": "mirror"}
    with pytest.raises(SpecError, match="feature_views and test_views exclude each other"):
        resolve_parameters("resnet50", given)
