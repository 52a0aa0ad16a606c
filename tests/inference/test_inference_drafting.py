"""Guesses: from what was seen, and from what the message says."""

from schemalora.contract import Contract
from schemalora.inference import Drafter


def text_of(tokenizer, guess):
    return None if guess is None else tokenizer.decode([guess.token])


def guessed(row, tokenizer, start, *, most=30):
    """What a row drafts after a start, taking every guess."""
    tokens = tokenizer.encode(start, add_special_tokens=False)
    added = []
    while len(added) < most:
        guess = row.guess([*tokens, *added])
        if guess is None or guess.token == 2:
            break
        added.append(guess.token)
    return tokenizer.decode(added)


def test_nothing_is_guessed_from_nothing(tokenizer):
    assert Drafter(tokenizer).row([]).guess([]) is None


def test_what_was_seen_is_guessed_again(tokenizer):
    drafter = Drafter(tokenizer)
    seen = '{"intent":"refund","urgent":true}'
    drafter.learn([*tokenizer.encode(seen, add_special_tokens=False), 2])
    assert guessed(drafter.row([]), tokenizer, "") == seen
    assert guessed(drafter.row([]), tokenizer, '{"intent":"') == seen[11:]


def test_a_key_is_guessed_by_the_value_before_it(tokenizer):
    drafter = Drafter(tokenizer)
    for question, answer in (("true", '"Which order?"'), ("false", "null")):
        for _ in range(3):
            text = f'{{"needs_clarification":{question},"clarifying_question":{answer}}}'
            drafter.learn([*tokenizer.encode(text, add_special_tokens=False), 2])
    row = drafter.row([])
    assert guessed(row, tokenizer, '{"needs_clarification":true') == (
        ',"clarifying_question":"Which order?"}'
    )
    assert guessed(row, tokenizer, '{"needs_clarification":false') == (
        ',"clarifying_question":null}'
    )


def test_numbers_are_quoted_from_the_message_and_end_where_others_ended(tokenizer):
    drafter = Drafter(tokenizer)
    for number in ("12345", "67890", "55555"):
        text = f'{{"order_id":"ORD-{number}","product":null}}'
        drafter.learn([*tokenizer.encode(text, add_special_tokens=False), 2])
    message = tokenizer.encode("Where is ORD-40817? It is late.", add_special_tokens=False)
    row = drafter.row(message)
    assert guessed(row, tokenizer, '{"order_id":"ORD').startswith('-40817","product":')


def test_a_word_is_quoted_that_stands_without_its_space_in_the_value(tokenizer):
    prompt = tokenizer.encode("My Zyrkonium toaster grill is broken", add_special_tokens=False)
    row = Drafter(tokenizer).row(prompt)
    first = tokenizer.encode("Zyrkonium", add_special_tokens=False)
    assert len(first) > 2
    start = tokenizer.decode(first[:1])
    found = guessed(row, tokenizer, start, most=len(first) + 4)
    assert (start + found).startswith("Zyrkonium toaster grill")


def test_quotations_are_trusted_as_far_as_they_were_right(tokenizer):
    drafter = Drafter(tokenizer)
    row = drafter.row(tokenizer.encode("a b c d e f g h", add_special_tokens=False))
    tokens = tokenizer.encode("a b c", add_special_tokens=False)
    before = row.guess(tokens)
    for _ in range(20):
        row.record(before, right=False)
    assert row.guess(tokens).chance < before.chance / 3


def test_a_contract_gives_a_head_start(tokenizer):
    schema = {
        "type": "object",
        "properties": {"alpha_key": {"type": "boolean"}, "beta_key": {"type": "boolean"}},
        "required": ["alpha_key", "beta_key"],
        "additionalProperties": False,
    }
    drafter = Drafter.for_contract(Contract.from_json_schema(schema), tokenizer)
    assert guessed(drafter.row([]), tokenizer, '{"alpha').startswith('_key":')
