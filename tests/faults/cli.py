"""The real command line, with an analytic objective in training's place.

python -m tests.faults.cli --home FOLDER run STUDY.yaml
"""

from __future__ import annotations

from hpo.cli.app import main
from tests.faults.studies import on_the_objective

if __name__ == "__main__":
    with on_the_objective():
        main()
