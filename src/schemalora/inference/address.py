"""What can be wrong with a server's address or key before anything is sent."""

from __future__ import annotations

import re
import urllib.parse

from schemalora.errors import UsageError

# Spaces and control characters; a browser drops some of them, a server is never asked with them.
_NO_TEXT = re.compile(r"[\x00-\x20\x7f]")


def check_url(url: str) -> None:
    """Refuses a base URL that no request can be sent to.

    Raises:
        UsageError: no http or https, no host, a port that is none, or a character too many.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is no number is refused on reading it
    except ValueError as error:
        raise _refusal(str(error)) from error
    if parts.scheme not in ("http", "https"):
        raise _refusal("does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise _refusal("holds a name or a password, which is not sent; OPENAI_API_KEY is for keys")
    if not host:
        raise _refusal("names no host")
    if _NO_TEXT.search(url):
        raise _refusal("holds a space or a line break")
    if not parts.path.isascii():
        raise _refusal("has a path in other letters than ASCII, which must be percent-encoded")


def _refusal(reason: str) -> UsageError:
    # An address may hold a password, so it is not shown.
    return UsageError(
        f"the server's address: {reason}; expected a base URL such as http://localhost:8000/v1"
    )


def check_key(key: str, name: str) -> None:
    """Refuses a key that no HTTP header can carry, without showing it.

    Args:
        key: the key.
        name: where it comes from.

    Raises:
        UsageError: with the place of the first character at fault.
    """
    for place, letter in enumerate(key, start=1):
        if _NO_TEXT.match(letter) or ord(letter) > 255:
            kind = "a space or a line break" if ord(letter) <= 255 else "not in Latin-1"
            raise UsageError(
                f"{name}: character {place} of {len(key)} is {kind}; give the key alone"
            )
