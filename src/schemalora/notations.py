"""Other notations of a value: dates, times, numbers and addresses as people write them."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from schemalora.jsonvalue import JsonValue, canonical_json

_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](.*))?")
_ISO_TIME = re.compile(r"(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
_TENS = {30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty",
         90: "ninety", 100: "hundred", 1000: "thousand"}  # fmt: skip
_LARGEST = Decimal(10) ** 15


def notations(value: JsonValue) -> tuple[str, ...]:
    """Ways to write a scalar in a text, the plain one first; numbers, dates, times and URLs.

    A date's notations name day, month and year in any of the usual orders; its year may be left
    out. Relative dates (`tomorrow`) are not among them.
    """
    if isinstance(value, str):
        return tuple(dict.fromkeys((value, *_string_notations(value))))
    plain = canonical_json(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return (plain,)
    return tuple(dict.fromkeys((plain, *_number_notations(plain))))


def is_moment(value: JsonValue) -> bool:
    """Whether the value is a date, a time or both, which texts often give in relative words."""
    return isinstance(value, str) and bool(_ISO_DATE.fullmatch(value) or _ISO_TIME.fullmatch(value))


def _string_notations(value: str) -> tuple[str, ...]:
    if _DECIMAL.fullmatch(value):
        return _number_notations(value)
    if dated := _ISO_DATE.fullmatch(value):
        try:
            day = date(int(dated[1]), int(dated[2]), int(dated[3]))
        except ValueError:
            return ()
        return _date_notations(day)
    if timed := _ISO_TIME.fullmatch(value):
        return _time_notations(int(timed[1]), timed[2])
    if value.startswith(("http://", "https://")):
        bare = value.split("://", 1)[1].rstrip("/")
        return (value.rstrip("/"), bare, bare.removeprefix("www."))
    return ()


def _number_notations(plain: str) -> tuple[str, ...]:
    number = Decimal(plain)
    if abs(number) >= _LARGEST or len(plain) > 30:
        return ()
    exact = f"{number.normalize():f}"
    forms = [exact, f"{Decimal(exact):,}"]
    for places in (1, 2):
        if number == round(number, places):
            forms += [f"{number:.{places}f}", f"{number:,.{places}f}"]
    forms += [_swap_separators(form) for form in forms]
    forms += [form.replace(",", " ") for form in forms if "," in form]
    if number == number.to_integral_value() and 0 <= number <= 1000:
        whole = int(number)
        if whole < len(_SMALL):
            forms.append(_SMALL[whole])
        elif whole in _TENS:
            forms.append(_TENS[whole])
    percent = number * 100
    if 0 < number < 1:
        forms.append(f"{percent.normalize():f}%")
    return tuple(forms)


def _swap_separators(form: str) -> str:
    return form.translate(str.maketrans(",.", ".,"))


def _date_notations(day: date) -> tuple[str, ...]:
    month = _MONTHS[day.month - 1]
    ordinal = f"{day.day}{_ordinal(day.day)}"
    years = (f" {day.year}", f", {day.year}", "")
    forms: list[str] = []
    for name in (month, month[:3], f"{month[:3]}.", month[:4]):
        for number in (str(day.day), f"{day.day:02}", ordinal, f"{day.day}."):
            for year in years:
                forms += [
                    f"{number} {name}{year}", f"{name} {number}{year}", f"{number} of {name}{year}",
                    f"the {number} {name}{year}",
                ]  # fmt: skip
    for sign in (".", "/", "-"):
        for first, second in ((day.day, day.month), (day.month, day.day)):
            for width in ("", "02"):
                pair = f"{first:{width}}{sign}{second:{width}}"
                forms += [f"{pair}{sign}{day.year}", f"{pair}{sign}{day.year % 100:02}"]
                forms += [f"{pair}{sign}"] if sign == "." else [pair]
        forms.append(f"{day.year}{sign}{day.month:02}{sign}{day.day:02}")
    return tuple(forms)


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _time_notations(hour: int, minute: str) -> tuple[str, ...]:
    half = "am" if hour < 12 else "pm"
    twelve = hour % 12 or 12
    forms = [f"{hour:02}:{minute}", f"{hour}:{minute}", f"{hour}.{minute}"]
    forms += [f"{twelve}:{minute} {half}", f"{twelve}:{minute}{half}", f"{twelve}.{minute}{half}"]
    if minute == "00":
        forms += [f"{twelve} {half}", f"{twelve}{half}", f"{twelve} o'clock", f"{hour}h"]
        forms += ["noon"] * (hour == 12) + ["midnight"] * (hour == 0)
    return tuple(forms)
