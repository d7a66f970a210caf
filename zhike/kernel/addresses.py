"""Which addresses are of the open internet. Pure."""

from __future__ import annotations

import ipaddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(text: str) -> Address:
    """The address that is called in the end: an IPv4 one inside an IPv6 one (mapped, 6to4, NAT64). Raises ValueError."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) % 2**32)
    return ip.ipv4_mapped or ip.sixtofour or ip


def is_open(ip: Address) -> bool:
    """Not this machine, not this network, not many at once. Of IPv6 only 2000::/3 (RFC 4291, section 2.4)."""
    is_unicast = not ip.is_multicast and (ip.version == 4 or ip in _UNICAST)
    return ip.is_global and is_unicast
