"""Hyper-parameter optimisation studies of image classifiers.

The Python API has the names of the command line; each is loaded when it is first used::

    import hpo

    hpo.import_faces(hpo.Workspace.at(), Path("fer2013.csv"))
    outcome = hpo.run("search_spaces/thesis.yaml", trials=5)
    hpo.report("thesis")
    answers = hpo.recommend(["me.jpg"])

``docs/python.md`` tells it as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hpo.cli.ui import ui as ui
    from hpo.data.audit.audit import audit_faces as audit_faces
    from hpo.data.fetch import fetch as fetch
    from hpo.data.importing import import_faces as import_faces
    from hpo.data.library import list_datasets as list_datasets
    from hpo.data.show import describe_faces as describe_faces
    from hpo.data.show import describe_songs as describe_songs
    from hpo.data.songs import import_songs as import_songs
    from hpo.execution.watch import Watcher as Watcher
    from hpo.recommender.answer import recommend as recommend
    from hpo.recommender.answer import watch as watch
    from hpo.spec.errors import DataError as DataError
    from hpo.spec.errors import EnvironmentProblem as EnvironmentProblem
    from hpo.spec.errors import HpoError as HpoError
    from hpo.spec.errors import InputError as InputError
    from hpo.spec.errors import IntegrityError as IntegrityError
    from hpo.spec.errors import NotFoundError as NotFoundError
    from hpo.spec.errors import SpecError as SpecError
    from hpo.spec.errors import TrainingError as TrainingError
    from hpo.spec.loading import load_study as load_study
    from hpo.spec.study import StudySpec as StudySpec
    from hpo.spec.workspace import Workspace as Workspace
    from hpo.study.comparing import compare as compare
    from hpo.study.confirming import confirm as confirm
    from hpo.study.deletion import delete as delete
    from hpo.study.doctor import doctor as doctor
    from hpo.study.joining import worker as worker
    from hpo.study.listing import studies as studies
    from hpo.study.listing import trials as trials
    from hpo.study.opening import open_test as open_test
    from hpo.study.planning import plan as plan
    from hpo.study.promoting import promote as promote
    from hpo.study.quickstart import quickstart as quickstart
    from hpo.study.reigning import champion as champion
    from hpo.study.reporting import report as report
    from hpo.study.running import run as run
    from hpo.study.single import train as train
    from hpo.study.stepping_back import rollback as rollback

_API = {
    "DataError": "hpo.spec.errors",
    "EnvironmentProblem": "hpo.spec.errors",
    "HpoError": "hpo.spec.errors",
    "InputError": "hpo.spec.errors",
    "IntegrityError": "hpo.spec.errors",
    "NotFoundError": "hpo.spec.errors",
    "SpecError": "hpo.spec.errors",
    "StudySpec": "hpo.spec.study",
    "TrainingError": "hpo.spec.errors",
    "Watcher": "hpo.execution.watch",
    "Workspace": "hpo.spec.workspace",
    "audit_faces": "hpo.data.audit.audit",
    "champion": "hpo.study.reigning",
    "compare": "hpo.study.comparing",
    "confirm": "hpo.study.confirming",
    "delete": "hpo.study.deletion",
    "describe_faces": "hpo.data.show",
    "describe_songs": "hpo.data.show",
    "doctor": "hpo.study.doctor",
    "fetch": "hpo.data.fetch",
    "import_faces": "hpo.data.importing",
    "import_songs": "hpo.data.songs",
    "list_datasets": "hpo.data.library",
    "load_study": "hpo.spec.loading",
    "open_test": "hpo.study.opening",
    "plan": "hpo.study.planning",
    "promote": "hpo.study.promoting",
    "quickstart": "hpo.study.quickstart",
    "recommend": "hpo.recommender.answer",
    "report": "hpo.study.reporting",
    "rollback": "hpo.study.stepping_back",
    "run": "hpo.study.running",
    "studies": "hpo.study.listing",
    "train": "hpo.study.single",
    "trials": "hpo.study.listing",
    "ui": "hpo.cli.ui",
    "watch": "hpo.recommender.answer",
    "worker": "hpo.study.joining",
}

__all__ = ["__version__", *_API]


def __getattr__(name: str) -> Any:
    if name not in _API:
        raise AttributeError(f"module 'hpo' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_API[name]), name)


def __dir__() -> list[str]:
    # What is there for people, and what Python itself looks for.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
