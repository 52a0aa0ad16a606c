"""What a perturbation is, and how it is put on an example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Protocol

from schemalora.contract import Contract
from schemalora.grounding import Extraction
from schemalora.perturbations.passage import Passage
from schemalora.records import Example


class Perturbation(Protocol):
    """An edit of the text that keeps the target; deterministic in its `rng`."""

    @property
    def name(self) -> str:
        """What is recorded on the example, such as `typos` or `injection:override`."""
        ...

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Edits the runs of a passage that are not protected, or adds runs."""
        ...


def perturb(
    example: Example,
    perturbations: Sequence[Perturbation],
    *,
    contract: Contract | Extraction,
    seed: int,
    marks: Iterable[tuple[int, int]] = (),
    example_id: str = "",
) -> Example:
    """Applies perturbations in order and links the result to the example it was made from.

    Args:
        example: the clean example.
        perturbations: what to do to its text.
        contract: names the extracted fields; wherever one of the target's extracted values stands
            in the text, nothing is edited. For many examples, make its `Extraction` once.
        seed: reproduces the result.
        marks: further spans of the text to leave alone.
        example_id: the result's id; derived from text and target where none is given.

    Returns:
        The perturbed example: same target and group, `parent` is the clean example's id, and the
        names of the perturbations that changed the text are added to `perturbations`. An example
        whose text did not change is returned as it was.
    """
    rng = Random(seed)
    extraction = contract if isinstance(contract, Extraction) else Extraction(contract)
    values = [value for _, value in extraction.values(example.target)]
    passage = Passage.of(example.text, values=values, marks=marks)
    applied: list[str] = []
    for perturbation in perturbations:
        edited = perturbation(passage, rng)
        if edited.text != passage.text:
            applied.append(perturbation.name)
            passage = edited
    if not applied:
        return example
    return Example(
        text=passage.text,
        target=example.target,
        id=example_id,
        group=example.group,
        perturbations=(*example.perturbations, *applied),
        parent=example.parent or example.id,
        seed=seed,
        columns=example.columns,
    )
