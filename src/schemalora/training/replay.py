"""Grammar replay: every target is pushed through the constrained decoder's mask.

What training teaches and what serving allows must be the same tokens. White space, key order and
number spellings that differ between the two show up here, at the first token that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from schemalora.contract import Contract
from schemalora.errors import MissingExtraError, SchemaError
from schemalora.inference.constraint import Constraint, ConstraintState
from schemalora.training.findings import FindingKind, PreflightFinding, Severity
from schemalora.training.tokens import TokenRow

_SHOWN_TEXT = 40


class GrammarReplay:
    """The constrained decoder, asked about targets instead of a model's tokens.

    Args:
        contract: what decoding is constrained to.
        tokenizer: the tokenizer that made the rows.
        vocabulary: width of the model's logits.
        constrained_serving: whether a banned token is an error. Where the decoder cannot enforce
            the whole contract it is a warning in any case.
    """

    def __init__(
        self, contract: Contract, tokenizer: Any, *, vocabulary: int, constrained_serving: bool
    ) -> None:
        self._tokenizer = tokenizer
        self._constraint: Constraint | None = None
        self.findings: list[PreflightFinding] = []
        """What concerns the whole set."""
        try:
            constraint = Constraint(contract, tokenizer, vocabulary=vocabulary, best_effort=True)
        except (MissingExtraError, SchemaError, ValueError) as error:
            # A ValueError is of the engine: it reads fast tokenizers only.
            self._note("not_replayed", f"targets were not checked against decoding: {error}")
            return
        self._constraint = constraint
        if constraint.gaps:
            gaps = ", ".join(map(str, constraint.gaps))
            self._note(
                "not_enforceable",
                f"constrained decoding cannot enforce {gaps}: it will be refused for this "
                "contract, but for best_effort",
            )
        self._severity: Severity = (
            "error" if constrained_serving and not constraint.gaps else "warning"
        )

    def check(self, index: int, row: TokenRow) -> PreflightFinding | None:
        """The first token of a target that the decoder would not let the model write, if any."""
        if self._constraint is None:
            return None
        found = _first_difference(self._constraint.start(), row.completion)
        if found is None:
            return None
        kind, place = found
        severity = self._severity if kind == "banned_token" else "warning"
        message = _about(kind, place, row.completion, self._tokenizer)
        return PreflightFinding(kind, severity, index, message)

    def _note(self, kind: FindingKind, message: str) -> None:
        self.findings.append(PreflightFinding(kind, "warning", None, message))


_Difference = tuple[Literal["banned_token", "forced_otherwise"], int]


def _first_difference(state: ConstraintState, completion: Sequence[int]) -> _Difference | None:
    """Where the decoder would leave the target, if anywhere."""
    place, otherwise = 0, None
    last = len(completion) - 1
    # Where nothing may follow, decoding ends by itself, without the end token.
    while place <= last and not (state.ended and place == last):
        forced = state.forced() if otherwise is None else []
        if forced and list(completion[place : place + len(forced)]) != forced:
            # The text may still be the same, cut into other tokens.
            otherwise, forced = place, []
        for token in forced or completion[place : place + 1]:
            if not state.accept(token):
                return "banned_token", place
            place += 1
    return None if otherwise is None else ("forced_otherwise", otherwise)


def _about(
    kind: Literal["banned_token", "forced_otherwise"],
    place: int,
    completion: Sequence[int],
    tokenizer: Any,
) -> str:
    def text(tokens: Sequence[int]) -> str:
        return str(tokenizer.decode(list(tokens), skip_special_tokens=False))

    token = f"token {place} of the target, {text(completion[place : place + 1])!r}"
    before = f"after {text(completion[:place])[-_SHOWN_TEXT:]!r}"
    if kind == "forced_otherwise":
        return (
            f"{token}, {before}: constrained decoding writes this text in other tokens than the "
            "tokenizer, so the model answers on a path that it was not taught"
        )
    return (
        f"{token}, {before}, would be banned by constrained decoding; write targets as "
        "`schemalora format` does, or set constrained_serving = false if the adapter will only be "
        "decoded freely"
    )
