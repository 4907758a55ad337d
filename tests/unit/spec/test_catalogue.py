"""A name resolves to what it stands for, the user's own included; a wrong one says what to do."""

from __future__ import annotations

import importlib.util
import multiprocessing
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.spec import catalogue
from hpo.spec.errors import NotFoundError, SpecError
from hpo.spec.loading import load_study


@pytest.fixture
def own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of the user's in the current directory, which is not on the path."""
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "net.py").write_text("def build():\n    return 'a model'\n")
    (package / "broken.py").write_text("import no_such_library\n")
    (package / "typo.py").write_text("def build(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [n for n in sys.modules if n.split(".")[0] == "mypackage"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "target",
    [target for kind in catalogue.CATALOGUE.values() for target in kind.values()],
)
def test_every_name_of_the_catalogue_names_a_module_of_the_package(target: str) -> None:
    # Finding a module imports only its parents, which import nothing.
    module, colon, attribute = target.partition(":")
    specification = importlib.util.find_spec(module)
    assert colon
    assert specification is not None
    assert specification.origin is not None
    source = Path(specification.origin).read_text(encoding="utf-8")
    assert re.search(rf"^(def|class) {attribute}\b|^{attribute}\b", source, re.MULTILINE)


def test_the_users_own_architecture_needs_no_entry(own_package: Path) -> None:
    assert catalogue.resolve("architecture", "mypackage.net:build")() == "a model"


def _ask_in_child(answers: Any) -> None:
    answers.put(catalogue.resolve("architecture", "mypackage.net:build")())


def test_a_module_beside_the_study_file_is_found_here_and_in_child_processes(
    own_package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = own_package / "study.yaml"
    study.write_text("name: mine\narchitectures: {net: {architecture: 'mypackage.net:build'}}\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    load_study(study)
    load_study(study)
    assert sys.path.count(str(own_package)) == 1
    assert catalogue.resolve("architecture", "mypackage.net:build")() == "a model"
    context = multiprocessing.get_context("forkserver")  # as trials are started
    answers = context.SimpleQueue()
    child = context.Process(target=_ask_in_child, args=(answers,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert answers.get() == "a model"


def test_an_entry_point_adds_a_name(own_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    information = own_package / "mypackage-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mypackage\nVersion: 1\n")
    (information / "entry_points.txt").write_text(
        textwrap.dedent(
            """\
            [hpo.architecture]
            mine = mypackage.net:build
            worn = mypackage.broken:build
            """
        )
    )
    monkeypatch.syspath_prepend(str(own_package))
    assert {"cnn", "mine"} <= set(catalogue.names("architecture"))
    assert catalogue.resolve("architecture", "mine")() == "a model"
    with pytest.raises(SpecError, match="no_such_library"):
        catalogue.resolve("architecture", "worn")


@pytest.mark.parametrize("name", ["resnet5", "", "my net:build", ":build", "a..b:c"])
def test_an_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(NotFoundError, match=r"study.yaml:3: unknown architecture .*resnet50"):
        catalogue.resolve("architecture", name, "study.yaml:3")


def test_a_module_that_is_not_there_says_how_to_have_it_found(own_package: Path) -> None:
    with pytest.raises(NotFoundError, match="put the module beside the study file"):
        catalogue.resolve("architecture", "mypackage.absent:build")


def test_a_missing_attribute_gets_the_closest(own_package: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no 'bild'. Did you mean 'build'\?"):
        catalogue.resolve("architecture", "mypackage.net:bild")


@pytest.mark.parametrize(
    ("module", "cause"), [("broken", "no_such_library"), ("typo", "SyntaxError")]
)
def test_a_module_that_fails_to_import_is_blamed_with_its_error(
    own_package: Path, module: str, cause: str
) -> None:
    with pytest.raises(SpecError, match=cause) as caught:
        catalogue.resolve("architecture", f"mypackage.{module}:build")
    assert "Install the package" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mypackag.net:build", "'mypackage'"),
        ("mypackage.nett:build", "'mypackage.net'"),
        ("my_modell:build", "'my_model'"),
        ("beside:build", "'besides'"),
        ("quite_another:build", None),
    ],
)
def test_a_mistyped_module_is_answered_with_one_that_is_near(
    own_package: Path, tmp_path: Path, typed: str, meant: str | None
) -> None:
    (own_package / "my_model.py").write_text("")
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "besides.py").write_text("")
    catalogue.allow_modules_beside(folder / "study.yaml")
    with pytest.raises(NotFoundError, match="cannot import") as caught:
        catalogue.resolve("architecture", typed)
    hint = f"Did you mean {meant}?" if meant else "Install the package, or put the module beside"
    assert hint in str(caught.value)
