"""The card of the model in the box, drawn from its ``model.json``: no figure is written by hand.

After Mitchell et al. (2019), "Model Cards for Model Reporting": what it is, how it was made, data,
figures with their uncertainty, limits, and what it must not be used for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.evidence.card_figures import chance_sentence, class_table
from hpo.evidence.intervals import wilson
from hpo.evidence.model_cards import LIMITS
from hpo.recommender.box import Box
from hpo.spec.objectives import size_text
from hpo.spec.records import WITHOUT_COPIES

_SHOWN = (
    *("family", "width", "stages", "convs_per_stage", "head", "dense", "input_size"),
    *("optimizer", "learning_rate", "batch_size", "epochs", "schedule"),
    *("label_smoothing", "mixup", "ema", "test_views", "temperature_scaling"),
)
"""Parameters that tell most about a model, in the order of the card; the rest is in the file."""

_METRICS = (
    ("val_accuracy", "accuracy", True),
    ("val_macro_f1", "macro F1", False),
    ("val_loss", "log loss", False),
)


def card(box: Box) -> str:
    """Return the card as Markdown."""
    described, facts = box.described, box.described.facts
    accuracy = wilson(box.accuracy, int(facts["validation_faces"]))
    sections = [
        "# The model in the box",
        "`hpo recommend` answers with this classifier where a workspace has no champion yet. This "
        "page is drawn from `model.json` beside it by `python -m hpo.recommender.boxing`; change "
        "neither by hand.",
        "## What it is",
        f"A {box.architecture} of {facts['parameter_count']:,} weights, kernels in float16, "
        f"{size_text(described.size / 2**20)}. It takes a grey face of "
        f"{described.input_shape[0]}×{described.input_shape[1]} pixels and answers with a "
        f"probability for each of: {', '.join(described.classes)}.",
        "## How it was made",
        f"With hpo {facts['environment'].get('hpo', 'unknown')} and Keras "
        f"{facts['environment'].get('keras', 'unknown')} "
        f"({facts['environment'].get('backend', 'unknown')}) under Python "
        f"{facts['environment'].get('python', 'unknown')} on "
        f"{facts['environment'].get('device', 'unknown')}, seed {facts['seed']}, "
        f"{facts['epochs_run']} epochs, of which number {facts['best_epoch']} was the best:",
        f"```sh\n{facts['made_by']}\n```",
        _parameters(described.params),
        "## Data",
        f"{facts['train_faces']:,} training faces of the dataset `{facts['dataset']}` (digest "
        f"`{facts['dataset_digest']}`). FER-2013 was gathered by an image search for words of "
        "emotions (Goodfellow et al. 2013); who is in the pictures was neither asked nor recorded.",
        "## Figures",
        f"On the {facts['validation_faces']:,} validation faces, by which its best epoch was "
        "chosen, as it lies in the box:",
        _figures(facts),
        f"The 95 % interval of the accuracy (Wilson) is {100 * accuracy.low:.1f} % to "
        f"{100 * accuracy.high:.1f} % (n = {accuracy.n:,}). It speaks of these faces alone: not "
        "of another seed, nor of the optimism of a model that was chosen on the same faces. The "
        f"test faces were not looked at. {chance_sentence(facts['confusion'])}".rstrip(),
        *_without_copies(facts),
        class_table(described.classes, facts["confusion"]),
        "## Limits",
        "\n".join(f"- {line}" for line in LIMITS),
        "## Responsible use",
        "It is made for choosing songs for oneself. Inferring the emotions of people at work or "
        "in education is banned in the European Union since February 2025 (AI Act, Article "
        "5(1)(f)), and other uses carry duties towards the people in front of the camera. "
        "`hpo recommend` stores no frame, and sends none anywhere.",
    ]
    return "\n\n".join(sections) + "\n"


def _parameters(params: Mapping[str, Any]) -> str:
    shown = [f"`{name}: {_written(params[name])}`" for name in _SHOWN if name in params]
    return f"Among its parameters: {', '.join(shown)}. `model.json` has all of them."


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _figures(facts: Mapping[str, Any]) -> str:
    metrics = facts["metrics"]
    alone = _names_copies(facts)
    head = "| figure | value |" + (" without copies |" if alone else "")
    lines = [head, "| --- | --- |" + (" --- |" if alone else "")]
    for name, title, is_share in _METRICS:
        line = f"| {title} | {_told(metrics[name], is_share)} |"
        other = f" {_told(metrics[name + WITHOUT_COPIES], is_share)} |" if alone else ""
        lines.append(line + other)
    return "\n".join(lines)


def _told(value: float, is_share: bool) -> str:
    return f"{100 * value:.1f} %" if is_share else f"{value:.3f}"


def _names_copies(facts: Mapping[str, Any]) -> bool:
    """Tell whether there are figures without the faces that training has a copy of."""
    known = all(name + WITHOUT_COPIES in facts["metrics"] for name, _, _ in _METRICS)
    return known and facts["validation_faces_without_copies"] != facts["validation_faces"]


def _without_copies(facts: Mapping[str, Any]) -> list[str]:
    """Return a paragraph on the faces that training has not seen, if any was seen."""
    if not _names_copies(facts):
        return []
    accuracy = facts["metrics"]["val_accuracy" + WITHOUT_COPIES]
    alone = wilson(accuracy, facts["validation_faces_without_copies"])
    return [
        "Some of these faces have an exact, mirrored or near duplicate among the training faces "
        "(`hpo data audit` finds them), and a score on them is partly memory. On the "
        f"{alone.n:,} others the accuracy is {100 * alone.point:.1f} % ({100 * alone.low:.1f} % to "
        f"{100 * alone.high:.1f} %)."
    ]
