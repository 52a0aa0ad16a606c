"""Splits a set so that nothing of one side was made from what stands on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from random import Random

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.grounding import Extraction, scalars, skeleton
from schemalora.records import Example


def split(
    examples: Iterable[Example],
    *,
    eval_fraction: float = 0.1,
    seed: int = 0,
    contract: Contract | None = None,
    eval_groups: Sequence[str] = (),
    eval_perturbations: Sequence[str] = (),
) -> tuple[list[Example], list[Example]]:
    """Splits examples into a training set and an eval set.

    No group and no skeleton (the text with its values and digits masked) stands on both sides, and
    a perturbed example stays with its parent. An example of two templates, whose group is `a+b`,
    ties both to one side.

    Args:
        examples: the whole set.
        eval_fraction: the share of rows for the eval set; met as closely as whole groups allow.
        seed: reproduces the split, whatever the order of the groups.
        contract: says which values to mask; every string and number of the target where None.
        eval_groups: patterns, as `template/b*`, of groups that go to the eval set.
        eval_perturbations: patterns, as `injection:json_*`, of perturbations that training must
            not see: examples that carry one are left out of the training set.

    Returns:
        Training and eval examples, each in the order given.

    Raises:
        UsageError: a fraction outside of (0, 1), no examples, or a set that cannot be split since
            all of it is tied together.
    """
    rows = list(examples)
    if not 0 < eval_fraction < 1:
        raise UsageError(f"eval_fraction must lie between 0 and 1, not {eval_fraction}")
    if not rows:
        raise UsageError("there are no examples to split")
    clusters = _clusters(rows, contract)
    chosen = _choose(rows, clusters, eval_fraction, seed, eval_groups)
    train = [
        row
        for row, cluster in zip(rows, clusters, strict=True)
        if cluster not in chosen and not _any_match(row.perturbations, eval_perturbations)
    ]
    held_out = [row for row, cluster in zip(rows, clusters, strict=True) if cluster in chosen]
    if not train:
        raise UsageError("nothing is left to train on: every example is tied to what is held out")
    return train, held_out


def _clusters(rows: Sequence[Example], contract: Contract | None) -> list[int]:
    """The cluster of each row: rows that share a group, a skeleton or a parent share it."""
    extraction = Extraction(contract) if contract is not None else None
    parents = list(range(len(rows)))
    owner: dict[tuple[str, str], int] = {}

    def find(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    for at, row in enumerate(rows):
        for tie in _ties(row, extraction):
            other = find(owner.setdefault(tie, at))
            mine = find(at)
            parents[max(mine, other)] = min(mine, other)
    return [find(at) for at in range(len(rows))]


def _ties(row: Example, extraction: Extraction | None) -> list[tuple[str, str]]:
    if extraction is not None:
        values = extraction.texts(row.target)
    else:
        values = [
            str(value)
            for value in scalars(row.target)
            if isinstance(value, (str, int, float)) and not isinstance(value, bool)
        ]
    ties = [("skeleton", skeleton(row.text, values)), ("row", row.id)]
    ties += [("group", part) for part in row.group.split("+") if part]
    if row.parent is not None:
        ties.append(("row", row.parent))
    return ties


def _choose(
    rows: Sequence[Example],
    clusters: Sequence[int],
    eval_fraction: float,
    seed: int,
    eval_groups: Sequence[str],
) -> set[int]:
    sizes: dict[int, int] = {}
    chosen: set[int] = set()
    for row, cluster in zip(rows, clusters, strict=True):
        sizes[cluster] = sizes.get(cluster, 0) + 1
        if _any_match(row.group.split("+"), eval_groups):
            chosen.add(cluster)
    if len(sizes) < 2:
        raise UsageError(
            f"cannot split: all {len(rows)} examples are tied together by their groups and "
            "skeletons; render with more templates, or join messages after the split"
        )
    wanted = round(eval_fraction * len(rows))
    missing = wanted - sum(sizes[cluster] for cluster in chosen)
    rng = Random(seed)
    order = sorted((rng.random(), cluster) for cluster in sorted(sizes) if cluster not in chosen)
    for _, cluster in order:
        if sizes[cluster] <= missing:
            chosen.add(cluster)
            missing -= sizes[cluster]
    if not chosen:
        chosen.add(min((sizes[cluster], key, cluster) for key, cluster in order)[2])
    return chosen


def _any_match(names: Iterable[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
