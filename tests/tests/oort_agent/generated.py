"""A client that a public generator made of the agent's document (the package `oort`): it asks
all that the document describes."""

import importlib
import os
import pkgutil
import sys
import uuid

import oort.api
from oort import AuthenticatedClient
from oort.models import (
    AdcsCommandRequest,
    AdcsCommandRequestCommand,
    AdcsCommandRequestTarget,
    AdcsCommandResponseStatus,
    DeliveryHints,
    Error,
    InfoBody,
    ItemStage,
    ItemState,
    ListFilesState,
    RetrieveFileRequest,
    SendFileRequest,
    SendOptions,
    SendOptionsTags,
    SetPriorityBody,
    SetPriorityBodyStage,
    TTLParams,
)
from oort.types import UNSET, File

port, payload, work, token = sys.argv[1:]
client = AuthenticatedClient(
    f"http://localhost:{port}", token=token, timeout=30, raise_on_unexpected_status=True
)


def operations(package):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        imported = importlib.import_module(module.name)
        if module.ispkg:
            yield from operations(imported)
        else:
            yield module.name.rsplit(".", 1)[1], imported


API = dict(operations(oort.api))
not_asked = set(API)


def ask(operation, /, *args, status=200, **kwargs):
    response = API[operation].sync_detailed(*args, client=client, **kwargs)
    assert response.status_code == status, (operation, response)
    kind = "text/plain" if operation == "metrics" else "application/json"
    assert response.headers["content-type"].startswith(kind), response.headers
    assert isinstance(response.parsed, Error) == (status != 200), (operation, response)
    if status == 200:
        not_asked.discard(operation)
    else:
        assert response.parsed.status == status, response.parsed
    return response.parsed


def write(name, text=b"octets"):
    path = os.path.join(payload, name)
    with open(path, "wb") as file:
        file.write(text)
    return path


def send(path, options=UNSET, **kwargs):
    body = SendFileRequest("ground", path, "images", options)
    return ask("send_file", body=body, **kwargs)


# v1: out, as the collector sees it, and back.
options = SendOptions(
    TTLParams(urgent=0, bulk=0, surplus=86400),
    reliable=False,
    tags=SendOptionsTags.from_dict({"token": "abc"}),
    delivery_hints=DeliveryHints("/x/y", "755"),
)
path = write("a.txt")
first = send(path, options, idempotency_key="first").uuid
assert not os.path.exists(path)
assert send(path, options, idempotency_key="first").uuid == first
assert ask("ping").response == "PONG"
info = ask("info", body=InfoBody(topics=["images", "logs"]))
assert info.available.files == [first] and info.topics == ["images", "logs"], info
assert info.sysinfo.workdir == os.path.join(work, "transfers") and info.sysinfo.diskfree > 0
meta = ask("get_meta", str(first))
assert meta.send_options == options, meta.send_options
assert (meta.topic, meta.destination) == ("images", "ground"), meta
assert meta.file_info.id == first and meta.file_info.size == 6, meta.file_info
for suffix in (".data.oort", ".meta.oort"):
    os.rename(
        os.path.join(work, "transfers", str(first) + suffix),
        os.path.join(work, "uploads", str(first) + suffix),
    )
(file,) = ask("query_available_files", "images").files
assert (file.id, file.path, file.size) == (first, path, 6), file
assert file.delivery_hints == options.delivery_hints and len(file.crc32) == 8, file
back = os.path.join(payload, "back")
asked = RetrieveFileRequest(str(first), back)
got = ask("retrieve_file", body=asked)
# Whether its sum is right, a query knows; it is the same.
assert (got.id, got.crc32) == (first, file.crc32), got
with open(back, "rb") as read:
    assert read.read() == b"octets"
assert ask("query_available_files", "images").files == []
assert "meta file unreadable" in ask("retrieve_file", body=asked, status=400).message
assert "Error getting info on" in send(path, status=400).message
assert ask("query_available_files", "a b", status=501).message == "Method not implemented"

assert "oort_items_accepted_total" in ask("metrics")

# Of the spacecraft.
adcs = ask("get_adcs")
assert adcs.mode and adcs.age >= 0 and adcs.hk.additional_properties, adcs
target = AdcsCommandRequestTarget(40.0, -176.0)
command = AdcsCommandRequest(AdcsCommandRequestCommand.TRACK, "IPI", target)
answer = ask("command_adcs", body=command)
assert answer.status in AdcsCommandResponseStatus and answer.mode, answer
tfrs = ask("get_tfrs")
assert tfrs.utc_time > 0 and 6e6 < sum(
    x * x for x in (tfrs.ecef_pos_x, tfrs.ecef_pos_y, tfrs.ecef_pos_z)
) ** 0.5 < 8e6, tfrs

# v2.
second = ask("hand_over", body=File(b"\0\xff" * 3), topic="logs", name="b.bin").uuid
item = ask("file_status", second)
assert (item.state, item.stage, item.size) == (ItemState.WAITING, ItemStage.URGENT, 6), item
assert item.meta.file_info.path == "/b.bin" and item.stage_until > item.handed_over, item
with open(os.path.join(work, "transfers", f"{second}.data.oort"), "rb") as read:
    assert read.read() == b"\0\xff" * 3
third = send(write("c.txt")).uuid
page = ask("list_files", limit=2)
rest = ask("list_files", limit=2, cursor=page.next_)
assert [item.uuid for item in rest.files] and rest.next_ is UNSET, rest
listed = {item.uuid: item.state for item in page.files + rest.files}
assert listed == {
    first: ItemState.COLLECTED,
    second: ItemState.WAITING,
    third: ItemState.WAITING,
}, listed
(item,) = ask("list_files", topic="logs", state=ListFilesState.WAITING).files
assert item.uuid == second, item
surplus = SetPriorityBody(SetPriorityBodyStage.SURPLUS)
assert ask("set_priority", second, body=surplus).stage is ItemStage.SURPLUS
item = ask("cancel_file", third)
assert item.state is ItemState.CANCELLED and item.ended >= item.handed_over, item
ask("cancel_file", third, status=409)
ask("file_status", uuid.uuid4(), status=404)
assert "there is no receipt" in ask("file_receipt", second, status=404).message
# The ground gives receipts: `tests/delivery` has one.
assert not_asked == {"file_receipt"}, not_asked
