"""Reads the message templates and phrase banks, and makes the renderers of either side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from schemalora.contract import Contract
from schemalora.synthesis import PhraseBank, Template, TemplateRenderer

Side = Literal["train", "eval"]

FOLDER = Path(__file__).parent / "data"

SHORT = "short"
"""The family of the templates that are said bare."""

# How a message refers to its order and its product, and how it does without.
REFERENCES = {
    "order": (
        "[(my |)order {order_id}|my (last |latest |recent |)order]",
        "[order (no. |number |#|){order_id}|the order I placed]",
        "[{order_id}|my order]",
        "[my purchase \\({order_id}\\)|my purchase]",
    ),
    "Order": (
        "[(My o|O)rder {order_id}|My (last |latest |)order]",
        "[{order_id}|My order]",
        "[My order {order_id}|The order I placed]",
    ),
    "thing": (
        "[(my|the|my new|this) {product}|(it|the item|this item|the thing I ordered)]",
        "[the {product}(| that I bought| I got from you)|what I (ordered|bought)]",
        "[my {product}|this thing]",
    ),
    "Thing": (
        "[(My|The|This|My new|Your) {product}|(It|The item|This item|The thing I ordered)]",
        "[The {product} I (bought|got)|What I (ordered|bought)]",
        "[My {product}|This thing]",
    ),
    "thing2": ("[the {product}|the same item]",),
    "product_or_plan": ("[{product}|a plan]", "[the {product}|something]"),
    "product_or_thing": ("[{product}|device]", "[{product}|gadget]"),
    "generic": ("size", "model", "version"),
    "reference": (
        "[((The |My |)order (number|no.) is|Order:|Order number:|It's order|Ref) {order_id}.|]",
        "[\\({order_id}\\)|]",
        "[(It was|That is|I mean) order {order_id}.|]",
        "[{order_id}|]",
    ),
    "about": (
        "[(It's|This is|I'm talking) about (my|the) {product}.|]",
        "[(Product: |The product is the |I mean the |It's the ){product}.|]",
        "[\\({product}\\)|]",
    ),
}

FRAMES = (
    "{open} {body} {cue} {close}",
    "{open} {body} {cue}",
    "{body} {cue}",
    "{body} {cue}",
    "{cue} {body}",
    "{body} {cue} {close}",
    "{open} {cue} {body}",
    "{open} {filler} {body} {cue}",
    "{filler} {body} {cue}",
    "{body} {filler} {cue}",
    "{open}\n{body} {cue}\n{close}",
    "{open}\n\n{filler} {body}\n\n{cue}\n\n{close}",
    "{open} {filler} {filler} {body} {cue} {close}",
    "{open} {cue} {filler} {body} {filler}",
    "{open}\n\n{filler} {filler} {filler} {body} {filler} {cue}\n\n{close}",
    "{open} {filler} {filler} {body} {filler} {filler} {filler} {cue} {filler} {close}",
)

LONG_FRAMES = (
    "{open}\n\n" + "{filler} " * 7 + "{body} " + "{filler} " * 5 + "{cue}\n\n{close}",
    "{open} {cue} " + "{filler} " * 5 + "{body} " + "{filler} " * 9 + "\n{close}",
    "{open}\n"
    + "{filler} " * 9
    + "\n"
    + "{filler} " * 8
    + "{body} {cue} {filler} {filler}\n{close}",
)


def make_renderer(contract: Contract, side: Side, *, framed: bool = True) -> TemplateRenderer:
    """The renderer of one side; the two share no template and no phrase that carries a label.

    Args:
        contract: names the fields.
        side: whose templates and phrases.
        framed: whether greetings, small talk and a tone of urgency go around the templates.
    """
    phrases = _read_sections(FOLDER / f"phrases_{side}.txt")
    carriers = phrases["carrier"]
    return TemplateRenderer(
        contract,
        _templates(side),
        banks={
            **REFERENCES,
            "cue": PhraseBank(
                "priority",
                {name: _cues(phrases[name], name) for name in ("low", "medium", "high")},
            ),
            "open": phrases["open"],
            "close": phrases["close"],
            "filler": phrases["filler"],
            "carrier": carriers,
            "Carrier": [name[0].upper() + name[1:] for name in carriers],
        },
        frames=FRAMES * 4 + LONG_FRAMES if framed else (),
        name=f"customer_support.{side}",
    )


def _cues(phrases: list[str], priority: str) -> list[str]:
    # Words that carry the label are marked; most calm messages say nothing about time at all.
    return (
        [*phrases, *[""] * len(phrases)]
        if priority == "medium"
        else [f"<{phrase}>" for phrase in phrases]
    )


def _templates(side: Side) -> Iterator[Template]:
    for section, lines in _read_sections(FOLDER / f"{side}.txt").items():
        for number, line in enumerate(lines, start=1):
            yield _template(section, line, group=f"{side}/{section}/{number:02}")


def _template(section: str, line: str, *, group: str) -> Template:
    bare = line.startswith("!")
    text = line.removeprefix("!")
    vague = section == "vague"
    if not bare:
        if "{order_id}" not in text and "{order}" not in text and "{Order}" not in text:
            text += " {reference}"
        if "product" not in text and "{thing" not in text and "{Thing" not in text:
            text += " {about}"
    elif not vague:
        text += " {cue}" if text[-1] in "?!." else "(.|!|) {cue}"
    return Template(
        text,
        when={"intent": "other" if vague else section}
        | ({"needs_clarification": vague} if vague or section == "other" else {})
        | ({"priority": "medium"} if vague else {}),
        group=group,
        family=SHORT if bare else "",
        framed=not bare,
    )


def _read_sections(path: Path) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and " " not in line:
            name = line[1:-1]
        elif line and not line.startswith("#"):
            sections.setdefault(name, []).append(line)
    return sections
