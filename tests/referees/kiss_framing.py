"""KISS framing as `kiss3` and `aioax25` see it.

Not named after KISS alone, which would hide the module of `kiss3`.
"""

import hearing
from aioax25.kiss import BYTE_FEND, KISSCmdData, KISSCommand
from kiss import util

FEND = bytes([BYTE_FEND])


def escape(octets):
    """`kiss3`: FEND and FESC replaced by their escapes."""
    return util.escape_special_codes(bytes.fromhex(octets)).hex()


def unescape(octets):
    """`kiss3`: escapes replaced by what they stand for."""
    return bytes(util.recover_special_codes(bytes.fromhex(octets))).hex()


def decode(octets):
    """`aioax25`: one frame between two FENDs."""
    octets = bytes.fromhex(octets)
    inner = octets.removeprefix(FEND).removesuffix(FEND)
    if len(inner) != len(octets) - 2 or FEND in inner:
        raise ValueError("not one frame between two FENDs")
    frame = KISSCommand.decode(inner)
    return {
        "port": frame.port,
        "command": frame.cmd,
        "payload": bytes(frame.payload).hex(),
    }


def encode(port, payload):
    """`aioax25`: a data frame between two FENDs."""
    frame = KISSCmdData(port=port, payload=bytes.fromhex(payload))
    return (FEND + bytes(frame) + FEND).hex()


hearing.hold(escape=escape, unescape=unescape, decode=decode, encode=encode)
