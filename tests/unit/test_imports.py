"""Importing does nothing, and what a command does not need it does not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hpo

HEAVY = {
    "cv2",
    "keras",
    "keras_tuner",
    "matplotlib",
    "mlflow",
    "optuna",
    "pandas",
    "plotly",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tensorflow",
}

# Half of the time of `hpo --help` was pydantic's.
SCHEMA = {"pydantic", "yaml"}

LOADED = """
import json, sys
sys.argv = ["hpo", *{arguments!r}]
try:
    {statement}
except SystemExit as end:
    assert not end.code, end.code
finally:
    print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def loaded_by(statement: str, *arguments: str) -> set[str]:
    """Return the top-level packages that a new interpreter has loaded after ``statement``."""
    code = LOADED.format(statement=statement, arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


AS_MODULE = "import runpy; runpy.run_module('hpo', run_name='__main__')"


def test_importing_hpo_loads_nothing_of_weight() -> None:
    assert not loaded_by("import hpo") & (HEAVY | SCHEMA | {"numpy", "typer", "rich"})


def test_help_loads_nothing_that_makes_it_slow() -> None:
    loaded = loaded_by(AS_MODULE, "--help")
    assert "typer" in loaded  # it did run
    assert not loaded & (HEAVY | SCHEMA | {"numpy"})


@pytest.mark.parametrize("arguments", [["--version"], ["run", "-h"], ["data", "import", "-h"]])
def test_help_of_commands_loads_no_library_that_works(arguments: list[str]) -> None:
    assert not loaded_by(AS_MODULE, *arguments) & (HEAVY | {"numpy", "yaml"})


def test_reading_a_study_file_loads_the_schema_alone(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("name: small\narchitectures: {cnn: }\n")
    loaded = loaded_by(f"from hpo.spec.loading import load_study; load_study({str(file)!r})")
    assert loaded >= SCHEMA
    assert not loaded & (HEAVY | {"numpy"})


def test_a_faulty_study_file_is_refused_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("name: small\nbugdet: {}\n")
    code = (
        "import sys; sys.argv = ['hpo', 'run', %r, '--home', %r, '--dry-run']\n"
        "import atexit; atexit.register(lambda: print(*sorted(sys.modules)))\n"
        "from hpo.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code % (str(file), str(tmp_path / "home"))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: {file}:2: unknown key 'bugdet'. Did you mean 'budget'? "
        "Also wrong: architectures is missing.\n"
    )
    assert not {name.partition(".")[0] for name in done.stdout.split()} & HEAVY
    assert not (tmp_path / "home").exists()


def test_no_module_but_the_backend_imports_tensorflow() -> None:
    # The architecture contract says it of imports at any depth; this says it of words as well,
    # such as importlib.import_module("tensorflow").
    package = Path(hpo.__file__).parent
    doors = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if "import tensorflow" in file.read_text(encoding="utf-8")
        or 'import_module("tensorflow' in file.read_text(encoding="utf-8")
    }
    assert doors <= {"training/backend.py"}
