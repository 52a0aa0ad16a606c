"""Ways to break the JSON text of a valid completion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from schemalora.contract import Contract
from schemalora.contract.jsontext import MAX_DEPTH
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.schema import ROOT, child_path
from schemalora.strategies.breakages import Breakage


def text_breakages(text: str) -> list[Breakage]:
    """The ways to break a completion's text, whatever the contract."""
    broken = {
        "empty": "",
        "truncated": text[:-1] if text[:1] in '{["' else text + ",",
        "fenced": f"```json\n{text}\n```",
        "prose_before": f"Here it is: {text}",
        "prose_after": f"{text}\n\nHope this helps!",
        "trailing_comma": text[:-1] + "," + text[-1] if text[-1:] in "}]" else f"[{text},]",
        "single_quotes": f"{{'answer': {text}}}",
    }
    found = [Breakage("not_json", ROOT, _always(completion)) for completion in broken.values()]
    deep = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    found.append(Breakage("too_deep", ROOT, _always(deep)))
    return [*found, *_duplicates(text)]


def _always(completion: str) -> Callable[[Contract], str]:
    return lambda _contract: completion


def _duplicates(text: str) -> list[Breakage]:
    """Each key of the outermost object named twice, with the same value."""
    value = cast(JsonValue, json.loads(text))
    if not isinstance(value, dict):
        return []
    return [
        Breakage("duplicate_key", child_path(ROOT, name), _doubled(text, name, item))
        for name, item in value.items()
    ]


def _doubled(text: str, name: str, item: JsonValue) -> Callable[[Contract], str]:
    again = f"{canonical_json(name)}:{canonical_json(item)}"
    return _always(f"{text[:-1]},{again}}}")
