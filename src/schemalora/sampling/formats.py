"""Strings of the formats: JSON Schema's own, and those pydantic writes for its types."""

from __future__ import annotations

import base64
from collections.abc import Callable

from schemalora.sampling.source import WORDS, Source

_DOMAINS = ("example.com", "example.org", "example.net")
_HEX = "0123456789abcdef"
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _word(source: Source) -> str:
    return WORDS[source.integer(0, len(WORDS) - 1)]


def _date(source: Source) -> str:
    year = source.integer(1970, 2060)
    month = source.integer(1, 12)
    day = source.integer(1, _DAYS[month - 1])
    return f"{year:04d}-{month:02d}-{day:02d}"


def _clock(source: Source) -> str:
    hour, minute = source.integer(0, 23), source.integer(0, 59)
    return f"{hour:02d}:{minute:02d}:{source.integer(0, 59):02d}"


def _time(source: Source) -> str:
    return _clock(source) + "Z"


def _date_time(source: Source) -> str:
    return f"{_date(source)}T{_time(source)}"


def _naive_date_time(source: Source) -> str:
    return f"{_date(source)}T{_clock(source)}"


def _duration(source: Source) -> str:
    forms = ("P{}D", "PT{}H", "PT{}M", "PT{}S")
    return forms[source.integer(0, len(forms) - 1)].format(source.integer(1, 50))


def _hostname(source: Source) -> str:
    return f"{_word(source)}.{_DOMAINS[source.integer(0, len(_DOMAINS) - 1)]}"


def _email(source: Source) -> str:
    return f"{_word(source)}@{_DOMAINS[source.integer(0, len(_DOMAINS) - 1)]}"


def _ipv4(source: Source) -> str:
    return ".".join(str(source.integer(1, 254)) for _ in range(4))


def _ipv6(source: Source) -> str:
    return f"2001:db8::{source.integer(1, 0xFFFF):x}"


def _uri(source: Source) -> str:
    return f"https://{_hostname(source)}/{_word(source)}"


def _uri_reference(source: Source) -> str:
    return f"/{_word(source)}/{_word(source)}"


def _uri_template(source: Source) -> str:
    return f"https://{_hostname(source)}/{{{_word(source)}}}"


def _hex(source: Source, count: int) -> str:
    return "".join(_HEX[source.integer(0, 15)] for _ in range(count))


def _uuid_of(version: str) -> Callable[[Source], str]:
    def write(source: Source) -> str:
        variant = "89ab"[source.integer(0, 3)]
        return (
            f"{_hex(source, 8)}-{_hex(source, 4)}-{version}{_hex(source, 3)}-"
            f"{variant}{_hex(source, 3)}-{_hex(source, 12)}"
        )

    return write


def _pointer(source: Source) -> str:
    return f"/{_word(source)}/{source.integer(0, 9)}"


def _relative_pointer(source: Source) -> str:
    return f"{source.integer(0, 9)}/{_word(source)}"


def _regex(source: Source) -> str:
    return f"^{_word(source)}[0-9]+$"


def _path(source: Source) -> str:
    return f"{_word(source)}/{_word(source)}.txt"


def _base64(source: Source) -> str:
    return base64.b64encode(source.text(1, 12).encode()).decode()


def _base64url(source: Source) -> str:
    return base64.urlsafe_b64encode(source.text(1, 12).encode()).decode()


def _ipv4_network(source: Source) -> str:
    return f"10.{source.integer(0, 255)}.{source.integer(0, 255)}.0/24"


def _ipv6_network(source: Source) -> str:
    return f"2001:db8:{source.integer(1, 0xFFFF):x}::/48"


def _color(source: Source) -> str:
    return "#" + _hex(source, 6)


def _dsn(source: Source) -> str:
    return f"postgresql://{_word(source)}:{_word(source)}@{_hostname(source)}:5432/{_word(source)}"


def _text(source: Source) -> str:
    return source.text(1, 40)


FORMAT_WRITERS: dict[str, Callable[[Source], str]] = {
    "date": _date,
    "time": _time,
    "date-time": _date_time,
    "naive-date-time": _naive_date_time,
    "duration": _duration,
    "hostname": _hostname,
    "idn-hostname": _hostname,
    "email": _email,
    "idn-email": _email,
    "name-email": _email,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "ipvanyaddress": _ipv4,
    "ipv4network": _ipv4_network,
    "ipv6network": _ipv6_network,
    "ipvanynetwork": _ipv4_network,
    "ipv4interface": _ipv4_network,
    "ipv6interface": _ipv6_network,
    "ipvanyinterface": _ipv4_network,
    "uri": _uri,
    "url": _uri,
    "iri": _uri,
    "uri-reference": _uri_reference,
    "iri-reference": _uri_reference,
    "uri-template": _uri_template,
    "multi-host-uri": _dsn,
    "uuid": _uuid_of("4"),
    "uuid1": _uuid_of("1"),
    "uuid3": _uuid_of("3"),
    "uuid4": _uuid_of("4"),
    "uuid5": _uuid_of("5"),
    "uuid6": _uuid_of("6"),
    "uuid7": _uuid_of("7"),
    "uuid8": _uuid_of("8"),
    "json-pointer": _pointer,
    "relative-json-pointer": _relative_pointer,
    "regex": _regex,
    "path": _path,
    "binary": _text,
    "byte": _base64,
    "base64": _base64,
    "base64url": _base64url,
    "color": _color,
}

PLAUSIBLE = (
    "amber", "a", "A", "1", "0", "42", "3.14", "true", "en", "en-US", "US", "USA", "USD", "EUR",
    "2024-05-17", "2024-05-17T10:30:00Z", "2024-05-17T10:30:00", "10:30:00", "10:30", "2024",
    "P1D", "amber@example.com", "https://example.com/amber", "http://localhost:8080",
    "example.com", "localhost", "127.0.0.1", "::1", "10.0.0.0/8", "8080", "/tmp/amber",
    "amber.txt", "./amber", "/", "a1b2c3d4", "deadbeef", "0xdeadbeef",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "1.0.0", "v1.2.3", ">=1.0", "#ff8800",
    "rgb(255, 136, 0)", "red", "amber_basin", "amber-basin", "amber.basin", "amber:basin",
    "amber/basin", "AMBER", "AMBER_BASIN", "Amber Basin", "AmberBasin", "amberBasin",
    "+14155552671", "+1 415-555-2671", "4155552671", "90210", "Europe/Berlin", "UTC", "+00:00",
    "application/json", "text/plain", "utf-8", "INFO", "GET", "POST", "^[a-z]+$", "* * * * *",
    "0 12 * * 1", "1h", "30s", "10MB", "100%", "50%", "{}", "[]", "null", '"amber"',
    '{"amber": 1}', "[1, 2]", "YQ==", "YW1iZXI=", "978-3-16-148410-0", "9783161484100",
    "4111111111111111", "DE89370400440532013000", "postgresql://user:secret@localhost:5432/db",
    "redis://localhost:6379/0", "mysql://user:secret@localhost:3306/db",
    "mongodb://localhost:27017", "amqp://localhost", "kafka://localhost:9092",
    "nats://localhost:4222", "ftp://example.com/a", "wss://example.com/ws", "ws://localhost/ws",
    "file:///tmp/amber", "s3://amber/basin", "sqlite:///amber.db", "json:loads", "json.loads",
    "collections.OrderedDict", "math.pi", "int", "str", "x + 1", "SELECT 1", "<p>a</p>",
    "amber basin cedar", "An amber basin lies in the delta.", "Amber", "Xx1!xxxx", "Passw0rd!23",
    "", "B", "kg", "m", "2024-W20", "2024-05", "Q2", "Monday", "May", "12:30 PM", "1-2", "1,2,3",
    "a,b,c", "a=b", "key=value", "key: value", "@amber", "#amber", "$amber", "${amber}",
    "{{amber}}", "%s", "amber\n", "0.5", "-1", "1e3", "1.5", "10.0.0.1:80", "example.com:443",
    "192.168.0.0/24", "00:1b:44:11:3a:b7", "BTC", "AAPL", "ar:1", "arn:aws:s3:::amber", "gpt-4",
    "f", "F", "Y", "N",
)  # fmt: skip
"""Strings that validators nobody can see often ask for."""
