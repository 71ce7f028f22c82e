"""The package `heliograph_oort` asks all that it can."""

import io
import json
import os
import socket
import sys
import threading
import time
import urllib.request

import heliograph_oort as oort

port, payload, work = int(sys.argv[1]), sys.argv[2], sys.argv[3]
URL = f"http://127.0.0.1:{port}"
agent = oort.Agent(URL)


def write(name, octets=b"octets"):
    path = os.path.join(payload, name)
    with open(path, "wb") as file:
        file.write(octets)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def raises(error, call, *args, **words):
    try:
        call(*args, **words)
    except error as raised:
        return raised
    raise AssertionError(f"{error} is not raised")


def meta(item):
    with urllib.request.urlopen(f"{URL}/collector/v1/meta/{item}") as answer:
        return json.load(answer)


def transfer(item, suffix="data"):
    return os.path.join(work, "transfers", f"{item}.{suffix}.oort")


def return_it(item):
    for suffix in ("data", "meta"):
        path = transfer(item, suffix)
        os.rename(path, path.replace("transfers", "uploads"))


# A file is handed over, with all that can be said of it.
path = write("a.txt")
hints = {"dest_path": "/x/y", "mode": "755"}
first = agent.send_file(
    path,
    "images",
    ttl=(0, 0, 86400),
    reliable=False,
    tags={"token": "abc"},
    delivery_hints=hints,
    key="first",
)
assert not os.path.exists(path) and read(transfer(first)) == b"octets"
said = meta(first)
assert said["destination"] == "ground" and said["file_info"]["path"] == path, said
assert said["send_options"] == {
    "TTLParams": {"urgent": 0, "bulk": 0, "surplus": 86400},
    "reliable": False,
    "tags": {"token": "abc"},
    "delivery_hints": hints,
}, said
# A request that is made again is the same one, its file gone or not.
words = {"ttl": (0, 0, 86400), "reliable": False, "tags": {"token": "abc"}}
assert first == agent.send_file(path, "images", delivery_hints=hints, key="first", **words)
os.chdir(payload)
write("b.txt")
second = agent.send_file("b.txt", "images")
assert meta(second)["send_options"]["TTLParams"]["urgent"] == 9000

# It comes back.
return_it(first)
files = agent.query_available_files("images")
assert [file.id for file in files] == [first] and not files.overflow, files
assert (files[0].name, files[0].size, files[0].delivery_hints) == ("a.txt", 6, hints)
got = agent.retrieve_file(first, "back")
assert got.said == files[0].said and read("back") == b"octets"
assert agent.query_available_files("images") == []
refused = raises(oort.Refused, agent.retrieve_file, first, "again")
assert refused.status == 400 and "meta file unreadable" in refused.message, refused
refused = raises(oort.Refused, agent.send_file, "a.txt", "images")
assert "No such file or directory" in str(refused), refused

# Of the spacecraft.
assert agent.adcs()["mode"] and agent.adcs()["hk"]
answer = agent.command_adcs("TRACK", aperture="IPI", target={"lat": 40.0, "lon": -176.0})
assert answer["status"] in ("OK", "FAIL"), answer
assert agent.tfrs()["utc_time"] > 0

# Octets without a file: from memory, a file that is read on, a pipe.
third = agent.send_body(b"from memory", "logs", "note", tags={"token": "x"})
item = agent.status(third)
assert (item.state, item.stage, item.size, item.has_ended) == ("waiting", "urgent", 11, False)
assert meta(third)["send_options"]["tags"] == {"token": "x"}
with open(write("big", b"head" + b"0123456789" * 100_000), "rb") as file:
    file.seek(4)
    fourth = agent.send_body(file, "logs")
assert read(transfer(fourth)) == b"0123456789" * 100_000
end, pipe = os.pipe()
os.write(pipe, b"piped")
os.close(pipe)
with os.fdopen(end, "rb") as file:
    assert agent.status(agent.send_body(file, "pipes")).size == 5
refused = raises(oort.Refused, agent.send_body, io.BytesIO(b"0" * (9 << 20)), "a b")
assert "Topic a b is not allowed" in refused.message, refused

# How they stand, and what may be done about it.
assert agent.wait(first).state == "collected"
assert raises(oort.NotEnded, agent.wait, second, 0.2).item.uuid == second
assert agent.reprioritise(third, "surplus").stage == "surplus"
assert {item.uuid for item in agent.list(topic="logs")} == {third, fourth}
assert [item.uuid for item in agent.list(state="collected")] == [first]
agent.cancel(fourth)
not_delivered = raises(oort.NotDelivered, agent.wait, fourth, 60)
assert not_delivered.item.state == "cancelled" and not_delivered.item.ended, not_delivered
assert raises(oort.Refused, agent.cancel, fourth).status == 409
assert agent.receipt(third) is None
assert agent.status("7b7fbd30-3f0c-4a2e-9d0c-4c8d1a9d4a33") is None
many = [agent.send_body(b"", "many") for _ in range(101)]
assert sorted(item.uuid for item in agent.list(topic="many")) == sorted(many)


# An answer that is lost makes no second item.
def lose_the_first_answer(doors):
    for answered in (False, True):
        client, _ = doors.accept()
        request = b""
        while not request.endswith(b"}"):
            request += client.recv(65536)
        with socket.create_connection(("127.0.0.1", port)) as real:
            real.sendall(request)
            answer = b"".join(iter(lambda: real.recv(65536), b""))
        if answered:
            client.sendall(answer)
        client.close()


doors = socket.create_server(("127.0.0.1", 0))
between = threading.Thread(target=lose_the_first_answer, args=(doors,))
between.start()
unlucky = oort.Agent(f"http://127.0.0.1:{doors.getsockname()[1]}", patience=60)
lost = unlucky.send_file(write("lost"), "lost")
between.join()
doors.close()
assert [item.uuid for item in agent.list(topic="lost")] == [lost]

# What is being done is waited for: here until the other connection breaks off.
other = socket.create_connection(("127.0.0.1", port))
other.sendall(
    b"POST /sdk/v2/files?topic=slow&name=n&destination=ground HTTP/1.1\r\nHost: localhost\r\n"
    b"Idempotency-Key: slow\r\nContent-Length: 9\r\n\r\nhalf"
)
until = time.monotonic() + 60
while not os.listdir(os.path.join(work, ".agent/intake")):
    assert time.monotonic() < until
    time.sleep(0.01)
quick = oort.Agent(URL, patience=0)
refused = raises(oort.Refused, quick.send_body, b"whole", "slow", "n", key="slow")
assert (refused.status, refused.retry_after) == (409, 1), refused
threading.Timer(0.2, other.close).start()
slow = agent.send_body(b"whole", "slow", "n", key="slow")
assert read(transfer(slow)) == b"whole"


# What is no answer is an error, and not that of an agent that is away.
def answer_once(doors, octets):
    client, _ = doors.accept()
    client.recv(65536)
    client.sendall(octets)
    client.close()


for kind, body in (
    ("text/html", b"{}"),
    ("application/json", b"{"),
    ("application/json", b"\xff"),
):
    octets = f"HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode() + body
    with socket.create_server(("127.0.0.1", 0)) as doors:
        serves = threading.Thread(target=answer_once, args=(doors, octets))
        serves.start()
        odd = oort.Agent(f"http://127.0.0.1:{doors.getsockname()[1]}", patience=0)
        error = raises(oort.OortError, odd.tfrs)
        serves.join()
    assert "an answer that is none" in str(error) and not isinstance(error, oort.NoAgent)

# Nobody is there.
with socket.create_server(("127.0.0.1", 0)) as closed:
    nobody = oort.Agent(f"http://127.0.0.1:{closed.getsockname()[1]}", patience=0.1)
assert "does not answer" in str(raises(oort.NoAgent, nobody.tfrs))
raises(ValueError, oort.Agent, "https://127.0.0.1:2005")
