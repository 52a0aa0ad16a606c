"""What a schema tells people, and the library's own keywords."""

from __future__ import annotations

from collections.abc import Sequence

from schemalora.schema.members import Member
from schemalora.schema.nodes import Annotations

RELATION_KEYWORD = "x-relation"
"""How a value relates to the text: `extracted`, `derived` or `free_text`."""
COMPARISON_KEYWORD = "x-comparison"
"""How a value counts in accuracy: `exact`, `ordered`, `unordered` or `ignored`."""


def read_annotations(flat: Sequence[Member]) -> Annotations:
    """What the members tell people; the outermost schema has the first word."""

    def text(keyword: str) -> str:
        values = (member.schema.get(keyword) for member in flat)
        return next((value for value in values if isinstance(value, str) and value), "")

    lists = [value for member in flat if isinstance(value := member.schema.get("examples"), list)]
    return Annotations(
        title=text("title"),
        description=text("description"),
        examples=tuple(lists[0]) if lists else (),
        default=tuple(member.schema["default"] for member in flat if "default" in member.schema)[
            :1
        ],
        relation=text(RELATION_KEYWORD),
        comparison=text(COMPARISON_KEYWORD),
    )


def read_label(branch: Member) -> str:
    """The name of an alternative: what it refers to, or its title; empty where it has none."""
    target = branch.get("$ref")
    if isinstance(target, str) and "/" in target:
        return target.rsplit("/", 1)[1]
    title = branch.get("title")
    return title if isinstance(title, str) else ""


def read_discriminator(member: Member) -> str:
    """The key that tells alternatives apart (OpenAPI); empty where none is named."""
    value = member.get("discriminator")
    name = value.get("propertyName") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""
