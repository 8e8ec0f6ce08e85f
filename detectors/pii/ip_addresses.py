"""IP addresses of someone's machine, told from versions, masks, networks and addresses that are everyone's.

Ranges: RFC 5737 and 3849 (documentation), 6890 (loopback, link-local, multicast and others that no one has).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.entities import Entity

_FOUR = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-[a-z]|\.(?:jar|whl|zip|tar|tgz|exe|dll|deb|rpm|so|dmg|msi)\b)"
)
_SIX = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE)
# What makes four numbers a version: a word, the name of a product, a sign that compares.
_VERSION = re.compile(
    rf"(?:(?<![^\W_])(?:{ENGLISH.personal.version})(?![^\W_])[\"']?[^\w\n]{{0,3}}"
    rf"(?:(?:{ENGLISH.personal.is_or_was})[ ])?"
    r"|(?<![\w/.:])(?-i:[A-Z])[\w-]{0,30}/|(?<![^\W_])(?!ip-)[A-Za-z]{2,30}-|[<>=~^]=[ ]?|[~^])v?\Z",
    re.IGNORECASE,
)
_SMALL = re.compile(r"\d(?:\.\d{1,2}){3}")  # a version rather: of 400 addresses one is like that
_SOMEONES = re.compile(rf"(?<![^\W_])(?:{ENGLISH.personal.someones})(?![^\W_])", re.IGNORECASE)
_BEFORE = 40
_PREFIX = re.compile(r"/(\d{1,3})(?!\w)")
# Of resolvers that answer everyone: Google, Cloudflare, Quad9, OpenDNS, AdGuard, Level 3, Verisign.
_RESOLVERS = frozenset(
    map(
        ipaddress.ip_address,
        (
            *("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "1.1.1.2", "1.0.0.2", "1.1.1.3", "1.0.0.3"),
            *("9.9.9.9", "149.112.112.112", "9.9.9.10", "9.9.9.11", "208.67.222.222", "208.67.220.220"),
            *("94.140.14.14", "94.140.15.15", "4.2.2.1", "4.2.2.2", "64.6.64.6", "64.6.65.6"),
            *("2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001"),
            *("2620:fe::fe", "2620:fe::9"),
        ),
    )
)
_DOCUMENTATION = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
)


def find(text: str) -> Iterator[Entity]:
    """The IP addresses in a text, folded (see `folding`).

    Examples
    --------
    >>> text = "10.0.0.7 asks 8.8.8.8 (mask 255.255.255.0), Chrome/120.0.0.0"
    >>> [text[entity.start : entity.end] for entity in find(text)]
    ['10.0.0.7']
    """
    for pattern in (_FOUR, _SIX):
        for match in pattern.finditer(text):
            before = text[max(match.start() - _BEFORE, 0) : match.start()].rpartition("\n")[2]
            if _is_someones(match[0], _PREFIX.match(text, match.end()), before) and not _VERSION.search(before):
                yield Entity(*match.span(), "IP_ADDRESS", 0.95)


def _is_someones(written: str, prefix: re.Match[str] | None, before: str) -> bool:
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    if (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or address.is_link_local
        or address in _RESOLVERS
        # People write those of documentation for others', as they do example.com.
        or (
            (any(address in network for network in _DOCUMENTATION) or _SMALL.fullmatch(written))
            and not _SOMEONES.search(before)
        )
    ):
        return False
    bits = address.max_prefixlen
    number = int(address)
    if prefix is not None and int(prefix[1]) < bits and number % (1 << (bits - int(prefix[1]))) == 0:
        return False  # a network
    if address.version == 6:
        return len(written) > 8  # `a[1::2]` is a slice and an address
    rest = ~number & 0xFFFFFFFF
    return number % 256 != 0 and rest & (rest + 1) != 0  # of a network; a mask: ones, then zeros
