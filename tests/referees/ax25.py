"""AX.25 frames, without flags and frame check sequence, as `aioax25` sees them."""

import hearing
from aioax25.frame import (
    AX25Address,
    AX25Frame,
    AX25FrameHeader,
    AX25UnnumberedInformationFrame,
)


def decode(octets):
    """Addresses and content of a frame; `pid` is null in all but UI frames."""
    octets = bytes.fromhex(octets)
    frame = AX25Frame.decode(octets)
    header = frame.header
    ui = isinstance(frame, AX25UnnumberedInformationFrame)
    _, after_addresses = AX25FrameHeader.decode(octets)
    return {
        "destination": _station(header.destination),
        "source": _station(header.source),
        "command": header.cr and not header.src_cr,
        "digipeaters": [
            {"station": _station(digipeater), "repeated": digipeater.ch}
            for digipeater in header.repeaters
        ],
        # The library does not keep the control octet of a decoded UI frame.
        "control": after_addresses[0],
        "pid": frame.pid if ui else None,
        "payload": bytes(frame.payload if ui else frame.frame_payload).hex(),
    }


def encode(destination, source, payload, digipeaters=(), pid=0xF0, command=True):
    """The octets of a UI frame; a digipeater's trailing `*` is "has repeated"."""
    frame = AX25UnnumberedInformationFrame(
        destination=destination,
        source=source,
        repeaters=digipeaters,
        pid=pid,
        payload=bytes.fromhex(payload),
        cr=command,
    )
    return bytes(frame).hex()


def _station(address):
    return str(AX25Address(address.callsign, address.ssid))


hearing.hold(decode=decode, encode=encode)
