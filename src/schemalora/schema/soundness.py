"""What makes a schema unusable, found before anything is generated or parsed, with its path."""

from __future__ import annotations

from collections.abc import Iterator

from schemalora.errors import SchemaError
from schemalora.schema.heights import MAX_HEIGHT, Heights
from schemalora.schema.members import Member
from schemalora.schema.nodes import ArrayNode, NeverNode, Node, ObjectNode, StringNode, UnionNode
from schemalora.schema.paths import ROOT, child_path
from schemalora.schema.patterns import pattern_error

_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE = ("not", "if", "then", "else")
_HERE_MAPS = ("dependentSchemas", "dependencies")
_BELOW = (
    "additionalProperties",
    "unevaluatedProperties",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "items",
)


def check_references(root: Member) -> None:
    """Follows every reference and compiles every pattern that can be reached.

    Raises:
        SchemaError: a reference points to nothing, leads back to itself without entering a value,
            or a pattern is no regular expression.
    """
    done: set[int] = set()
    pending: list[tuple[Member, str]] = [(root, ROOT)]
    while pending:
        member, path = pending.pop()
        if id(member.schema) not in done:
            _check_place(member, path, done, pending)


def _check_place(
    start: Member, path: str, done: set[int], pending: list[tuple[Member, str]]
) -> None:
    """Checks every schema that applies to the same value as `start`, depth first."""
    open_now: dict[int, None] = {}
    stack: list[tuple[Member, bool]] = [(start, False)]
    while stack:
        member, leaving = stack.pop()
        identity = id(member.schema)
        if leaving:
            open_now.pop(identity, None)
            done.add(identity)
            continue
        if identity in open_now:
            raise SchemaError(
                path, "a reference leads back to itself without entering the value: it has no end"
            )
        if identity in done:
            continue
        open_now[identity] = None
        stack.append((member, True))
        _check_patterns(member, path)
        pending.extend(_below(member, path))
        stack.extend((inner, False) for inner in _here(member, path))


def _check_patterns(member: Member, path: str) -> None:
    pattern = member.get("pattern")
    names = member.get("patternProperties")
    for one in [pattern, *(names if isinstance(names, dict) else ())]:
        if isinstance(one, str) and (error := pattern_error(one)):
            raise SchemaError(path, f"the pattern {one!r} cannot be used: {error}")


def _here(member: Member, path: str) -> Iterator[Member]:
    for pair in member.references():
        yield member.follow(*pair, path=path)
    if member.draft <= 7 and member.has("$ref"):
        return
    for keyword in _HERE_LISTS:
        yield from member.subs(keyword)
    for keyword in _HERE:
        if member.has(keyword):
            yield member.sub(member.get(keyword))
    for keyword in _HERE_MAPS:
        yield from member.sub_map(keyword).values()


def _below(member: Member, path: str) -> Iterator[tuple[Member, str]]:
    for name, inner in member.sub_map("properties").items():
        yield inner, child_path(path, name)
    for inner in member.sub_map("patternProperties").values():
        yield inner, f"{path}.*"
    if member.has("propertyNames"):
        yield member.sub(member.get("propertyNames")), path
    for keyword in _BELOW:
        if isinstance(member.get(keyword), (dict, bool)):
            yield (
                member.sub(member.get(keyword)),
                f"{path}[*]" if "tems" in keyword else f"{path}.*",
            )
    for keyword in ("items", "prefixItems"):
        for place, inner in enumerate(member.subs(keyword)):
            yield inner, child_path(path, place)


def check_inhabited(root: Node, heights: Heights) -> None:
    """Makes sure that some finite value matches the tree.

    Raises:
        SchemaError: none does; the path and the reason are those of the first contradiction.
    """
    if heights.height(root) is None:
        path, reason = _contradiction(root, heights, ROOT, frozenset())
        raise SchemaError(path, f"no value can satisfy the schema: {reason}")


def _contradiction(
    node: Node, heights: Heights, path: str, above: frozenset[Node]
) -> tuple[str, str]:
    if node in above:
        return path, "it requires a value of its own shape inside itself, without end"
    above |= {node}
    if isinstance(node, NeverNode):
        return path, node.reason
    for child, where in _needed(node, path):
        if heights.height(child) is None:
            return _contradiction(child, heights, where, above)
    if any(heights.height(child) == MAX_HEIGHT for child, _ in _needed(node, path)):
        return path, f"every value of it is nested more than {MAX_HEIGHT} levels deep"
    return path, "too few keys or items are allowed"


def _needed(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    if isinstance(node, UnionNode):
        yield from ((branch, path) for branch in node.branches)
    elif isinstance(node, ObjectNode):
        for name in node.names:
            if name in node.required:
                yield node.child(name), child_path(path, name)
    elif isinstance(node, ArrayNode):
        for place in range(min(node.min_items, node.prefix_length + 1)):
            yield node.item_at(place), child_path(path, place)
        for contains in node.contains:
            yield contains.merged, f"{path}[*]"
    elif isinstance(node, StringNode) and node.content is not None:
        yield node.content, path
