"""A protected message as Python sees it: `hashlib`, `hmac` and `cryptography`."""

import hashlib
import hmac
import struct

import hearing
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def key_of(master, salt, mode, spi):
    """The key of one association."""
    info = b"heliograph link 1" + bytes([mode]) + struct.pack(">H", spi)
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=bytes.fromhex(salt), info=info)
    return kdf.derive(bytes.fromhex(master))


def open_message(packet, master, salt, mode, direction, command_header):
    """The payload of an unsegmented packet without error control."""
    packet = bytes.fromhex(packet)
    apid = struct.unpack(">H", packet[:2])[0] & 0x7FF
    spi, sequence = struct.unpack(">HQ", packet[6:16])
    start = 16 + (10 if command_header else 0)
    payload, trailer = packet[start:-16], packet[-16:]
    covered = struct.pack(">BHHQ", direction, apid, spi, sequence) + packet[16:start]
    key = key_of(master, salt, mode, spi)
    if mode == 1:
        mac = hmac.new(key, covered + payload, hashlib.sha256).digest()[:16]
        if not hmac.compare_digest(mac, trailer):
            raise ValueError("the MAC does not match")
        return payload.hex()
    nonce = struct.pack(">HHQ", spi, 0, sequence)
    return AESGCM(key).decrypt(nonce, payload + trailer, covered).hex()


def resync(master, generation, station, challenge, nonce):
    """The proof of a resync."""
    info = b"heliograph resync 1" + bytes([generation, station])
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info)
    key = kdf.derive(bytes.fromhex(master))
    message = bytes.fromhex(challenge) + bytes.fromhex(nonce)
    return hmac.new(key, message, hashlib.sha256).digest()[:16].hex()


hearing.hold(open=open_message, resync=resync)
