"""Where a crawl may connect to: which URLs by their form, and which addresses once a name is resolved. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from rfispider.site.editions import LEGACY_HOSTS
from rfispider.site.hosts import SITE_HOSTS

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""Schemes that may be fetched, with their default ports."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowlist:
    """What a crawl may connect to: the site, and what the operator has named."""

    named: frozenset[tuple[str, int]]
    """Host and port of what the operator has named: exactly these, private ones too."""
    domains: frozenset[str]
    """Names of the same, whose other default port and subdomains are allowed as well."""
    trusted: frozenset[str]
    """Hosts that may have a private address."""

    @classmethod
    def of(cls, *, trusted: Iterable[str], others: Iterable[str] = ()) -> Self:
        """Build the allowlist of a crawl from the URLs that its operator has named.

        Hosts of `trusted` may have a private address; those of `others` only if they are written as an address.
        """
        trusted_origins, other_origins = _origins(trusted), _origins(others)
        origins = trusted_origins | other_origins
        return cls(
            named=origins,
            domains=frozenset(
                host for host, port in origins if port in DEFAULT_PORTS.values() and not is_literal(host)
            ),
            trusted=frozenset(host for host, _ in trusted_origins)
            | frozenset(host for host, _ in other_origins if is_literal(host)),
        )

    def allows(self, url: str) -> bool:
        """Whether a URL may be requested."""
        origin = _origin(url)
        if origin is None:
            return False
        host, port = origin
        return origin in self.named or (port in DEFAULT_PORTS.values() and self._is_allowed_name(host))

    def _is_allowed_name(self, host: str) -> bool:
        if host in SITE_HOSTS or host in LEGACY_HOSTS or host in self.domains:
            return True
        return host.endswith(tuple(f".{domain}" for domain in self.domains))


def is_literal(host: str) -> bool:
    """Whether a host needs no name server: an IP address, or the name of this machine."""
    return host == "localhost" or ip_of(host) is not None


def _origins(urls: Iterable[str]) -> frozenset[tuple[str, int]]:
    return frozenset(origin for url in urls if (origin := _origin(url)))


def _origin(url: str) -> tuple[str, int] | None:
    """Host and port of an http(s) URL; None for any other, and for one that names a user."""
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        return None
    if port is None or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.hostname.rstrip("."), port


def _port(parts: SplitResult) -> int | None:
    default = DEFAULT_PORTS.get(parts.scheme)
    if default is None or parts.port is None:
        return default
    return parts.port


def ip_of(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is written as; None for a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: none of this machine, this network or a special purpose.

    As the IANA registries of special-purpose addresses have it; an IPv6 address that embeds IPv4 addresses is judged
    by these.
    """
    ip = ip_of(address)
    if ip is None:
        return False
    return all(each.is_global and not each.is_multicast and not each.is_reserved for each in _effective(ip))


def _effective(ip: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    """Where a packet to this address ends up: the embedded IPv4 addresses, or the address itself."""
    if isinstance(ip, IPv4Address):
        return [ip]
    translated = [IPv4Address(int(ip) & 0xFFFFFFFF)] if ip in _NAT64 else []
    embedded = (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ()), *translated)
    return [each for each in embedded if each] or [ip]
