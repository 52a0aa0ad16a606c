r"""String formats as regular expressions: every match has the format, by JSON Schema and pydantic.

Where a format allows many spellings these take the plain ones (RFC 3339 with a capital T and Z,
host names of letters, digits and single hyphens). Fractions of a second have at most six digits.
"""

from __future__ import annotations

_YEAR = r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = (
    r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])"
    r"|(?:0[48]|[2468][048]|[13579][26])00)"
)
_DATE = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

_SECONDS = r"[0-9]{1,5}S"
_MINUTES = rf"[0-9]{{1,5}}M(?:{_SECONDS})?"
_HOURS = rf"[0-9]{{1,5}}H(?:{_MINUTES})?"
_SPAN = rf"T(?:{_HOURS}|{_MINUTES}|{_SECONDS})"
_DURATION = rf"P(?:[0-9]{{1,5}}D(?:{_SPAN})?|{_SPAN})"
# pydantic writes fractions of a second, and a minus in front of what lies in the past.
_TIMEDELTA = (
    r"-?P(?:[0-9]{1,5}D(?:T(?:[0-9]{1,5}H)?(?:[0-9]{1,5}M)?[0-9]{1,5}(?:\.[0-9]{1,6})?S)?"
    r"|[0-9]{1,5}DT[0-9]{1,5}H(?:[0-9]{1,5}M)?|[0-9]{1,5}DT[0-9]{1,5}M"
    r"|T(?:[0-9]{1,5}H)?(?:[0-9]{1,5}M)?[0-9]{1,5}(?:\.[0-9]{1,6})?S"
    r"|T[0-9]{1,5}H(?:[0-9]{1,5}M)?|T[0-9]{1,5}M)"
)

_LABEL = r"[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20}){0,2}"
_HOST = rf"{_LABEL}(?:\.{_LABEL}){{0,3}}"
_EMAIL = (
    r"[A-Za-z0-9_+]{1,20}(?:[.-][A-Za-z0-9_+]{1,20}){0,2}"
    rf"@(?:{_LABEL}\.){{1,3}}[A-Za-z]{{2,12}}"
)
_PATH = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*"
_TAIL = rf"{_PATH}(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?(?:#[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?"
_WEB = rf"https?://{_HOST}(?::[1-9][0-9]{{0,3}})?{_TAIL}"
_URI = rf"(?:[a-z][a-z0-9]{{1,10}}://{_HOST}(?::[1-9][0-9]{{0,3}})?{_TAIL}|mailto:{_EMAIL})"
_POINTER = r"(?:/(?:[^~/\x00-\x1f\x7f]|~[01])*)*"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"


def _uuid(version: int) -> str:
    return rf"[0-9a-f]{{8}}-[0-9a-f]{{4}}-{version}[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}"


_SHARED = {
    "date": _DATE,
    "naive-date-time": f"{_DATE}T{_CLOCK}",
    "email": _EMAIL,
    "idn-email": _EMAIL,
    "hostname": _HOST,
    "idn-hostname": _HOST,
    "ipv4": _IPV4,
    "uri-reference": rf"(?:{_WEB}|{_TAIL})",
    "iri-reference": rf"(?:{_WEB}|{_TAIL})",
    "uri-template": r"(?:[A-Za-z0-9._~/:?=&-]|\{[A-Za-z0-9_]+\})*",
    "json-pointer": _POINTER,
    "relative-json-pointer": rf"(?:0|[1-9][0-9]{{0,5}})(?:#|{_POINTER})",
}

ZONED_PATTERNS = {
    **_SHARED,
    "time": _CLOCK + _ZONE,
    "date-time": f"{_DATE}T{_CLOCK}{_ZONE}",
    "duration": _DURATION,
    "uri": _URI,
    "iri": _URI,
}
"""By JSON Schema, where a time needs its zone."""

FORMAT_PATTERNS = {
    **_SHARED,
    "time": f"{_CLOCK}{_ZONE}?",
    "date-time": f"{_DATE}T{_CLOCK}{_ZONE}?",
    "duration": _TIMEDELTA,
    "uri": _WEB,
    "decimal": r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?",
    "ipv4network": rf"{_OCTET}\.0\.0\.0/(?:8|16|24|32)",
    "ipv4interface": rf"{_IPV4}(?:/(?:[12]?[0-9]|3[0-2]))?",
    "ipvanyaddress": _IPV4,
    **{f"uuid{version}": _uuid(version) for version in (1, 3, 4, 5, 6, 7, 8)},
}
"""By pydantic, which reads each of these and some formats more."""

OPEN_FORMATS = frozenset({"binary", "path", "password"})
"""Formats of pydantic's that any string has."""

NATIVE_FORMATS = frozenset({"uuid", "ipv6"})
"""Formats that the grammar engine knows as exactly."""
