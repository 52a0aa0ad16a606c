"""From a contract to a stream of examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import TypeAlias

from schemalora.contract import Contract
from schemalora.errors import RenderError, UsageError
from schemalora.grounding import skeleton
from schemalora.jsonvalue import canonical_json
from schemalora.perturbations import Perturbation, perturb, pick
from schemalora.records import Example
from schemalora.synthesis.generator import GeneratorContract, callable_name
from schemalora.synthesis.rendering import Renderer, Rendering
from schemalora.synthesis.schema_renderer import SchemaRenderer

Recipe: TypeAlias = Perturbation | Sequence[Perturbation]
"""One perturbation, or several to put on the same text in order."""

_FIRST_ROWS = 100
_FEWEST_ROWS = 10


def synthesize(
    contract: Contract | GeneratorContract,
    *,
    render: Renderer | None = None,
    count: int,
    seed: int = 0,
    perturbations: Sequence[Recipe] = (),
    perturbed: float = 0.5,
    keep_parents: bool = False,
) -> Iterator[Example]:
    """Draws targets over the cells of a contract, puts them into words and makes some hard.

    Streams: a million examples take no more memory than a hundred. The same arguments give the
    same examples on every platform, and each can be made again from its own seed.

    Args:
        contract: the contract, or a `GeneratorContract` with a draw of its own.
        render: puts targets into words; a plain `SchemaRenderer` where None.
        count: how many targets to draw.
        seed: reproduces the whole stream.
        perturbations: recipes; each perturbed example gets one of them, drawn at random.
        perturbed: the share of examples that get one.
        keep_parents: whether the clean parent of a perturbed example is in the stream, too.

    Raises:
        RenderError: the renderer raised, gave no text, dropped a value or never varied; the
            message names the renderer, the target and the seed. Nothing was yielded before a
            renderer that never varies is refused.
        UsageError: a count below zero, a share that is none.
    """
    if count < 0:
        raise UsageError(f"count must not be negative, not {count}")
    if not 0 <= perturbed <= 1:
        raise UsageError(f"perturbed is a share between 0 and 1, not {perturbed}")
    generator = contract if isinstance(contract, GeneratorContract) else GeneratorContract(contract)
    renderer = render if render is not None else SchemaRenderer(generator.contract)
    recipes = tuple(
        tuple(recipe) if isinstance(recipe, Sequence) else (recipe,) for recipe in perturbations
    )
    made = _varied(_rendered(generator, renderer, count, seed), generator, renderer)
    return _hardened(made, generator, recipes, perturbed if recipes else 0.0, keep_parents)


_Made: TypeAlias = tuple[Example, Rendering, Random]


def _rendered(
    generator: GeneratorContract, render: Renderer, count: int, seed: int
) -> Iterator[_Made]:
    for index, (target, rng, own_seed) in enumerate(generator.targets(count, seed=seed)):
        rendering = generator.render(render, target, rng, seed=own_seed)
        example = Example(
            text=rendering.text,
            target=target,
            id=f"{seed}-{index}",
            group=rendering.group,
            seed=own_seed,
        )
        yield example, rendering, rng


def _varied(
    made: Iterator[_Made], generator: GeneratorContract, render: Renderer
) -> Iterator[_Made]:
    """Holds the first rows back until they have shown that the renderer varies."""
    first = list(islice(made, _FIRST_ROWS))
    skeletons = {
        skeleton(example.text, generator.extraction.texts(example.target))
        for example, _, _ in first
    }
    if len(first) >= _FEWEST_ROWS and len(skeletons) == 1:
        example = first[-1][0]
        raise RenderError(
            f"renderer {callable_name(render)}: never varies; {len(first)} texts are the same but "
            f"for their values; target {canonical_json(example.target)}, seed {example.seed}"
        )
    yield from first
    yield from made


def _hardened(
    made: Iterator[_Made],
    generator: GeneratorContract,
    recipes: tuple[tuple[Perturbation, ...], ...],
    perturbed: float,
    keep_parents: bool,
) -> Iterator[Example]:
    for example, rendering, rng in made:
        if not perturbed or rng.random() >= perturbed:
            yield example
            continue
        child = perturb(
            example,
            pick(rng, recipes),
            contract=generator.extraction,
            seed=example.seed or 0,
            marks=rendering.marks,
            example_id=f"{example.id}-perturbed",
        )
        if child is example:
            yield example
            continue
        if keep_parents:
            yield example
        yield child
