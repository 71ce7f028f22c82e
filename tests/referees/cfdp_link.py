"""A file from one CFDP entity by `cfdp-py` to another, over a link on virtual time.

Both directions carry one frame at a time at the bit rate, deliver it after the delay, or
lose it. An entity is asked for a PDU when its radio is free, so its timers begin when the
PDU leaves. The only argument is a JSON object:

    file            path of the file that is sent
    pdu_bytes       octets of the largest PDU
    overhead_bytes  octets of the air that a frame takes beside its PDU
    bit_rate_bps    of either direction
    delay_s         of either direction
    frame_loss      probability
    seed            of the loss
    immediate       whether NAKs are sent at once
    timeout_s       of all timers

The last line of standard output is a JSON object: seconds until the receiver had the file
whole, octets of file data in the largest PDU, and file_status.
"""

import heapq
import json
import os
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cfdp_peer import CHECKSUMS, LIMIT, RECEIVER, SENDER, Faults, Timers, User
from cfdppy import (
    IndicationConfig,
    LocalEntityConfig,
    PutRequest,
    RemoteEntityConfig,
    RemoteEntityConfigTable,
)
from cfdppy.exceptions import PduIgnoredForDest, PduIgnoredForSource
from cfdppy.handler import DestHandler, SourceHandler
from spacepackets import countdown
from spacepackets.cfdp import PduFactory, TransmissionMode
from spacepackets.cfdp.pdu.file_data import FileDataPdu
from spacepackets.seqcount import SeqCountProvider

# Longest time between two looks at the timers.
LOOK_S = 0.01


class Way:
    """A direction of the link."""

    def __init__(self, wish, seed):
        self.seconds_per_octet = 8 / wish["bit_rate_bps"]
        self.overhead = wish["overhead_bytes"]
        self.delay, self.loss = wish["delay_s"], wish["frame_loss"]
        self.random = random.Random(seed)
        self.free_at = 0.0
        self.ready = []

    def send(self, now, octets):
        """When it arrives; None when it is lost."""
        self.free_at = now + (len(octets) + self.overhead) * self.seconds_per_octet
        lost = self.random.random() < self.loss
        return None if lost else self.free_at + self.delay


def remote(wish, other):
    return RemoteEntityConfig(
        entity_id=other,
        max_file_segment_len=None,
        max_packet_len=wish["pdu_bytes"],
        closure_requested=False,
        crc_on_transmission=False,
        default_transmission_mode=TransmissionMode.ACKNOWLEDGED,
        crc_type=CHECKSUMS["crc32"],
        positive_ack_timer_interval_seconds=wish["timeout_s"],
        positive_ack_timer_expiration_limit=LIMIT,
        check_limit=4,
        disposition_on_cancellation=True,
        immediate_nak_mode=wish["immediate"],
        nak_timer_interval_seconds=wish["timeout_s"],
        nak_timer_expiration_limit=LIMIT,
    )


def step(handler, way, octets=None):
    packet = PduFactory.from_raw(octets) if octets else None
    try:
        handler.state_machine(packet)
    except (PduIgnoredForDest, PduIgnoredForSource):
        pass
    while handler.packets_ready:
        way.ready.append(handler.get_next_packet())


def deliver(wish):
    now = 0.0
    countdown.time_ms = lambda: round(now * 1000)
    user, timers = User(), Timers(wish["timeout_s"])
    source = SourceHandler(
        LocalEntityConfig(SENDER, IndicationConfig(), Faults()),
        User(),
        RemoteEntityConfigTable([remote(wish, RECEIVER)]),
        timers,
        SeqCountProvider(16),
    )
    source.put_request(
        PutRequest(
            destination_id=RECEIVER,
            source_file=Path(wish["file"]),
            dest_file=Path("arrived.bin"),
            trans_mode=TransmissionMode.ACKNOWLEDGED,
            closure_requested=False,
        )
    )
    dest = DestHandler(
        LocalEntityConfig(RECEIVER, IndicationConfig(), Faults()),
        user,
        RemoteEntityConfigTable([remote(wish, SENDER)]),
        timers,
    )
    down, up = Way(wish, wish["seed"]), Way(wish, ~wish["seed"])
    ends = [(source, down, (dest, up)), (dest, up, (source, down))]
    arrivals, count, data_bytes_max = [], 0, 0
    while user.finished is None:
        while arrivals and arrivals[0][0] <= now:
            _, _, other, octets = heapq.heappop(arrivals)
            step(*other, octets)
        moments = [now + LOOK_S]
        for handler, way, other in ends:
            if way.free_at <= now:
                if not way.ready:
                    step(handler, way)
                if way.ready:
                    packet = way.ready.pop(0)
                    if isinstance(packet.pdu, FileDataPdu):
                        data_bytes_max = max(data_bytes_max, len(packet.pdu.file_data))
                    octets = packet.pack()
                    arrives = way.send(now, octets)
                    if arrives is not None:
                        count += 1
                        heapq.heappush(arrivals, (arrives, count, other, octets))
            if way.free_at > now:
                moments.append(way.free_at)
        if arrivals:
            moments.append(arrivals[0][0])
        now = max(now, min(moments))
    whole = Path("arrived.bin").read_bytes() == Path(wish["file"]).read_bytes()
    return {
        "seconds": now,
        "data_bytes_max": data_bytes_max,
        "file_status": user.finished.file_status.name if whole else "DIFFERENT",
    }


def main():
    wish = json.loads(sys.argv[1])
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        print(json.dumps(deliver(wish)))


if __name__ == "__main__":
    main()
