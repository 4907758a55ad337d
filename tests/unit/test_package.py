"""What an installed package must carry with it."""

from __future__ import annotations

import fnmatch
import os
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import hpo
from hpo.training import backend_choice

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_example_studies_are_reached_through_the_package() -> None:
    shipped = files("hpo") / "search_spaces"
    for file in (REPOSITORY / "search_spaces").glob("*.yaml"):
        assert (shipped / file.name).read_text() == file.read_text()


def test_every_file_of_the_package_is_packed() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["hpo"]
    package = REPOSITORY / "hpo"
    left_out = [
        str(file.relative_to(package))
        for file in package.rglob("*")
        if file.is_file()
        and file.suffix not in (".py", ".pyc")
        and not any(
            fnmatch.fnmatch(str(file.relative_to(package)), pattern.replace("**/", "*"))
            for pattern in patterns
        )
    ]
    assert left_out == []


def test_every_folder_with_code_is_a_package() -> None:
    package = REPOSITORY / "hpo"
    folders = {file.parent for file in package.rglob("*.py")}
    assert [str(f.relative_to(package)) for f in folders if not (f / "__init__.py").is_file()] == []


def test_one_version_is_told_everywhere() -> None:
    assert PROJECT["project"]["version"] == hpo.__version__


def test_the_constraints_pin_exactly_what_is_required() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in pins)
    pinned = {pin.partition("==")[0].lower().replace("_", "-") for pin in pins}
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=!~ ]", requirement)[0].lower() for requirement in wanted} - {"hpo"}
    assert names <= pinned


def test_the_extra_of_jax_brings_what_bounds_its_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    # JAX keeps nothing where its cache has a bound and filelock is absent; here ray brings it.
    for name in ("KERAS_BACKEND", "JAX_COMPILATION_CACHE_MAX_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    backend_choice.configure()
    assert int(os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"]) > 0
    extra = PROJECT["project"]["optional-dependencies"]["jax"]
    assert "filelock" in {re.split(r"[\[<>=!~ ]", requirement)[0] for requirement in extra}


def test_the_package_lists_what_is_there_for_people_and_the_python_page_names_it() -> None:
    shown = [name for name in dir(hpo) if not name.startswith("__")]
    assert shown == sorted(set(hpo.__all__) - {"__version__"})
    page = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    assert [name for name in shown if not re.search(rf"[`.]{name}\b", page)] == []
