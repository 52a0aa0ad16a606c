"""The generator contract: what a data set for a contract has to satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

from schemalora.audit import AuditReport, audit
from schemalora.contract import Contract, Relation
from schemalora.errors import RenderError, UsageError
from schemalora.grounding import Extraction, ground, value_text
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import Example
from schemalora.sampling import Cell, cells, sample
from schemalora.synthesis.rendering import Renderer, Rendering

Draw = Callable[[Random], JsonValue]
"""Draws one target; every random decision must come from the generator it is given."""


class GeneratorContract:
    """What a data set for a contract has to satisfy, derived from the contract.

    Args:
        contract: the contract.
        draw: how to draw a target; sampled from the contract, balanced over its cells, where None.
            A draw of your own can make fields agree with each other, which no schema can say.

    Raises:
        UsageError: the draw cannot be called.
    """

    def __init__(self, contract: Contract, *, draw: Draw | None = None) -> None:
        if draw is not None and not callable(draw):
            kind = type(draw).__name__
            raise UsageError(f"the draw is a {kind}; it must be a function of a random.Random")
        self.contract = contract
        self.draw = draw
        self.cells: tuple[Cell, ...] = cells(contract)
        """The value classes that a data set has to cover."""
        self.relations: dict[str, Relation] = {
            path: field.relation for path, field in contract.fields.items()
        }
        """Leaf path to how the value relates to the text."""
        self.extraction = Extraction(contract)

    def targets(self, count: int, *, seed: int) -> Iterator[tuple[JsonValue, Random, int]]:
        """Yields `(target, generator, its seed)`; the generator goes on to render the target.

        Raises:
            UsageError: the draw raised, or gave no JSON value or one that the contract refuses.
            SamplingError: no valid target was found within the sampler's bound.
        """
        if self.draw is None:
            for index, target in enumerate(sample(self.contract, count, seed)):
                own_seed = example_seed(seed, index)
                yield target, Random(own_seed), own_seed
            return
        for index in range(count):
            own_seed = example_seed(seed, index)
            rng = Random(own_seed)
            yield self._drawn(self.draw, rng, own_seed), rng, own_seed

    def render(self, render: Renderer, target: JsonValue, rng: Random, *, seed: int) -> Rendering:
        """Renders a target and checks the rendering.

        Raises:
            RenderError: the renderer raised, gave no text, or dropped an extracted value.
        """
        try:
            rendering = render(target, rng)
        except RenderError as error:
            raise _render_error(render, str(error), target, seed) from error
        except Exception as error:
            reason = f"raised {type(error).__name__}: {error}"
            raise _render_error(render, reason, target, seed) from error
        if not isinstance(rendering, Rendering):  # pyright: ignore[reportUnnecessaryIsInstance]  (anybody's callable)
            kind = type(rendering).__name__
            raise _render_error(render, f"returned {kind}, not a Rendering", target, seed)
        text = rendering.text
        if not isinstance(text, str) or not text.strip():  # pyright: ignore[reportUnnecessaryIsInstance]  (as above)
            raise _render_error(render, "returned no text", target, seed)
        for path, value in self.extraction.values(target):
            if value_text(value) not in text and ground(value, text) != "verbatim":
                reason = f"dropped the value {canonical_json(value)} @ {path}"
                raise _render_error(render, reason, target, seed)
        return rendering

    def judge(
        self, examples: Iterable[Example], *, against: Iterable[Example] | None = None
    ) -> AuditReport:
        """Judges a finished set: see `schemalora.audit.audit`."""
        return audit(examples, self.contract, against)

    def _drawn(self, draw: Draw, rng: Random, seed: int) -> JsonValue:
        name = f"draw {callable_name(draw)}"
        try:
            target = draw(rng)
        except Exception as error:
            reason = f"raised {type(error).__name__}: {error}"
            raise UsageError(f"{name}: {reason} (seed {seed})") from error
        try:
            canonical_json(target)
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{name}: gave no JSON value but a {type(target).__name__} (seed {seed}): {error}; "
                "of a model instance, return model_dump(mode='json')"
            ) from error
        outcome = self.contract.parse(self.contract.encode(target))
        if not outcome.compliant:
            first = outcome.violations[0]
            raise UsageError(
                f"{name}: gave a target that {self.contract.name} refuses (seed {seed}): "
                f"{first.message} @ {first.path} in {_shortened(target)}"
            )
        return target


def example_seed(seed: int, index: int) -> int:
    """The seed of one example: `Random(example_seed(seed, index))` draws and renders it again."""
    return (seed << 32) + index


def callable_name(called: object) -> str:
    """What error messages call a renderer or a draw."""
    for name in ("name", "__qualname__"):
        found = getattr(called, name, None)
        if isinstance(found, str) and found:
            return found
    return type(called).__name__


def _render_error(render: Renderer, reason: str, target: JsonValue, seed: int) -> RenderError:
    return RenderError(
        f"renderer {callable_name(render)}: {reason}; target {_shortened(target)}, seed {seed}"
    )


def _shortened(target: JsonValue) -> str:
    text = canonical_json(target)
    return text if len(text) <= 500 else f"{text[:500]}… ({len(text)} characters)"
