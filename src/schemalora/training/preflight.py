"""Checks before the first step: would these records teach what they should?

Every check runs over the real tokenizer and template. A finding names the row, the token and what
to do, so that hours are not spent on training that cannot work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, get_args

from schemalora.contract import Contract
from schemalora.errors import PreflightError
from schemalora.formatting import PromptFormat, PromptStyle, build_prompt
from schemalora.records import Message, TrainingRecord
from schemalora.training.findings import FindingKind, PreflightFinding, Severity
from schemalora.training.tokens import TokenRow


def preflight(
    contract: Contract,
    records: Sequence[TrainingRecord],
    rows: Sequence[TokenRow],
    tokenizer: Any,
    *,
    max_length: int,
    vocabulary: int | None = None,
    prompt_format: PromptFormat | None = None,
    constrained_serving: bool = True,
) -> list[PreflightFinding]:
    """Checks training records and their tokens.

    Args:
        contract: what every target must satisfy.
        records: the training records.
        rows: their token rows, in the same order.
        tokenizer: the tokenizer that made them.
        max_length: tokens that a row may have.
        vocabulary: width of the model's logits; None: the tokenizer's entries.
        prompt_format: how the adapter will be asked.
        constrained_serving: whether a target that constrained decoding would ban is an error.

    Returns:
        Findings in the order of the rows, those on the whole set first; empty where all is well.
    """
    # Batches and decoding need PyTorch, which reading a config does not.
    from schemalora.training.batch_check import check_batches
    from schemalora.training.collator import collator_for
    from schemalora.training.replay import GrammarReplay

    width = vocabulary or len(tokenizer)
    prompt_format = prompt_format or PromptFormat()
    prompts: dict[PromptStyle, Sequence[Message]] = {
        style: build_prompt(contract, "", prompt_format=PromptFormat(style=style))
        for style in get_args(PromptStyle)
    }
    replay = GrammarReplay(
        contract,
        tokenizer,
        # The engine wants a place for every token; those beyond the model's are found below.
        vocabulary=max(width, len(tokenizer)),
        constrained_serving=constrained_serving,
    )
    # Which of the two makes the batches is known when the weights are there.
    collators = [collator_for(tokenizer, packed=packed) for packed in (True, False)]
    masked_wrong = check_batches(rows, tokenizer, collators)
    found = [*_check_bos(rows, tokenizer), *replay.findings]
    for index, (record, row) in enumerate(zip(records, rows, strict=True)):
        completion = record.completion[0]["content"]
        on_row = [
            PreflightFinding(kind, severity, index, message)
            for kind, severity, message in chain(
                _check_target(contract, completion),
                _check_prompt(record.prompt, prompt_format.style, prompts),
                _check_tokens(row, completion, tokenizer),
                _check_size(row, max_length, width),
            )
        ]
        if index in masked_wrong:
            on_row.append(masked_wrong[index])
        # What is wrong with a broken target says more than that the decoder bans it.
        broken = any(one.severity == "error" for one in on_row)
        banned = None if broken else replay.check(index, row)
        found += on_row if banned is None else [*on_row, banned]
    return found


def summary(findings: Iterable[PreflightFinding]) -> list[str]:
    """One line for each kind of finding: its first, and how many there are."""
    by_kind: dict[FindingKind, list[PreflightFinding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    return [f"{same[0]}{_and_more(len(same))}" for same in by_kind.values()]


def _and_more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def require_no_errors(findings: Iterable[PreflightFinding]) -> None:
    """Stops where a finding has severity error.

    Raises:
        PreflightError: naming the first error and how many there are.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise PreflightError(f"preflight: {errors[0]}{_and_more(len(errors))}")


_Check = Iterator[tuple[FindingKind, Severity, str]]


def _check_target(contract: Contract, completion: str) -> _Check:
    outcome = contract.parse(completion)
    if not outcome.compliant:
        first = outcome.violations[0]
        yield (
            "invalid_target",
            "error",
            f"{first.kind} @ {first.path}: {first.message}; run `schemalora audit` on the examples",
        )
    elif contract.encode(outcome.json) != completion:
        yield (
            "not_canonical",
            "warning",
            "the target is not the contract's canonical text (white space, key order or numbers), "
            "so constrained decoding may steer away from it; format it with `schemalora format`",
        )


def _check_prompt(
    prompt: Sequence[Message],
    style: PromptStyle,
    prompts: Mapping[PromptStyle, Sequence[Message]],
) -> _Check:
    found = [other for other, asked in prompts.items() if _asks_alike(prompt, asked)]
    if style in found:
        return
    if found:
        yield (
            "other_prompt",
            "error",
            f"the prompt is of style {found[0]!r}, and the adapter would be asked in "
            f"{style!r}: set prompt_style = {found[0]!r}, or format the records in {style!r}",
        )
        return
    yield (
        "other_prompt",
        "warning",
        "the prompt is not the one that the adapter will be asked with; format the records "
        "with the config's prompt_style, or change prompt_style",
    )


def _asks_alike(prompt: Sequence[Message], asked: Sequence[Message]) -> bool:
    """Whether two prompts differ in nothing but the text that is asked about."""
    return list(prompt[:-1]) == list(asked[:-1]) and prompt[-1]["role"] == asked[-1]["role"]


def _check_tokens(row: TokenRow, completion: str, tokenizer: Any) -> _Check:
    eos = tokenizer.eos_token_id
    if not row.completion or row.completion[-1] != eos:
        yield "end_token_lost", "error", "the completion does not end in the end token"
    if eos in row.completion[:-1]:
        yield "end_token_inside", "error", "the end token stands inside the target"
    decoded = tokenizer.decode(list(row.completion[:-1]), skip_special_tokens=False)
    if decoded != completion:
        yield (
            "not_reversible",
            "error",
            f"the tokens decode to {decoded[:80]!r}, not to the target {completion[:80]!r}; "
            "the tokenizer normalises text: use a base model whose tokenizer does not",
        )
    bos = tokenizer.bos_token_id
    if bos is not None and row.prompt[:2] == (bos, bos):
        yield "double_bos", "error", "the prompt begins with two BOS tokens; mend the template"


def _check_bos(rows: Sequence[TokenRow], tokenizer: Any) -> Iterator[PreflightFinding]:
    """Looks for a BOS where the tokenizer puts one before plain text, as base models read it."""
    bos = tokenizer.bos_token_id
    if bos is None or tokenizer("a").input_ids[:1] != [bos]:
        return
    if rows and not any(row.prompt[:1] == (bos,) for row in rows):
        yield PreflightFinding(
            "no_bos",
            "warning",
            None,
            f"the tokenizer puts {tokenizer.bos_token} before plain text, and no prompt begins "
            "with it, so the base model is asked in a way that it may not have been trained in; "
            "where its template leaves it out by mistake, or it has none, give it one that begins "
            "with {{ bos_token }}",
        )


def _check_size(row: TokenRow, max_length: int, vocabulary: int) -> _Check:
    if len(row) > max_length:
        yield (
            "too_long",
            "error",
            f"{len(row)} tokens, and {max_length} fit (the smaller of max_length and the model's "
            "context): raise max_length, shorten the row or drop it (rows are never cut: the end "
            "of the target would be lost)",
        )
    largest = max(row.input_ids, default=0)
    if largest >= vocabulary:
        yield (
            "unknown_token",
            "error",
            f"token {largest} is beyond the model's {vocabulary} embeddings: the tokenizer "
            "belongs to another model",
        )
