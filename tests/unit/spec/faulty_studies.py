"""Study files with one fault each, for the golden file of error paragraphs.

A case is a name, the file's text (or bytes), and ``--set`` options. Cases without a text of their
own change the sound study below by ``--set`` or by replacing one line.
"""

from __future__ import annotations

from dataclasses import dataclass

SOUND = """\
name: sound
data:
  dataset: drawn-faces
  train_limit: 400
budget:
  trials: 3
sampler: tpe
space:
  learning_rate: {type: float, low: 1e-5, high: 1e-2, log: true}
  optimizer: {type: categorical, choices: [adam, sgd]}
  momentum:
    type: float
    low: 0.5
    high: 0.99
    when: {optimizer: sgd}
architectures:
  cnn:
    fixed: {epochs: 2}
  resnet50:
    weights: none
"""


@dataclass(frozen=True)
class Case:
    name: str
    text: str | bytes
    sets: tuple[str, ...] = ()


def _with(name: str, line: str, other: str) -> Case:
    """Return the sound study with ``line`` replaced (all of it: indentation is kept)."""
    assert SOUND.count(line) == 1, line
    return Case(name, SOUND.replace(line, other))


def _set(name: str, *assignments: str) -> Case:
    return Case(name, SOUND, assignments)


FAULTY = [
    # Not a study at all.
    Case("empty file", ""),
    Case("only comments", "# nothing yet\n"),
    Case("a list", "- name: x\n"),
    Case("a word", "hello\n"),
    Case("not UTF-8", b"name: ok\ndescription: caf\xe9\n"),
    Case("UTF-16", "name: x\n".encode("utf-16")),
    Case("two documents", "name: a\n---\nname: b\n"),
    Case("a tab", "name: a\ndata:\n\tdataset: drawn-faces\n"),
    Case("a colon in the text", "name: a\ndescription: first: second\n"),
    Case("unclosed bracket", "name: a\nspace: {x: [1, 2\n"),
    Case("control character", "name: a\x07\n"),
    Case("undefined alias", "name: *nobody\n"),
    Case("a Python tag", "name: !!python/object/apply:os.getcwd []\n"),
    Case("a bad integer tag", "name: !!int three\n"),
    Case("a bad number tag", "name: x\ndata:\n  train_limit: !!float many\n"),
    Case("a number without end", f"name: x\nseed: {'9' * 5000}\n"),
    Case("a key twice", "name: a\nseed: 1\nseed: 2\n"),
    Case("a nested key twice", "name: a\nspace:\n  lr: 1\n  x: 2\n  lr: 3\n"),
    Case("a number as key", "name: a\n1: b\n"),
    Case("a list as key", "name: a\n? [1, 2]\n: b\n"),
    Case("merging a word", "name: a\ndata:\n  <<: word\n"),
    Case(
        "aliases that multiply",
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
    ),
    Case(
        "merges that multiply",
        "a: &a {x: 1}\n"
        + "".join(
            f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 10)}]}}\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
    ),
    Case("an alias of what holds it", "name: a\nspace: &s\n  x: *s\n"),
    Case("endless nesting", "name: a\ndescription: " + "[" * 1000 + "]" * 1000 + "\n"),
    # Keys.
    Case("nothing but a name", "name: a\n"),
    _with("no name", "name: sound\n", ""),
    _with("unknown key", "budget:", "budgets:"),
    _with("unknown key of a section", "  trials: 3", "  trails: 3"),
    _with("unknown key of the data", "  train_limit: 400", "  train_limt: 400"),
    _with("unknown key of an architecture", "    weights: none", "    weight: none"),
    _with("unknown key of a parameter", "    high: 0.99", "    hihg: 0.99"),
    _with("no architecture", SOUND[SOUND.index("architectures") :], "architectures: {}\n"),
    _with("an architecture of a number", "    weights: none", "    architecture: 5"),
    _with("an architecture that is a word", "  resnet50:\n    weights: none", "  resnet50: none"),
    _with("a label with a slash", "  resnet50:", "  resnet/50:"),
    # Values.
    _with("a name with spaces", "name: sound", "name: my first study"),
    _with("a name of a number", "name: sound", "name: 2026"),
    _with("no trials", "  trials: 3", "  trials: 0"),
    _with("trials in words", "  trials: 3", "  trials: many"),
    _with("half a trial", "  trials: 3", "  trials: 2.5"),
    _with("a section that is a word", "budget:\n  trials: 3", "budget: 3"),
    _with("a sampler that is a list", "sampler: tpe", "sampler: [tpe]"),
    _with("a sampler without a name", "sampler: tpe", "sampler: {seed: 3}"),
    _with("unknown objective", "sampler: tpe", "objective: {metric: accuracy}"),
    _with("an objective that is a word", "sampler: tpe", "objective: val_loss"),
    _with("unknown precision", "sampler: tpe", "precision: float16"),
    _with("a negative seed", "sampler: tpe", "seed: -1"),
    _with("models kept in words", "sampler: tpe", "tracking: {keep_models: all}"),
    _with("fixed not a number", "{epochs: 2}", "{epochs: {low: 1}}"),
    _with("fixed infinite", "{epochs: 2}", "{rate: .inf}"),
    _with("fixed a list", "fixed: {epochs: 2}", "fixed: [epochs]"),
    _with("enqueue a word", "    weights: none", "    enqueue: [best]"),
    _with("enqueue not listed", "    weights: none", "    enqueue: thesis"),
    _with("true trials", "  trials: 3", "  trials: true"),
    _with("trials without end", "  trials: 3", "  trials: 99999999999999999999999"),
    _with("a dataset that is a path", "dataset: drawn-faces", "dataset: ../../etc"),
    _with("an empty sampler", "sampler: tpe", "sampler: {}"),
    _with("a sampler that is a number", "sampler: tpe", "sampler: 5"),
    _with("a storage that is no URL", "sampler: tpe", "storage: optuna.db"),
    _with("enqueue a list", "    weights: none", "    enqueue: [[1, 2]]"),
    # Spaces.
    _with("space a list", SOUND[SOUND.index("space") : SOUND.index("archi")], "space: [lr]\n"),
    _with("a reversed range", "low: 1e-5, high: 1e-2", "low: 1e-2, high: 1e-5"),
    _with("an empty range", "low: 1e-5, high: 1e-2", "low: 0.1, high: 0.1"),
    _with("a log scale over zero", "low: 1e-5", "low: 0"),
    _with("a log scale with a step", "log: true}", "log: true, step: 0.1}"),
    _with("no low end", "low: 1e-5, ", ""),
    _with("a true end", "high: 1e-2", "high: true"),
    _with("an infinite end", "high: 1e-2", "high: .inf"),
    _with("a range in words", "high: 1e-2", "high: large"),
    _with("no type", "{type: float, low: 1e-5", "{low: 1e-5"),
    _with("unknown type", "{type: float, low: 1e-5", "{type: real, low: 1e-5"),
    _with("a parameter that is a list", "{type: categorical, choices: [adam, sgd]}", "[adam, sgd]"),
    _with("no choices", "[adam, sgd]", "[]"),
    _with("a choice twice", "[adam, sgd]", "[adam, sgd, adam]"),
    _with("a choice that is a list", "[adam, sgd]", "[adam, [sgd]]"),
    _with(
        "a step of zero",
        "{type: float, low: 1e-5, high: 1e-2, log: true}",
        "{type: float, low: 0, high: 1, step: 0}",
    ),
    _with(
        "a step larger than the range",
        "{type: float, low: 1e-5, high: 1e-2, log: true}",
        "{type: float, low: 0.1, high: 0.5, step: 1.0}",
    ),
    _with(
        "a step larger than a range of ints",
        "{type: float, low: 1e-5, high: 1e-2, log: true}",
        "{type: int, low: 1, high: 3, step: 3}",
    ),
    _with(
        "an empty range of ints",
        "{type: float, low: 1e-5, high: 1e-2, log: true}",
        "{type: int, low: 3, high: 3}",
    ),
    _with(
        "an int with a fraction",
        "{type: float, low: 1e-5, high: 1e-2, log: true}",
        "{type: int, low: 1.5, high: 3}",
    ),
    _with(
        "an int of astronomical size",
        "{type: float, low: 1e-5, high: 1e-2, log: true}",
        "{type: int, low: 1, high: 100000000000000000000}",
    ),
    _with("a condition on nobody", "{optimizer: sgd}", "{optimiser: sgd}"),
    _with(
        "a condition on a parameter by a foreign name that keeps its default",
        "{optimizer: sgd}",
        "{scheduler: cosine}",
    ),
    _with("a condition on nothing like it", "{optimizer: sgd}", "{schedule: cosine}"),
    _with("a condition never met", "{optimizer: sgd}", "{optimizer: sdg}"),
    _with("a condition without values", "{optimizer: sgd}", "{optimizer: []}"),
    _with("a condition on a float", "{optimizer: sgd}", "{learning_rate: 0.001}"),
    _with("a condition on itself", "{optimizer: sgd}", "{momentum: 0.5}"),
    _with("a condition that is a word", "{optimizer: sgd}", "optimizer"),
    _with(
        "a circle of conditions",
        "choices: [adam, sgd]}",
        "choices: [adam, sgd], when: {momentum: 0.5}}",
    ),
    _with(
        "fixed and searched at once",
        "    fixed: {epochs: 2}",
        "    fixed: {epochs: 2}\n    space:\n      epochs: {type: int, low: 1, high: 3}",
    ),
    _with(
        "fixed and searched at the top",
        "space:\n",
        "fixed: {learning_rate: 0.1}\nspace:\n",
    ),
    # Several faults at once: the first in full, the others by their lines.
    Case(
        "many faults",
        SOUND.replace("train_limit", "train_limt")
        .replace("trials: 3", "trials: many")
        .replace("high: 0.99", "hihg: 0.99")
        .replace("weights: none", "weight: none"),
    ),
    Case("a fault in the file and one in --set", SOUND.replace("name: sound", "name: 5"), ("a=1",)),
    Case("more faults than anyone reads", SOUND + "".join(f"wrong{n}: {n}\n" for n in range(9))),
    # --set.
    _set("set: no sign", "budget.trials"),
    _set("set: no key", "=3"),
    _set("set: an empty part", "data..dataset=fer2013"),
    _set("set: a key twice", "fixed={a: 1, a: 2}"),
    _set("set: no YAML", "budget.trials=[1, 2"),
    _set("set: an unknown key", "budget.trails=3"),
    _set("set: an unknown section", "bugdet.trials=3"),
    _set("set: below a value", "budget.trials.most=3"),
    _set("set: a wrong value", "budget.trials=none"),
    _set("set: a reversed range", "space.learning_rate.low=1"),
    _set("set: a whole range", "space.learning_rate={type: float, low: x, high: 1}"),
    _set("set: an architecture that is not there", "architectures.resnet.weights=none"),
    _set("set: a shared range in one architecture", "architectures.cnn.space.learning_rate.low=1"),
    _set("set: beyond a list", "space.optimizer.choices.7=adam"),
    _set("set: a word in a list", "space.optimizer.choices.first=adam"),
    _set("set: no more sections", "architectures="),
]
