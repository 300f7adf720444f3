"""Runs in a container, as the agent: sends the word to a port of every address, past the routing table.

Node.js cannot set these options. Arguments: port, word, and the addresses. Prints one JSON object with the number of
datagrams that the kernel took, the ways that it refused, and the ways of TCP that connected.
"""

import errno
import json
import select
import socket
import struct
import sys

port, word, addresses = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
SO_BINDTOIFINDEX, IP_UNICAST_IF, IP_PKTINFO = 62, 50, 8


def interfaces():
    return [(index, name) for index, name in socket.if_nameindex() if name != "lo"]


def ways(index, name):
    """Yields a name and a function that points a socket to the interface."""
    to_index = struct.pack("i", index)
    membership = struct.pack("4s4si", b"", b"", index)
    unicast = struct.pack("!I", index)
    yield "no option", lambda s: None
    yield "SO_BINDTODEVICE", lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
    yield "SO_BINDTOIFINDEX", lambda s: s.setsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX, to_index)
    yield "IP_UNICAST_IF", lambda s: s.setsockopt(socket.IPPROTO_IP, IP_UNICAST_IF, unicast)
    yield "IP_MULTICAST_IF", lambda s: s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, membership)


def ways6(index, name):
    yield "SO_BINDTODEVICE", lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
    yield "IPV6_MULTICAST_IF", lambda s: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    yield "scope", lambda s: None


sent, refused, connected = 0, {}, []


def attempt(way, body):
    global sent
    try:
        body()
        sent += 1
    except OSError as error:
        refused[way] = error.strerror or str(error)


def text(way, address):
    return f"{word} {way} {address}".encode()


def datagram(address, way, prepare, dont_route):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, dont_route)
        prepare(s)
        s.sendto(text(way, address), (address, port))


def with_packet_info(address, index):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        info = struct.pack("i4s4s", index, b"", b"")
        s.sendmsg([text("IP_PKTINFO", address)], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, (address, port))


def echo(address, way, prepare, kind):
    with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) as s:
        prepare(s)
        s.sendto(struct.pack("!BBHHH", 8, 0, 0, 1, 1) + text(f"ICMP {way}", address), (address, 0))


def connect(address, way, prepare):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setblocking(False)
    prepare(s)
    code = s.connect_ex((address, port))
    if code not in (0, errno.EINPROGRESS):
        s.close()
        raise OSError(code, errno.errorcode.get(code, str(code)))
    return s


def datagram6(address, index, way, prepare):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        prepare(s)
        s.sendto(text(f"IPv6 {way}", address), (address, port, 0, index))


opening = []
for index, name in interfaces():
    for address in addresses:
        if ":" in address:
            for way, prepare in ways6(index, name):
                attempt(f"IPv6 {way}", lambda: datagram6(address, index, way, prepare))
            continue
        attempt("IP_PKTINFO", lambda: with_packet_info(address, index))
        for way, prepare in ways(index, name):
            for dont_route in (0, 1):
                attempt(way, lambda: datagram(address, way, prepare, dont_route))
            for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
                attempt(f"ICMP {way}", lambda: echo(address, way, prepare, kind))
            if not address.startswith(("224.", "255.")):
                try:
                    opening.append((f"{way} {address}", connect(address, way, prepare)))
                except OSError as error:
                    refused[f"TCP {way}"] = error.strerror or str(error)

_, ready, _ = select.select([], [s for _, s in opening], [], 2)
for way, s in opening:
    if s in ready and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
        connected.append(f"TCP {way}")
    s.close()

print(json.dumps({"sent": sent, "refused": refused, "connected": connected}))
