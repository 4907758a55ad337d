"""The tree of a YAML file before it is built: what it may be made of, and the line of each key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys and positions from the top."""

TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = {TAG + name for name in ("null", "bool", "int", "float", "str", "map", "seq")}

# A study file is a page or two; aliases that multiply and endless nesting are mistakes.
_MOST_NODES = 100_000
_MOST_DEPTH = 50
_MOST_DIGITS = 400


class Refused(yaml.YAMLError):
    """YAML that is valid but no study file: said with its line."""

    def __init__(self, problem: str, node: yaml.Node, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.hint = problem, hint
        self.line = node.start_mark.line + 1


def check(root: yaml.Node, patterns: Mapping[str, re.Pattern[str]]) -> None:
    """Refuse what cannot be built safely or says two things at once, before building it.

    Args:
        root: the whole tree.
        patterns: by tag, what a scalar of that tag looks like.

    Raises:
        Refused: a tag, a key, a scalar or the size or depth of the tree is no study file's.
    """
    visited = 0
    left: list[tuple[yaml.Node, int]] = [(root, 0)]
    while left:
        node, depth = left.pop()
        visited += 1
        if visited > _MOST_NODES:
            raise Refused("too many values for a study file (aliases that multiply?)", node)
        if depth > _MOST_DEPTH:
            raise Refused("nested too deeply (an alias of what holds it?)", node)
        if node.tag not in _KNOWN_TAGS:
            raise Refused(f"the tag '{_as_tagged(node)}' means nothing here", node, "Remove it")
        if isinstance(node, yaml.ScalarNode):
            _check_scalar(node, patterns)
        if isinstance(node, yaml.SequenceNode):
            left += [(item, depth + 1) for item in reversed(node.value)]
        elif isinstance(node, yaml.MappingNode):
            _check_keys(node)
            left += [(value, depth + 1) for _, value in reversed(node.value)]


def _as_tagged(node: yaml.Node) -> str:
    return "!!" + node.tag.removeprefix(TAG) if node.tag.startswith(TAG) else str(node.tag)


def _check_scalar(node: yaml.ScalarNode, patterns: Mapping[str, re.Pattern[str]]) -> None:
    """Refuse a scalar that is not what a tag before it says, and numbers without end."""
    kind, text = node.tag.removeprefix(TAG), node.value
    pattern = patterns.get(node.tag)
    if pattern is not None and not pattern.match(text):
        raise Refused(f"'{text}' is no {kind}", node, f"Remove the tag !!{kind}")
    if kind in ("int", "float") and len(text) > _MOST_DIGITS:
        raise Refused(f"a number of {len(text):,} digits", node, "Write a shorter one, or quote it")


def _check_keys(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if key.tag == TAG + "merge":
            continue
        if key.tag != TAG + "str":
            shown = key.value if isinstance(key, yaml.ScalarNode) else "a list or a mapping"
            raise Refused(
                f"a key must be a word, got {shown or 'nothing'}", key, "Put it in quotes"
            )
        if key.value in seen:
            raise Refused(
                f"the key '{key.value}' stands twice",
                key,
                f"Remove one (the first is on line {seen[key.value]})",
            )
        seen[key.value] = key.start_mark.line + 1


def lines_of(node: yaml.Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, int]]:
    """Yield the line of each key path; a later line for the same path replaces an earlier one."""
    if isinstance(node, yaml.MappingNode):
        # What is merged comes first: a mapping's own keys overrule it, wherever they stand, and
        # the first of several merged mappings overrules the others.
        for key, value in node.value:
            if key.tag == TAG + "merge":
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in reversed(sources):
                    yield from lines_of(source, path)
        for key, value in node.value:
            if key.tag != TAG + "merge":
                yield (*path, key.value), key.start_mark.line + 1
                yield from lines_of(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*path, position), item.start_mark.line + 1
            yield from lines_of(item, (*path, position))


def line_too_deep(text: str, loader: type[yaml.SafeLoader]) -> int:
    """Return the line on which ``text`` is nested too deeply, found without recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH and event.start_mark:
            return event.start_mark.line + 1
    return 1
