"""A client that is not ours: it sends the octets that the original's clients send, and reads
an answer as JSON only where its Content-Type says that it is."""

import http.client
import json
import os
import re
import sys

port, payload, work = int(sys.argv[1]), sys.argv[2], sys.argv[3]
connection = http.client.HTTPConnection("localhost", port, timeout=30)


OF_PYTHON = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "OpenAPI-Generator/1.0.0/python",
}
# It names neither itself nor an encoding.
OF_C = {"Accept": "application/json"}


def ask(method, path, body=None, headers=(), client=OF_PYTHON):
    sent = dict(client)
    if body is not None:
        body = body.encode()
        sent.update({"Content-Type": "application/json", "Content-Length": str(len(body))})
    sent.update(headers)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    text = response.read().decode()
    kind = (response.getheader("Content-Type") or "").split(";")[0]
    # What is no JSON is text to it, and text has no members.
    return response.status, json.loads(text) if kind == "application/json" else text


def write(name, text=b"octets"):
    path = os.path.join(payload, name)
    with open(path, "wb") as file:
        file.write(text)
    return path


def check(is_so, *said):
    assert is_so, said


UUID = re.compile("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def send(body, client=OF_PYTHON):
    status, answer = ask("POST", "/sdk/v1/send_file", body, client=client)
    check(status == 200 and UUID.match(answer["UUID"]), status, answer)
    return answer["UUID"]


# Without options.
path = write("a.txt")
first = send('{"destination": "ground", "filepath": "%s", "topic": "t-1_A"}' % path)
check(not os.path.exists(path))
# With the options of a client that was told none.
path = write("b.txt")
send(
    '{"destination": "ground", "filepath": "%s", "topic": "t-1_A", '
    '"options": {"reliable": true}}' % path
)
# With all of them.
path = write("c.txt")
whole = send(
    '{"destination": "ground", "filepath": "%s", "topic": "t-1_A", "options": '
    '{"TTLParams": {"urgent": 0,"bulk": 0,"surplus": 86400},"reliable": false,'
    '"tags": {"token":"abc"},"delivery_hints": {"dest_path":"/x/y","mode":"755"}}}' % path
)
# As the client in C writes it.
path = write("d.txt")
in_c = '{\n\t"destination":\t"ground",\n\t"filepath":\t"%s",\n\t"topic":\t"t-1_A"\n}' % path
send(in_c, OF_C)

status, meta = ask("GET", "/collector/v1/meta/" + whole)
options = meta["send_options"]
check(options["TTLParams"] == {"urgent": 0, "bulk": 0, "surplus": 86400}, options)
check(options["reliable"] is False and options["tags"] == {"token": "abc"}, options)
check(options["delivery_hints"] == {"dest_path": "/x/y", "mode": "755"}, options)

for suffix in (".data.oort", ".meta.oort"):
    os.rename(
        os.path.join(work, "transfers", first + suffix),
        os.path.join(work, "uploads", first + suffix),
    )
# The older clients say of a GET, too, that it is JSON.
for headers in ({}, {"Content-Type": "application/json"}):
    status, answer = ask("GET", "/sdk/v1/query_available_files/t-1_A", None, headers)
    check(status == 200 and [file["id"] for file in answer["files"]] == [first], answer)
out = os.path.join(payload, "out")
body = '{"id": "%s","save_path": "%s"}' % (first, out)
status, info = ask("POST", "/sdk/v1/retrieve_file", body)
check(status == 200, info)
for key in ("id", "path", "size", "modified", "created", "crc32"):
    check(info[key] is not None, info)
check(info["path"] == os.path.join(payload, "a.txt") and info["size"] == 6, info)
with open(out, "rb") as file:
    check(file.read() == b"octets")

# Of the spacecraft.
status, adcs = ask("GET", "/sdk/v1/adcs")
check(status == 200 and adcs["mode"] and adcs["age"] >= 0 and adcs["hk"], adcs)
body_adcs = '{"command":"TRACK","aperture":"IPI","target":{"lat":40.0,"lon":-176.0}}'
status, answer = ask("POST", "/sdk/v1/adcs", body_adcs)
check(status == 200 and answer["status"] in ("OK", "FAIL") and answer["mode"], answer)
status, tfrs = ask("GET", "/sdk/v1/tfrs")
check(status == 200 and tfrs["utc_time"] > 0 and "ecef_vel_z" in tfrs, tfrs)

# What is refused is JSON as well, and the connection stays.
for method, at, body, wanted, words in (
    ("POST", "/sdk/v1/retrieve_file", body, 400, "meta file unreadable"),
    ("POST", "/sdk/v1/send_file", "{", 400, "Bad request"),
    (
        "POST",
        "/sdk/v1/send_file",
        '{"destination": "ground", "filepath": "%s", "topic": "a b"}' % out,
        400,
        "Topic a b is not allowed",
    ),
    ("GET", "/sdk/v1/query_available_files/a%2Fb", None, 501, "Method not implemented"),
    ("PUT", "/sdk/v1/send_file", "{}", 405, "Method not allowed"),
):
    status, answer = ask(method, at, body)
    check(status == wanted and answer["status"] == wanted, method, at, status, answer)
    check(words in answer["message"], answer)
connection.close()
