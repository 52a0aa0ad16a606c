"""The template renderer: slots, phrase banks, alternatives and frames."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from schemalora.contract import Contract
from schemalora.errors import RenderError, UsageError
from schemalora.grounding import value_at
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.synthesis.compiling import Compiled, Compiler, Piece
from schemalora.synthesis.grammar import Node, Series, Slot, parse_template, slot_names
from schemalora.synthesis.rendering import Rendering
from schemalora.synthesis.slots import (
    PhraseBank,
    parse_banks,
    phrases_of,
    selector_of,
    slot_fields,
    value_key,
)
from schemalora.synthesis.wording import value_in_words

_MOST_READY = 4096
"""Selections of templates that are kept; conditions on open-ended fields would fill the memory."""


@dataclass(frozen=True, slots=True)
class Template:
    """One way to say a target."""

    text: str
    """Written in the language of `schemalora.synthesis.grammar`."""
    when: Mapping[str, JsonValue | tuple[JsonValue, ...]] = field(
        default_factory=dict[str, "JsonValue | tuple[JsonValue, ...]"]
    )
    """Field to the value it must have, or to a tuple of such values."""
    group: str = ""
    """The template's identity; derived from its text where none is given."""
    family: str = ""
    """Whole families can be held out: see `TemplateRenderer.only`."""
    framed: bool = True
    """Whether one of the renderer's frames goes around it."""

    def __post_init__(self) -> None:
        if not self.group:
            digest = hashlib.blake2b(self.text.encode(), digest_size=4).hexdigest()
            object.__setattr__(self, "group", f"template-{digest}")


class TemplateRenderer:
    """Renders targets with templates; a `Renderer`.

    A template fits a target when its `when` holds and it places every extracted value that the
    target has; one of those that fit is drawn. Slots are named by a field's last key, or by its
    dotted path (`entities.order_id`) where that is not unique.

    Args:
        contract: names the fields.
        templates: what there is to say.
        banks: name to phrases, or to a `PhraseBank`; phrases are templates themselves.
        frames: templates with one `{body}` each, put around every template that is `framed`.
        name: what error messages call the renderer.

    Raises:
        UsageError: a template that cannot be read, an unknown slot, a bank that contains itself.
    """

    def __init__(
        self,
        contract: Contract,
        templates: Iterable[Template],
        *,
        banks: Mapping[str, Sequence[str] | PhraseBank] | None = None,
        frames: Sequence[str] = (),
        name: str = "TemplateRenderer",
    ) -> None:
        self.contract = contract
        self.templates = tuple(templates)
        self.name = name
        self._source = (dict(banks or {}), tuple(frames))
        self._fields = slot_fields(contract)
        self._banks = parse_banks(self._source[0])
        self._frames = tuple(_split_frame(frame) for frame in frames)
        self._parsed = tuple((one, parse_template(one.text)) for one in self.templates)
        self._conditions = tuple(map(_condition, self.templates))
        self._selectors = tuple(
            (selector_of(name), self._fields[name].keys) for name in self._selected_fields()
        )
        self._check_names()
        used = frozenset[str]().union(*(slot_names(node) for node in self._all_nodes()))
        self._read = tuple(
            (slot, entry.keys) for slot, entry in self._fields.items() if entry.must or slot in used
        )
        self._compiled: dict[tuple[str, ...], _Compiled] = {}
        self._ready: dict[tuple[str, ...], _Ready] = {}

    def only(self, *families: str) -> TemplateRenderer:
        """The same renderer with the templates of some families only."""
        banks, frames = self._source
        chosen = [one for one in self.templates if one.family in families]
        return TemplateRenderer(self.contract, chosen, banks=banks, frames=frames, name=self.name)

    def __call__(self, target: JsonValue, rng: Random, /) -> Rendering:
        """Draws a template that fits the target, and fills it.

        Raises:
            RenderError: no template fits the target.
        """
        values, ready = self._prepare_fitting(target)
        index = int(rng.random() * len(ready.bodies))
        return self._fill(ready, index, values, rng)

    def fits(self, target: JsonValue) -> bool:
        """Whether any template fits the target."""
        return bool(self._prepare(target)[1].bodies)

    def groups(self, target: JsonValue) -> tuple[str, ...]:
        """The groups of the templates that fit the target, in the order of the templates.

        With `render_group`, a caller chooses the template: the one used least so far, say.

        Raises:
            RenderError: no template fits the target.
        """
        return tuple(self._prepare_fitting(target)[1].index)

    def render_group(self, target: JsonValue, group: str, rng: Random) -> Rendering | None:
        """Renders with the template of one group; None where it does not fit the target."""
        values, ready = self._prepare(target)
        index = ready.index.get(group)
        return None if index is None else self._fill(ready, index, values, rng)

    def _prepare_fitting(self, target: JsonValue) -> tuple[dict[str, str], _Ready]:
        values, ready = self._prepare(target)
        if not ready.bodies:
            raise RenderError(
                f"{self.name}: no template fits the target {canonical_json(target)}; "
                f"slots with values: "
                f"{', '.join(name for name in values if name[0] != selector_of('')) or 'none'}"
            )
        return values, ready

    def _prepare(self, target: JsonValue) -> tuple[dict[str, str], _Ready]:
        values: dict[str, str] = {}
        for slot, keys in self._read:
            value = value_at(target, keys)
            text = value if isinstance(value, str) else value_in_words(value)
            if text:
                values[slot] = text
        present = tuple(values)
        for selector, keys in self._selectors:
            values[selector] = value_key(value_at(target, keys))
        key = (*present, "", *[values[selector] for selector, _ in self._selectors])
        ready = self._ready.get(key)
        if ready is None:
            if len(self._ready) >= _MOST_READY:
                self._ready.clear()
            ready = self._ready[key] = self._make_ready(present, values)
        return values, ready

    def _fill(self, ready: _Ready, index: int, values: Mapping[str, str], rng: Random) -> Rendering:
        template, body = ready.bodies[index]
        pieces: list[Piece] = []
        if template.framed and ready.frames:
            before, after = ready.frames[int(rng.random() * len(ready.frames))]
            before.emit(values, rng, pieces)
            body.emit(values, rng, pieces)
            after.emit(values, rng, pieces)
        else:
            body.emit(values, rng, pieces)
        return _join(pieces, template.group)

    def _make_ready(self, present: tuple[str, ...], values: Mapping[str, str]) -> _Ready:
        compiled = self._compiled.get(present)
        if compiled is None:
            compiled = self._compiled[present] = self._compile(frozenset(present))
        bodies = tuple(
            (template, body)
            for (template, body), condition in zip(compiled.bodies, self._conditions, strict=True)
            if body is not None
            and all(values[selector] in accepted for selector, accepted in condition)
        )
        index = {template.group: at for at, (template, _) in enumerate(bodies)}
        return _Ready(bodies, compiled.frames, index)

    def _compile(self, present: frozenset[str]) -> _Compiled:
        compiler = Compiler(present, self._banks)
        must = [{slot, self._fields[slot].alias} for slot in present if self._fields[slot].must]
        bodies = [(template, compiler.compile(node)) for template, node in self._parsed]
        frames = [
            (compiler.compile(before), compiler.compile(after)) for before, after in self._frames
        ]
        return _Compiled(
            tuple(
                (one, body if body and all(names & body.places for names in must) else None)
                for one, body in bodies
            ),
            tuple(
                (before, after)
                for before, after in frames
                if before is not None and after is not None
            ),
        )

    def _all_nodes(self) -> Iterator[Node]:
        for _, node in self._parsed:
            yield node
        for before, after in self._frames:
            yield from (before, after)
        for bank in self._banks.values():
            yield from phrases_of(bank)

    def _selected_fields(self) -> list[str]:
        names = {name for template in self.templates for name in template.when}
        names |= {bank.field for bank in self._source[0].values() if isinstance(bank, PhraseBank)}
        for name in names:
            if name not in self._fields:
                raise UsageError(f"{self.name}: {name!r} is no field of {self.contract.name}")
        return sorted(names)

    def _check_names(self) -> None:
        known = self._fields.keys() | self._banks.keys()
        for template, node in self._parsed:
            unknown = sorted(slot_names(node) - known)
            if unknown:
                raise UsageError(
                    f"{self.name}: template {template.text[:40]!r} has a slot {unknown[0]!r} that "
                    f"is neither a field nor a bank (known: {', '.join(sorted(known))})"
                )


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Everything made ready for one set of slots that have values."""

    bodies: tuple[tuple[Template, Compiled | None], ...]
    """None where a template needs a slot without a value, or drops one that has one."""
    frames: tuple[tuple[Compiled, Compiled], ...]


@dataclass(frozen=True, slots=True)
class _Ready:
    """What fits a target."""

    bodies: tuple[tuple[Template, Compiled], ...]
    frames: tuple[tuple[Compiled, Compiled], ...]
    index: Mapping[str, int]
    """Group to place among the bodies."""


def _condition(template: Template) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(
        (
            selector_of(name),
            frozenset(map(value_key, wanted if isinstance(wanted, tuple) else (wanted,))),
        )
        for name, wanted in template.when.items()
    )


def _split_frame(frame: str) -> tuple[Node, Node]:
    node = parse_template(frame)
    parts = node.parts if isinstance(node, Series) else (node,)
    places = [at for at, part in enumerate(parts) if part == Slot("body")]
    if len(places) != 1:
        raise UsageError(f"frame {frame!r} must hold {{body}} once, outside of other brackets")
    at = places[0]
    return Series(parts[:at]), Series(parts[at + 1 :])


def _join(pieces: Iterable[Piece], group: str) -> Rendering:
    """Puts pieces together; an empty piece leaves no double space behind."""
    out: list[str] = []
    marks: list[tuple[int, int]] = []
    at = 0
    after_word = False
    for text, marked in pieces:
        run = text if marked or after_word else text.lstrip(" ")
        if not run:
            continue
        if marked:
            marks.append((at, at + len(run)))
        out.append(run)
        at += len(run)
        after_word = run[-1] not in " \n"
    joined = "".join(out)
    # A value may end in white space of its own.
    end = marks[-1][1] if marks else 0
    return Rendering(joined[:end] + joined[end:].rstrip(), group, tuple(marks))
