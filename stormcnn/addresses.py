"""Find and hide secrets in the addresses of servers and databases.

Which parts of an address may be secret follows from its structure (RFC 3986): the user information,
the parameters of the path, the query, and the fragment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, unquote, urlsplit

HIDDEN = "***"
"""What is shown in place of a secret."""

SHORTEST = 3
"""Shorter secrets are not searched for in texts, because they are part of other words."""

# Quotes and brackets may end an address in a sentence or belong to a secret. Those before an @ or
# after the path are taken for a part of the secret.
_ADDRESS = re.compile(r"(?:[A-Za-z][\w+.-]*:)?//(?:\S*@)?[^\s'\"<>?#;]*(?:[?#;]\S*)?")
_DELIMITERS = re.compile(r"[:/?#@;&=]+")
# The error messages of HTTP clients contain the path and query of an address on their own.
_QUERY = re.compile(r"\?\S+")


def secret_parts(address: str) -> dict[str, str]:
    """Return those parts of an address that may hold a secret, by their names in a sentence.

    >>> secret_parts("https://ann:pw@example.org/a;v=1?key=2#3")
    {'user name or password': 'ann:pw', 'parameter': 'v=1', 'query': 'key=2', 'fragment': '3'}
    >>> secret_parts("sqlite:///registry/mlflow.db")
    {}
    """
    parts = _split(address)
    if parts is None:
        return {"part that cannot be read": address}
    _, slashes, rest = address.partition("//")
    # A password that is not escaped may contain the characters that end the user information.
    user = (rest if slashes else address).rpartition("@")[0]
    secrets = {
        "user name or password": user,
        "parameter": parts.path.partition(";")[2],
        "query": parts.query,
        "fragment": parts.fragment,
    }
    return {name: text for name, text in secrets.items() if text}


def without_secrets(address: str) -> str:
    """Return an address with `***` in place of its secrets.

    >>> without_secrets("https://ann:pw@example.org:8080/a/b;v=1?key=2#3")
    'https://***@example.org:8080/a/b;***?***#***'
    """
    parts = _split(address)
    # If an @ follows the host, it is not certain what the host is.
    if parts is None or "@" in address.replace(parts.netloc, "", 1):
        return f"{parts.scheme}://{HIDDEN}" if parts and parts.netloc else HIDDEN
    _, at, host = parts.netloc.rpartition("@")
    path, semicolon, _ = parts.path.partition(";")
    texts = [
        f"{parts.scheme}:" if parts.scheme else "",
        "//" if "//" in address[: len(parts.scheme) + 3] else "",
        f"{HIDDEN}@{host}" if at else host,
        f"{path};{HIDDEN}" if semicolon else path,
        f"?{HIDDEN}" if parts.query else "",
        f"#{HIDDEN}" if parts.fragment else "",
    ]
    return "".join(texts)


def hide_secrets(text: str, addresses: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """Return a text without the secrets of the addresses in it.

    The secrets of `addresses`, and `secrets` themselves, are replaced wherever they occur, because
    messages repeat parts of an address.

    >>> hide_secrets("GET /a?key=12345 of http://u:pass@host failed: pass", ["http://u:pass@host"])
    'GET /a?*** of http://***@host failed: ***'
    """
    known = {form for secret in secrets for form in _forms(secret)}
    for address in addresses:
        for part in secret_parts(address).values():
            pieces = {text for whole in _forms(part) for text in (whole, *_DELIMITERS.split(whole))}
            known |= {form for piece in pieces for form in _forms(piece)}
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    text = _ADDRESS.sub(lambda found: without_secrets(found[0]), text)
    return _QUERY.sub(f"?{HIDDEN}", text)


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:  # such as an unfinished IPv6 address
        return None


def _forms(secret: str) -> set[str]:
    """Return a secret as it is, and without and with percent encoding."""
    return {secret, unquote(secret), quote(unquote(secret), safe="")}
