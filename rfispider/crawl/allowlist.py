"""Where a crawl may connect to: which URLs by their form, and which addresses once a name is resolved. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from rfispider.site.editions import LEGACY_HOSTS
from rfispider.site.hosts import SITE_HOSTS

PORTS: Final = {"http": 80, "https": 443}
"""Schemes of what may be fetched, with their ports."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowlist:
    """What a crawl may ask: the site, and what the operator has named."""

    named: frozenset[tuple[str, int]]
    """Host and port of what the operator has named: exactly these, private ones too."""
    domains: frozenset[str]
    """Names of the same, whose other default port and subdomains are allowed as well."""
    trusted: frozenset[str]
    """Hosts that may have a private address."""

    @classmethod
    def of(cls, *, trusted: Iterable[str], others: Iterable[str] = ()) -> Self:
        """What a crawl may ask whose operator has named these URLs; what is written as an address is trusted."""
        own = {place for url in trusted if (place := _place(url))}
        places = own | {place for url in others if (place := _place(url))}
        usual = {host for host, port in places if port in PORTS.values() and not is_written_out(host)}
        hosts = {host for host, _ in own} | {host for host, _ in places if is_written_out(host)}
        return cls(named=frozenset(places), domains=frozenset(usual), trusted=frozenset(hosts))

    def allows(self, url: str) -> bool:
        """Whether a URL may be asked for."""
        place = _place(url)
        if place is None:
            return False
        host, port = place
        if place in self.named:
            return True
        if port not in PORTS.values():
            return False
        return host in SITE_HOSTS or host in LEGACY_HOSTS or host.endswith(self._endings) or host in self.domains

    @property
    def _endings(self) -> tuple[str, ...]:
        return tuple(f".{domain}" for domain in self.domains)


def is_written_out(host: str) -> bool:
    """Whether a host needs no name server: an address, or the name of this machine."""
    return host == "localhost" or address_of(host) is not None


def _place(url: str) -> tuple[str, int] | None:
    """Host and port of an http(s) URL; None for any other, and for what names a user."""
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        return None
    if port is None or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.hostname.rstrip("."), port


def _port(parts: SplitResult) -> int | None:
    usual = PORTS.get(parts.scheme)
    return usual and (usual if parts.port is None else parts.port)


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: none of this machine, this network or a special purpose.

    As the IANA registries of special-purpose addresses have it; what embeds IPv4 addresses is judged by these.
    """
    known = address_of(address)
    judged = _judged(known) if known else ()
    return bool(judged) and all(each.is_global and not each.is_multicast and not each.is_reserved for each in judged)


def _judged(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    teredo = address.teredo or ()
    translated = [IPv4Address(int(address) & 0xFFFFFFFF)] if address in _NAT64 else []
    embedded = (address.ipv4_mapped, address.sixtofour, *teredo, *translated)
    return [each for each in embedded if each] or [address]
