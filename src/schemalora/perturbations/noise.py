"""Perturbations that add what real messages carry along: signatures, quotes, logs, look-alikes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from schemalora.perturbations.passage import Passage, pick

_PREFIX = re.compile(r"\b[A-Z]{2,}(?=-?\d)")
_PEOPLE = ("J. Alvarez", "Mei Tanaka", "Rob Ellis", "Sofia Lind", "T. Adeyemi", "Karin Vogt")
_ROLES = ("Office Manager", "Purchasing", "Head of Design", "Student", "Facility Services")
_FIRMS = ("Larkspur & Co", "Hillside School", "Bracken Ltd", "North Pier Studio", "Oakfield Clinic")
_MAIL_DAYS = ("Mon, 3 March", "Tue, 8 April", "Wed, 14 May", "Thu, 19 June", "Fri, 25 July")
_MAIL_LINES = (
    "Thank you for your message. One of us will be with you soon.",
    "We have received your mail and opened a case.",
    "Dear customer, how did you like our service? Take part in our survey.",
    "This is an automatic reply. Our office is closed at the moment.",
    "Thanks for getting in touch with us!",
)
_LOG_LINES = (
    "[INFO] service started in {n} ms",
    "[WARN] retry {d} of 5, backing off {n} ms",
    "[ERROR] connection reset by peer (code {n})",
    "[DEBUG] cache miss for key u:{n}",
    "GET /api/v{d}/session 200 {n}ms",
    "at main.loop (app.js:{n}:{d})",
    "Traceback (most recent call last): line {n}",
)
_DISTRACTORS = (
    "(my customer number is {n6})",
    "The tracking number is TRK-{n6}.",
    "Invoice INV-{n5}.",
    "My case number was CS-{n5}.",
    "You can call me at 0{n3} 555 {n4}.",
    "The serial number is SN-{n6}.",
    "The note from the courier says {n4}-{n4}.",
    "My postcode is {n5}.",
    "ref: {n3}/{n4}",
    "I got the mail from you on 12.0{d}. at {d}:4{d}.",
    "Return label RMA-{n5}.",
    "The voucher was SAVE{n3}.",
)
_FOREIGN = (
    "Por favor.", "Merci d'avance.", "Vielen Dank!", "Grazie mille.", "Obrigado!", "Gracias!",
    "Mit freundlichen Grüßen", "S'il vous plaît.", "Saludos", "Bonjour,", "Hola,", "Hallo,",
    "Dziękuję!", "Teşekkürler.", "谢谢！", "Спасибо!", "شكرا", "Tack!", "Kiitos.",
)  # fmt: skip


def _digits(template: str, rng: Random) -> str:
    """Fills `{d}` with a digit, `{n}` with a number, `{n5}` with one of five digits."""
    out: list[str] = []
    at = 0
    while (start := template.find("{", at)) >= 0:
        end = template.index("}", start)
        name = template[start + 1 : end]
        width = 1 if name == "d" else int(name[1:] or 3)
        low = 10 ** (width - 1)
        out.append(template[at:start])
        out.append(str(low + int(rng.random() * 9 * low)))
        at = end + 1
    out.append(template[at:])
    return "".join(out)


@dataclass(frozen=True, slots=True)
class Signature:
    """Adds the signature block of a mail."""

    name: str = "signature"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Puts it at the end."""
        lines = [pick(rng, ("--", "-- ", "__", "Best,")), pick(rng, _PEOPLE)]
        if rng.random() < 0.7:
            lines.append(f"{pick(rng, _ROLES)}, {pick(rng, _FIRMS)}")
        if rng.random() < 0.6:
            lines.append(_digits("Tel. +{d}{d} {n3} {n6}", rng))
        return passage.after("\n\n" + "\n".join(lines))


@dataclass(frozen=True, slots=True)
class QuotedMail:
    """Adds an earlier automatic mail, quoted."""

    lines: Sequence[str] = _MAIL_LINES
    name: str = "quoted_mail"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Puts it at the end, as mail programs do."""
        hour = 8 + int(rng.random() * 10)
        head = f"On {pick(rng, _MAIL_DAYS)} at {hour}:{10 + int(rng.random() * 49)}, Support wrote:"
        return passage.after(f"\n\n{head}\n> {pick(rng, self.lines)}")


@dataclass(frozen=True, slots=True)
class LogBlock:
    """Adds lines of a log file."""

    lines: Sequence[str] = _LOG_LINES
    name: str = "log_block"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Puts two to four lines at an end."""
        chosen = [_digits(pick(rng, self.lines), rng) for _ in range(2 + int(rng.random() * 3))]
        block = "\n".join(chosen)
        return (
            passage.after(f"\n\n{block}") if rng.random() < 0.7 else passage.before(f"{block}\n\n")
        )


@dataclass(frozen=True, slots=True)
class Distractors:
    """Adds strings that look like ids but are none of the ids that the contract asks for."""

    phrases: Sequence[str] = _DISTRACTORS
    """`{n5}` stands for a number of five digits, `{d}` for one digit."""
    name: str = "distractors"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Adds one or two."""
        prefixes = {match.group() for text in passage.protected for match in _PREFIX.finditer(text)}
        for _ in range(1 + (rng.random() < 0.35)):
            phrase = _digits(pick(rng, self.phrases), rng)
            # What shares its prefix with an extracted value would be a second candidate.
            if not any(prefix in phrase for prefix in prefixes):
                passage = passage.insert(phrase, rng)
        return passage


@dataclass(frozen=True, slots=True)
class CodeSwitching:
    """Adds a polite phrase in another language."""

    phrases: Sequence[str] = _FOREIGN
    name: str = "code_switching"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Puts it between sentences or at an end."""
        return passage.insert(pick(rng, self.phrases), rng)
