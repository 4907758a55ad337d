"""``python -m hpo`` is ``hpo``."""

from hpo.cli.app import main

if __name__ == "__main__":
    main()
