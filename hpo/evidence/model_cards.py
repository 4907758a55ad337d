"""Cards of trained classifiers: what one is, how it was made, its figures, and what it is not for.

After Mitchell et al. (2019), "Model Cards for Model Reporting": every figure is taken from the
records, with the number of faces behind it; limits and uses are those of any model that was
trained on posed or searched-for faces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.card_figures import alone, figures
from hpo.spec.confirmation import ORIGIN, SUFFIX, read_candidate
from hpo.spec.records import TrialRecord

LONGEST_DESCRIPTION = 4500
"""Characters of a version's description: its column holds 5,000, and a line comes first."""
INTENDED = (
    "Choosing songs, or something else of as little weight, for oneself.",
    "Research and teaching: on hyper-parameters, on expressions in pictures, on what such models "
    "get wrong.",
)
FORBIDDEN = (
    "Inferring the emotions of people at work or in education, which is banned in the European "
    "Union (AI Act, Article 5(1)(f)).",
    "Decisions about people: hiring, promotion, credit, insurance, admission, policing, borders, "
    "the detection of lies.",
    "Surveillance, and any use on people who do not know of it or did not agree.",
    "Medical or psychological diagnosis, or judging somebody's state in traffic.",
)
LIMITS = (
    "An expression is not a feeling, and the labels are one person's guess at one picture: "
    "people agree with them about two times in three (65 ± 5 %, Goodfellow et al. 2013).",
    "It knows upright faces that look at the camera, cropped as FER-2013 crops them.",
    "FER-2013 has no demographic labels: nobody can say from it how the model fares with "
    "people of different age, sex or skin, and it supports no claim of fairness.",
    "Its probabilities are those of FER-2013's mixture of emotions, not of a living room's.",
)
DRAWN_LIMIT = "It was trained on drawn faces: on photographs its answers mean nothing."
TEST_SPLIT = "Test split"
"""What the sentence is called that says how the model did there."""
_DRAWN = "drawn-faces"


def card_facts(
    record: TrialRecord,
    *,
    dataset: str,
    digest: str = "",
    classes: Sequence[str] = (),
    leakage: str = "",
) -> dict[str, Any]:
    """Return what a card says of a trial's model, as plain data.

    A confirmation's run is told as the trial of the search whose configuration it has, with
    ``run``, its number, ``run_study`` and ``run_label``, where it is kept, and ``run_title``.

    Args:
        record: a trial with a result.
        dataset: name of its faces.
        digest: of the faces; "" if it was not recorded.
        classes: in the order of the model's answers.
        leakage: ``data.leakage`` of its study; "" if it is not known.
    """
    result = record.result
    assert result is not None
    who: dict[str, Any] = {
        "study": record.study,
        "architecture": record.architecture,
        "number": record.number,
    }
    if record.origin == ORIGIN:
        architecture, number = read_candidate(record.architecture)
        who = {
            "study": record.study.removesuffix(SUFFIX),
            "architecture": architecture,
            "number": number,
            "run": record.number,
            "run_study": record.study,
            "run_label": record.architecture,
            "run_title": record.title,
        }
    return {
        **who,
        "origin": record.origin,
        "seed": record.seed,
        "dataset": dataset,
        "dataset_digest": digest,
        "classes": list(classes),
        "leakage": leakage,
        "metrics": dict(result.metrics),
        "confusion": [list(row) for row in result.confusion],
        "confusion_without_copies": [list(row) for row in result.confusion_without_copies],
        "params": {**record.params, **result.params},
        "environment": dict(result.environment),
        "sha256": result.checkpoint_sha256 or "",
        "weights": result.weights_used,
        "parameter_count": result.parameter_count,
        "best_epoch": result.best_epoch,
        "epochs_run": record.epochs_run or result.epochs_run,
        "train_size": result.train_size,
        "validation_size": result.validation_size or sum(map(sum, result.confusion)),
        "without_copies": result.validation_size_without_copies,
    }


def run_title(facts: Mapping[str, Any]) -> str:
    """Return what people call the run of a confirmation, ``cnn #7 seed 3``.

    Args:
        facts: of ``card_facts``; those of before runs were called so have the label and number.
    """
    return str(facts.get("run_title") or f"{facts['run_label']} #{facts['run']}")


def model_card(facts: Mapping[str, Any]) -> str:
    """Return the card of ``card_facts`` as Markdown; what is not known is left out or said so.

    ``confirmed`` in the facts, if there, is what a confirmation or the test split says: sentences
    by their name.
    """
    beyond = facts.get("confirmed") or {}
    told = [f"- {name}: {words}" for name, words in beyond.items()]
    heading = "## Test split" if [*beyond] == [TEST_SPLIT] else "## Confirmation"
    parts = [
        f"# Model card: trial {facts['number']} of {facts['architecture']}, study {facts['study']}",
        *([heading, "\n".join(told)] if told else []),
        *_what(facts),
        *figures(facts),
        *alone(facts),
        *_uses(facts["dataset"]),
        *_making(facts),
    ]
    return "\n\n".join(parts) + "\n"


def described(facts: Mapping[str, Any]) -> str:
    """Return what fits of the card into the description of a registered version.

    Of a card that is too long the training configuration goes first, then what stands last.
    """
    head = [*_what(facts), *figures(facts), *_uses(facts["dataset"])]
    whole = "\n\n".join([*head, *_making(facts)])
    return whole if len(whole) <= LONGEST_DESCRIPTION else _cut(head)


def _cut(parts: Sequence[str]) -> str:
    whole = "\n\n".join(parts)
    if len(whole) > LONGEST_DESCRIPTION:
        whole = whole[: LONGEST_DESCRIPTION - 2].rsplit("\n", 1)[0] + "\n…"
    return whole


def described_ensemble(facts: Mapping[str, Any]) -> str:
    """Return figures, also without copies, uses and limits of a mean of several models.

    Args:
        facts: of ``card_facts``, of its best member with the figures of the mean.
    """
    told = figures(facts, "by which its members were chosen")
    uses = _uses(facts["dataset"])
    whole = "\n\n".join([*told, *alone(facts), *uses])
    return whole if len(whole) <= LONGEST_DESCRIPTION else _cut([*told, *uses])


def limits(dataset: str) -> tuple[str, ...]:
    """Return what a model that was trained on these faces cannot do."""
    return (DRAWN_LIMIT, LIMITS[0]) if dataset == _DRAWN else LIMITS


def _what(facts: Mapping[str, Any]) -> list[str]:
    count, classes = facts.get("parameter_count"), facts.get("classes")
    size = f" of {count:,} weights" if count else ""
    begun = facts.get("weights") or "none"
    text = f"A {facts['architecture']}{size}, begun from "
    text += "random weights" if begun == "none" else f"the weights `{begun}`"
    if classes:
        text += (
            ", that takes a grey face of 48×48 pixels and answers with a probability for each of: "
            f"{', '.join(classes)}"
        )
    if facts.get("run") is not None:
        text += (
            f". It is {run_title(facts)} in the study `{facts['run_study']}`, the best of its "
            "seeds on validation: their mean, and not its own figures, is what to expect of the "
            "configuration"
        )
    trained = facts.get("train_size")
    digest = facts.get("dataset_digest")
    data = f"{trained:,} training faces" if trained else "An unrecorded number of training faces"
    data += f" of the dataset `{facts['dataset']}`" + (f" (digest `{digest}`)." if digest else ".")
    if facts.get("leakage") == "drop":
        data += (
            " Faces that are an exact, mirrored or near duplicate of a held-out one were left out "
            "of training (`data.leakage: drop`)."
        )
    if "fer" in facts["dataset"].lower():
        data += (
            " FER-2013 was gathered by an image search for words of emotions (Goodfellow et al. "
            "2013); who is in the pictures was neither asked nor recorded."
        )
    return ["## What it is", text + ".", "## Data", data]


def _uses(dataset: str) -> list[str]:
    return [
        "## Intended uses",
        _listed(INTENDED),
        "## Forbidden uses",
        _listed(FORBIDDEN),
        "## Limits",
        _listed(limits(dataset)),
    ]


def _making(facts: Mapping[str, Any]) -> list[str]:
    environment = facts.get("environment") or {}
    versions = ", ".join(f"{name} {value}" for name, value in sorted(environment.items()))
    ran = f"{facts['epochs_run']} epochs, of which number {facts['best_epoch']} is the model."
    if facts["epochs_run"] == 1:
        ran = "1 epoch, whose end is the model."
    seed = facts.get("seed")
    said = ["## How it was made", ran + (f" Seed {seed}." if seed is not None else "")]
    # Of a re-run the search's trial has the parameters, and not the seed.
    again = f" --seed {seed}" if facts.get("run") is not None and seed is not None else ""
    params = facts.get("params") or {}
    if params:
        listed = ", ".join(f"`{k}: {_written(v)}`" for k, v in sorted(params.items()))
        said.append(f"Parameters: {listed}.")
    if versions:
        said.append(f"Environment: {versions}.")
    if facts.get("sha256"):
        said.append(f"Checksum of the `.keras` file (sha256): `{facts['sha256']}`.")
    said += [
        "## How to make it again",
        "On the same faces, in the study's workspace, with its study file (`study.yaml` among the "
        "artifacts of its runs in MLflow); on other hardware figures differ a little:",
        f"```sh\nhpo train study.yaml --architecture {facts['architecture']} "
        f"--trial {facts['number']}{again}\n```",
    ]
    return said


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, default=str) if not isinstance(value, str) else value
