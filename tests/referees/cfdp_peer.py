"""A CFDP entity by `cfdp-py`, which sends or receives one file.

PDUs go over standard input and output, each behind its length of two octets (big-endian).
The only argument is a JSON object:

    role         "send" or "receive"
    file         path of the file that is sent, or written
    there        name that the file is sent as
    acknowledged whether the transaction is
    closure      whether closure is requested (unacknowledged)
    checksum     "modular", "crc32" or "crc32c"
    pdu_bytes    octets of the largest PDU
    immediate    whether NAKs are sent at once
    timeout      seconds of all timers

Ids are 1 (sends) and 2 (receives). When the transaction is over, the last line on standard
error is a JSON object: condition, delivery, file_status.
"""

import json
import os
import select
import struct
import sys
from datetime import timedelta
from pathlib import Path

from cfdppy import (
    CfdpState,
    IndicationConfig,
    LocalEntityConfig,
    PutRequest,
    RemoteEntityConfig,
    RemoteEntityConfigTable,
)
from cfdppy.exceptions import PduIgnoredForDest, PduIgnoredForSource
from cfdppy.handler import DestHandler, SourceHandler
from cfdppy.mib import CheckTimerProvider, DefaultFaultHandlerBase
from cfdppy.user import CfdpUserBase
from spacepackets.cfdp import ChecksumType, PduFactory, TransmissionMode
from spacepackets.countdown import Countdown
from spacepackets.seqcount import SeqCountProvider
from spacepackets.util import ByteFieldU16

# More often than any test lets a timer run out.
LIMIT = 1_000_000
SENDER, RECEIVER = ByteFieldU16(1), ByteFieldU16(2)
CHECKSUMS = {
    "modular": ChecksumType.MODULAR,
    "crc32": ChecksumType.CRC_32,
    "crc32c": ChecksumType.CRC_32C,
}


class Timers(CheckTimerProvider):
    def __init__(self, seconds):
        self.seconds = seconds

    def provide_check_timer(self, local_entity_id, remote_entity_id, entity_type):
        return Countdown(timedelta(seconds=self.seconds))


class Faults(DefaultFaultHandlerBase):
    def notice_of_suspension_cb(self, transaction_id, cond, progress):
        pass

    def notice_of_cancellation_cb(self, transaction_id, cond, progress):
        pass

    def abandoned_cb(self, transaction_id, cond, progress):
        pass

    def ignore_cb(self, transaction_id, cond, progress):
        pass


class User(CfdpUserBase):
    finished = None

    def transaction_indication(self, transaction_indication_params):
        pass

    def eof_sent_indication(self, transaction_id):
        pass

    def transaction_finished_indication(self, params):
        self.finished = params.finished_params

    def metadata_recv_indication(self, params):
        pass

    def file_segment_recv_indication(self, params):
        pass

    def report_indication(self, transaction_id, status_report):
        pass

    def suspended_indication(self, transaction_id, cond_code):
        pass

    def resumed_indication(self, transaction_id, progress):
        pass

    def fault_indication(self, transaction_id, cond_code, progress):
        pass

    def abandoned_indication(self, transaction_id, cond_code, progress):
        pass

    def eof_recv_indication(self, transaction_id):
        pass


class Pipe:
    """PDUs over standard input and output. Reading never waits for writing to go on."""

    def __init__(self):
        self.received = bytearray()
        self.is_open = True

    def read(self, seconds):
        """The next PDU; None when there is none within the time."""
        while True:
            if len(self.received) >= 2:
                (length,) = struct.unpack_from(">H", self.received)
                if len(self.received) >= 2 + length:
                    pdu = bytes(self.received[2 : 2 + length])
                    del self.received[: 2 + length]
                    return pdu
            if not self.is_open or not select.select([0], [], [], seconds)[0]:
                return None
            octets = os.read(0, 65536)
            self.is_open = bool(octets)
            self.received += octets

    def write(self, pdu):
        octets = struct.pack(">H", len(pdu)) + pdu
        while octets:
            octets = octets[os.write(1, octets) :]


def main():
    wish = json.loads(sys.argv[1])
    sends = wish["role"] == "send"
    own, other = (SENDER, RECEIVER) if sends else (RECEIVER, SENDER)
    mode = (
        TransmissionMode.ACKNOWLEDGED
        if wish["acknowledged"]
        else TransmissionMode.UNACKNOWLEDGED
    )
    local = LocalEntityConfig(own, IndicationConfig(), Faults())
    remote = RemoteEntityConfig(
        entity_id=other,
        max_file_segment_len=None,
        max_packet_len=wish["pdu_bytes"],
        closure_requested=wish["closure"],
        crc_on_transmission=False,
        default_transmission_mode=mode,
        crc_type=CHECKSUMS[wish["checksum"]],
        positive_ack_timer_interval_seconds=wish["timeout"],
        positive_ack_timer_expiration_limit=LIMIT,
        check_limit=4,
        disposition_on_cancellation=True,
        immediate_nak_mode=wish["immediate"],
        nak_timer_interval_seconds=wish["timeout"],
        nak_timer_expiration_limit=LIMIT,
    )
    user = User()
    peers = RemoteEntityConfigTable([remote])
    timers = Timers(wish["timeout"])
    if sends:
        handler = SourceHandler(local, user, peers, timers, SeqCountProvider(16))
        handler.put_request(
            PutRequest(
                destination_id=other,
                source_file=Path(wish["file"]),
                dest_file=Path(wish["there"]),
                trans_mode=mode,
                closure_requested=wish["closure"],
            )
        )
    else:
        # Where the file goes is for the one that receives it to say.
        os.chdir(Path(wish["file"]).parent)
        handler = DestHandler(local, user, peers, timers)
    pipe = Pipe()
    while pipe.is_open:
        # A sender that has data goes on with it whatever comes.
        handler_idles = handler.states.state == CfdpState.IDLE
        busy = sends and not handler_idles and handler.progress < (handler.file_size or 0)
        octets = pipe.read(0 if busy else 0.005)
        packet = PduFactory.from_raw(octets) if octets else None
        try:
            handler.state_machine(packet)
        except (PduIgnoredForDest, PduIgnoredForSource):
            pass
        while handler.packets_ready:
            pipe.write(handler.get_next_packet().pack())
        if user.finished and handler.states.state == CfdpState.IDLE:
            break
    finished = user.finished
    if finished:
        print(
            json.dumps(
                {
                    "condition": finished.condition_code.name,
                    "delivery": finished.delivery_code.name,
                    "file_status": finished.file_status.name,
                }
            ),
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
