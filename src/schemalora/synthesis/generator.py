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
    """

    def __init__(self, contract: Contract, *, draw: Draw | None = None) -> None:
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
            UsageError: the draw gave a value that the contract refuses.
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
            target = self.draw(rng)
            self._refuse_invalid(target, own_seed)
            yield target, rng, own_seed

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

    def _refuse_invalid(self, target: JsonValue, seed: int) -> None:
        try:
            outcome = self.contract.parse(self.contract.encode(target))
        except (TypeError, ValueError) as error:
            raise UsageError(f"the draw gave no JSON value (seed {seed}): {error}") from error
        if not outcome.compliant:
            first = outcome.violations[0]
            raise UsageError(
                f"the draw gave a target that {self.contract.name} refuses (seed {seed}): "
                f"{first.message} @ {first.path} in {_shortened(target)}"
            )


def example_seed(seed: int, index: int) -> int:
    """The seed of one example: `Random(example_seed(seed, index))` draws and renders it again."""
    return (seed << 32) + index


def renderer_name(render: Renderer) -> str:
    """What error messages call a renderer."""
    for name in ("name", "__qualname__"):
        found = getattr(render, name, None)
        if isinstance(found, str) and found:
            return found
    return type(render).__name__


def _render_error(render: Renderer, reason: str, target: JsonValue, seed: int) -> RenderError:
    return RenderError(
        f"renderer {renderer_name(render)}: {reason}; target {_shortened(target)}, seed {seed}"
    )


def _shortened(target: JsonValue) -> str:
    text = canonical_json(target)
    return text if len(text) <= 500 else f"{text[:500]}… ({len(text)} characters)"
