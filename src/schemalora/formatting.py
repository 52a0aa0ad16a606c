"""Prompts and completions, the same for training, evaluation and serving.

    Example ─► TrainingRecord (messages) ─► token ids

Messages become token ids here too, so that training and inference can never tokenise differently,
and so that a text which spells out the chat template's control tokens stays plain text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import Example, Message, TrainingRecord

PromptStyle = Literal["short", "instructions", "schema"]

PROMPT_FORMAT_VERSION = 1

# ChatML, for base models whose tokenizer has no chat template of its own. The markers are ordinary
# text there, so the end-of-sequence token closes the completion.
DEFAULT_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How a contract and a text become a prompt; pinned in the adapter directory."""

    style: PromptStyle = "short"
    """`short`: only the contract's name, for adapters, which know the schema by training;
    `instructions`: the contract's compact description; `schema`: the raw JSON Schema."""
    version: int = PROMPT_FORMAT_VERSION
    """Raised whenever the wording of any style changes."""

    def __post_init__(self) -> None:
        if self.style not in get_args(PromptStyle):
            known = ", ".join(get_args(PromptStyle))
            raise UsageError(f"unknown prompt style {self.style!r} (known: {known})")
        if self.version != PROMPT_FORMAT_VERSION:
            raise UsageError(
                f"prompt format version {self.version} is not the one of this release "
                f"({PROMPT_FORMAT_VERSION}); use the release that trained the adapter"
            )

    def to_dict(self) -> dict[str, JsonValue]:
        """The form kept in `schemalora.json`."""
        return cast("dict[str, JsonValue]", asdict(self))


def build_prompt(
    contract: Contract, text: str, *, prompt_format: PromptFormat | None = None
) -> tuple[Message, ...]:
    """The messages that ask for the JSON value of one text.

    The system message is the same for all texts, so its cache can be shared; the user message is
    the text as it is and nothing else.
    """
    return (
        Message(role="system", content=system_text(contract, prompt_format or PromptFormat())),
        Message(role="user", content=text),
    )


def system_text(contract: Contract, prompt_format: PromptFormat) -> str:
    """The system message: what a prompt says besides the text.

    Two contracts of one fingerprint can differ in it, by their names and instructions.
    """
    style = prompt_format.style
    if style == "short":
        return f"Answer in {contract.name} JSON."
    if style == "instructions":
        return contract.instructions
    schema = canonical_json(cast("JsonValue", contract.json_schema))
    return (
        "Extract the user's message into one JSON object that is valid by this JSON Schema. Answer "
        f"with the JSON object alone, without prose or code fences.\n{schema}"
    )


def format_example(
    contract: Contract, example: Example, *, prompt_format: PromptFormat | None = None
) -> TrainingRecord:
    """One training record: the prompt, and the target in the contract's canonical text.

    Raises:
        UsageError: the target does not comply; the message names the example and the violation.
    """
    completion = contract.encode(example.target)
    outcome = contract.parse(completion)
    if not outcome.compliant:
        first = outcome.violations[0]
        raise UsageError(
            f"example {example.id!r}: the target breaks the contract "
            f"({first.kind}: {first.message}) @ {first.path}; run `schemalora audit`"
        )
    return TrainingRecord(
        prompt=build_prompt(contract, example.text, prompt_format=prompt_format),
        completion=(Message(role="assistant", content=completion),),
        group=example.group,
    )


def format_examples(
    contract: Contract, examples: Iterable[Example], *, prompt_format: PromptFormat | None = None
) -> Iterator[TrainingRecord]:
    """Streams the training records of examples; see `format_example`."""
    for example in examples:
        yield format_example(contract, example, prompt_format=prompt_format)


def template_hash(tokenizer: Any) -> str:
    """SHA-256 of the chat template in use."""
    return hashlib.sha256(_template(tokenizer).encode()).hexdigest()


def encode_prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Token ids of a prompt, up to where the answer starts.

    Control tokens that a message spells out are encoded as the plain text they are: nobody can
    close the user turn from inside a message. Any other prompt gets the ids that every server
    gives it.

    Args:
        tokenizer: a transformers tokenizer.
        messages: system and user turns; where the template knows no system role, or leaves it out,
            the system text goes in front of the user's.

    Returns:
        Ids of shape (prompt tokens,); a BOS only where the template writes one, so never two.

    Raises:
        UsageError: the chat template leaves out what a message says.
    """
    control_ids = _control_ids(tokenizer)
    control = _any_of(control_ids)
    if not any(control.search(message["content"]) for message in messages):
        return tokenizer.encode(_render(tokenizer, messages), add_special_tokens=False)
    ids: list[int] = []
    plain, before = "", ""
    for text, from_template in _pieces(tokenizer, messages):
        start = 0
        for match in control.finditer(text) if from_template else ():
            ids += _encode_plain(tokenizer, plain + text[start : match.start()], control, before)
            before = match.group()
            ids.append(control_ids[before])
            plain, start = "", match.end()
        plain += text[start:]
    return ids + _encode_plain(tokenizer, plain, control, before)


def encode_completion(tokenizer: Any, completion: str) -> list[int]:
    """Token ids of a completion and its end token; control tokens in strings stay plain text.

    A completion follows the prompt at once, as constrained decoding writes it: tokenizers of
    SentencePiece's kind, which put a space before a text of its own, put none here.
    """
    control = _any_of(_control_ids(tokenizer))
    return [*_encode_plain(tokenizer, completion, control, _ANCHOR), tokenizer.eos_token_id]


_ANCHOR = "\ue000"
"""A private letter, which no tokenizer joins to what follows it."""


def _control_ids(tokenizer: Any) -> dict[str, int]:
    """Added tokens that mean something; some tokenizers add runs of white space, which do not."""
    added: dict[str, int] = tokenizer.get_added_vocab()
    return {token: index for token, index in added.items() if token.strip()}


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, texts)) or r"(?!)")


def _encode_plain(
    tokenizer: Any, text: str, control: re.Pattern[str], before: str = ""
) -> list[int]:
    """Encodes a text as if there were no control tokens: each is cut after its first letter.

    Args:
        tokenizer: a transformers tokenizer.
        text: what is encoded.
        control: finds control tokens.
        before: what the text follows: a control token, `_ANCHOR` for any other text, or nothing.
    """
    ids: list[int] = []
    start = 0
    for match in control.finditer(text):
        cut = match.start() + 1
        ids += _encode_after(tokenizer, before, text[start:cut])
        start, before = cut, _ANCHOR
    return ids + _encode_after(tokenizer, before, text[start:])


def _encode_after(tokenizer: Any, before: str, text: str) -> list[int]:
    """The ids of a text where it follows another.

    They differ from those of the text alone where the tokenizer puts a space before a text, or
    takes white space away beside its control tokens.
    """
    if text and before and (before != _ANCHOR or _puts_a_space(tokenizer)):
        first: list[int] = tokenizer.encode(before, add_special_tokens=False)
        both: list[int] = tokenizer.encode(before + text, add_special_tokens=False)
        if both[: len(first)] == first:
            return both[len(first) :]
    return tokenizer.encode(text, add_special_tokens=False)


def _puts_a_space(tokenizer: Any) -> bool:
    """Whether a text of its own gets a space (of SentencePiece or of byte-level BPE) before it."""
    ids = tokenizer.encode("{", add_special_tokens=False)
    return tokenizer.convert_ids_to_tokens(ids[0]).startswith(("\u2581", "\u0120"))


def _pieces(tokenizer: Any, messages: Sequence[Message]) -> Iterator[tuple[str, bool]]:
    """Cuts the rendered prompt into what the template wrote (True) and what a message says.

    The template is rendered around stand-ins that keep a message's outer white space, so a
    template that strips its messages does so here as well.
    """
    stand_ins = [f"\ue000{index}\ue001" for index in range(len(messages))]
    hidden: list[Message] = []
    for message, stand_in in zip(messages, stand_ins, strict=True):
        body = message["content"].strip()
        content = message["content"].replace(body, stand_in, 1) if body else ""
        hidden.append(Message(role=message["role"], content=content))
    rest = _render(tokenizer, hidden)
    for message, stand_in in zip(messages, stand_ins, strict=True):
        before, found, after = rest.partition(stand_in)
        if found:
            yield before, True
            yield message["content"].strip(), False
            rest = after
    yield rest, True


def _render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt's text.

    Raises:
        UsageError: the chat template leaves out what a message says.
    """
    turns = list(messages)
    with_a_system = len(turns) > 1 and turns[0]["role"] == "system"
    try:
        rendered = _apply_template(tokenizer, turns)
    except Exception:
        # Templates refuse a role they do not know in many ways (TemplateError, KeyError); what
        # counts is whether the prompt renders without it.
        if not with_a_system:
            raise
        rendered = ""
    if with_a_system and turns[0]["content"].strip() not in rendered:
        system, user, *later = turns
        turns = [Message(role="user", content=f"{system['content']}\n\n{user['content']}"), *later]
        rendered = _apply_template(tokenizer, turns)
    for turn in turns:
        if turn["content"].strip() not in rendered:
            raise UsageError(
                f"the chat template leaves out what the {turn['role']} says, so no answer can be "
                "learned or given; set another (`tokenizer.chat_template`)"
            )
    return rendered


def _template(tokenizer: Any) -> str:
    """The chat template in use; of several, the default one.

    Raises:
        UsageError: several templates, and none is the default.
    """
    found: str | dict[str, str] | None = tokenizer.chat_template
    if not isinstance(found, dict):
        return found or DEFAULT_CHAT_TEMPLATE
    if "default" not in found:
        raise UsageError(
            f"the tokenizer has several chat templates ({', '.join(found)}) and none is named "
            "default: set `tokenizer.chat_template` to one of them"
        )
    return found["default"]


def _apply_template(tokenizer: Any, turns: Sequence[Message]) -> str:
    return tokenizer.apply_chat_template(
        turns,
        chat_template=_template(tokenizer),
        tokenize=False,
        add_generation_prompt=True,
    )
