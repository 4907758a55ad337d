"""``hpo train``: one configuration, or one trial again."""

from __future__ import annotations

from typing import Annotated

import typer

from hpo.cli.run import Overrides
from hpo.cli.shell import StorageUrl, StudyName, TrackingUri, current, examples, print_json, say


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        epilog=examples(
            (
                "hpo train search_spaces/thesis.yaml --architecture cnn "
                "--params learning_rate=3e-4 epochs=20",
                "these two, the rest by default",
            ),
            ("hpo train thesis --architecture cnn --trial 4", "trial 4 again, as it was run"),
        )
    )(train)


def train(
    context: typer.Context,
    study: StudyName,
    rest: Annotated[
        list[str] | None,
        typer.Argument(metavar="[K=V]...", help="More parameters, after --params k=v."),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option("--architecture", "-a", help="Which of the study's architectures."),
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option("--params", "-p", metavar="K=V", help="A parameter; the rest take defaults."),
    ] = None,
    trial: Annotated[
        int | None,
        typer.Option(min=0, help="Train this trial of the study again, same parameters and seed."),
    ] = None,
    overrides: Overrides = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Train one configuration of a study, tracked in MLflow like a trial of it.

    It is no trial of the study: it uses up none of its budget and tells the sampler nothing.
    """
    from hpo.cli.live import watcher
    from hpo.spec.overrides import parse_assignment
    from hpo.study.single import train as start

    given = dict(parse_assignment(text, "--params") for text in [*(params or []), *(rest or [])])
    display = watcher(single=True)
    with display.running():
        trained = start(
            study,
            workspace=current(context, storage, tracking).workspace,
            architecture=architecture,
            params=given,
            trial=trial,
            overrides=overrides or (),
            seed=seed,
            watcher=display,
        )
    if as_json:
        print_json(trained.to_json())
    else:
        say(trained.line())
    trained.raise_if_failed()
