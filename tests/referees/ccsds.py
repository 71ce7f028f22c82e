"""CCSDS Space Packets (CCSDS 133.0-B-2) as Python's `spacepackets` sees them."""

import fastcrc
import hearing
from spacepackets.ccsds.spacepacket import (
    PacketType,
    SequenceFlags,
    SpacePacket,
    SpacePacketHeader,
)


def decode(octets):
    """The fields of one packet that fills `octets` exactly."""
    octets = bytes.fromhex(octets)
    header = SpacePacketHeader.unpack(octets)
    if header.packet_len != len(octets):
        raise ValueError(f"packet of {header.packet_len} octets in {len(octets)}")
    return {
        "version": header.ccsds_version,
        "type": int(header.packet_type),
        "shf": int(header.sec_header_flag),
        "apid": header.apid,
        "flags": int(header.seq_flags),
        "count": header.seq_count,
        "length": header.data_len,
        "data": octets[header.header_len :].hex(),
    }


def encode(type, apid, flags, count, data):
    """The octets of one packet without a secondary header."""
    data = bytes.fromhex(data)
    header = SpacePacketHeader(
        packet_type=PacketType(type),
        apid=apid,
        seq_count=count,
        data_len=len(data) - 1,
        seq_flags=SequenceFlags(flags),
    )
    return SpacePacket(header, sec_header=None, user_data=data).pack().hex()


def error_control(octets):
    """CRC-16/IBM-3740, the packet error control, over `octets`."""
    return fastcrc.crc16.ibm_3740(bytes.fromhex(octets))


hearing.hold(decode=decode, encode=encode, error_control=error_control)
