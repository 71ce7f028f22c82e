"""A payload application, by `grpcio` and code that is generated of the `.proto` files.

It behaves as payloads of the Antaris SDK do: ten threads serve what is called in it, its
cookie is in the metadata of each call, its correlation ids count from 1, it registers only
when it is told to and never again by itself, it has one lock that `PC_sequence_done` holds,
and it has no `PA_ProcessSatOsPaMsg`.

Arguments: the directory with the generated code, and the one with the app's files
(`config.json`, `sdk_env.conf`, `client.crt`, `client.key`, `server.crt`).

One JSON object a line is read, and one is written for each thing that happens.

    {"call": RPC, "fields": {}, "tag": N}     calls the controller from a thread of its own;
        "cookies": []          instead of the app's
        "metadata": [[K, V]]   besides
        "octets": HEX          instead of the fields, whatever they are
        "timeout": SECONDS
      -> {"returned": N, "code": C, "reason": TEXT, "fields": {}} or {"failed": N, "status": S}
    {"on": RPC, ...}                          what it does when that is called:
        "code": C              returns that, 0 where nothing is said
        "sleep": SECONDS       before it returns
        "raises": true         instead of returning
        "calls": [{"call": ...}]  calls the controller before it returns
        "then": [{"call": ...}]   calls it from another thread, after it returned
        "locked": true         takes the app's lock first
      -> {"called": RPC, "fields": {}, "metadata": {}} as soon as it is called
    {"channel": {"certificate": bool, "plain": bool}}  another channel to the controller
    {"session": TOKEN}                        the token that it shows
    {"look": true}                            nothing
      -> {"obeyed": N} after each of these four, N counting from 1
    {"stop": true}                            ends as an app that is told to
"""

import json
import os
import socket
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import json_format

generated, folder = sys.argv[1:3]
sys.path.insert(0, generated)

import antaris_api_pb2 as original
import antaris_api_pb2_grpc as original_grpc
import heliograph_payload_pb2 as extension

ORIGINAL = original.DESCRIPTOR.services_by_name
EXTENSION = extension.DESCRIPTOR.services_by_name

said = threading.Lock()


def say(**what):
    with said:
        print(json.dumps(what), flush=True)


def fields_of(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def conf():
    lines = open(f"{folder}/sdk_env.conf").read().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


CONF = conf()
CONFIG = json.load(open(f"{folder}/config.json"))
COOKIE = CONFIG["cookie"]
ENCRYPTED = CONF["SSL_FLAG"] == "1"


def octets(name):
    with open(f"{folder}/{name}", "rb") as file:
        return file.read()


def classes(method):
    """The classes of what is asked and of what is answered."""
    of = {original.DESCRIPTOR.name: original, extension.DESCRIPTOR.name: extension}
    asked, answered = method.input_type, method.output_type
    return getattr(of[asked.file.name], asked.name), getattr(of[answered.file.name], answered.name)


class Controller:
    """The way to the controller."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 1
        self.session = None
        self.open({})

    def open(self, how):
        at = how.get("addr") or f"{CONF['PAYLOAD_CONTROLLER_IP']}:{CONF['PC_API_PORT']}"
        # Each channel is a connection of its own.
        options = [("grpc.use_local_subchannel_pool", 1)]
        if how.get("plain", not ENCRYPTED):
            self.channel = grpc.insecure_channel(at, options)
            return
        key, certificate = None, None
        if how.get("certificate"):
            where = how.get("folder", folder)
            key = open(f"{where}/client.key", "rb").read()
            certificate = open(f"{where}/client.crt", "rb").read()
        credentials = grpc.ssl_channel_credentials(octets("server.crt"), key, certificate)
        self.channel = grpc.secure_channel(at, credentials, options)

    def method(self, rpc):
        for package, services in (
            (original, [ORIGINAL["AntarisapiPayloadController"]]),
            (extension, [EXTENSION["PayloadController"]]),
        ):
            for service in services:
                if rpc in service.methods_by_name:
                    return service.full_name, service.methods_by_name[rpc]
        raise KeyError(rpc)

    def call(self, order):
        rpc, tag = order["call"], order.get("tag", 0)
        service, method = self.method(rpc)
        asked, answered = classes(method)
        if "octets" in order:
            request = bytes.fromhex(order["octets"])
        else:
            fields = dict(order.get("fields", {}))
            if "correlation_id" in asked.DESCRIPTOR.fields_by_name:
                with self.lock:
                    counted, self.next = self.next, self.next + 1
                fields.setdefault("correlation_id", counted)
            request = json_format.ParseDict(fields, asked()).SerializeToString()
        metadata = [("cookie", cookie) for cookie in order.get("cookies", [COOKIE])]
        metadata += [tuple(pair) for pair in order.get("metadata", [])]
        if self.session:
            metadata.append(("x-heliograph-session", self.session))
        stub = self.channel.unary_unary(
            f"/{service}/{rpc}",
            request_serializer=lambda octets: octets,
            response_deserializer=answered.FromString,
        )
        held = APP_LOCK if rpc == "PC_sequence_done" else threading.Lock()
        try:
            with held:
                answer, call = stub.with_call(
                    request, metadata=metadata, timeout=order.get("timeout")
                )
        except grpc.RpcError as error:
            say(failed=tag, rpc=rpc, status=error.code().name, reason=error.details())
            return
        initial = dict(call.initial_metadata())
        say(
            returned=tag,
            rpc=rpc,
            code=getattr(answer, "return_code", 0),
            reason=initial.get("x-heliograph-reason"),
            fields=fields_of(answer),
        )


APP_LOCK = threading.Lock()


class Callbacks:
    """What the controller calls."""

    # As the SDK for Python.
    LACKS = {"PA_ProcessSatOsPaMsg"}

    def __init__(self):
        self.orders = {}

    def serve(self):
        at = (CONF["LISTEN_IP"], int(CONF["APP_API_PORT"]))
        # The SDK always does that: a port that the system keeps is none.
        if os.environ.get("WANTS_A_FREE_PORT"):
            with socket.socket() as probe:
                probe.bind(at)
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=10))
        services = [ORIGINAL["AntarisapiApplicationCallback"]]
        if os.environ.get("EXTENSION"):
            services.append(EXTENSION["PayloadApplication"])
        for service in services:
            handlers = {
                name: self.handler(name, method)
                for name, method in service.methods_by_name.items()
                if name not in self.LACKS
            }
            generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
            server.add_generic_rpc_handlers((generic,))
        place = f"{at[0]}:{at[1]}"
        if ENCRYPTED:
            pair = [(octets("client.key"), octets("client.crt"))]
            wants = bool(os.environ.get("WANTS_CERTIFICATE"))
            roots = octets("server.crt") if wants else None
            bound = server.add_secure_port(
                place, grpc.ssl_server_credentials(pair, roots, require_client_auth=wants)
            )
        else:
            bound = server.add_insecure_port(place)
        assert bound == at[1], place
        server.start()
        return server

    def handler(self, rpc, method):
        asked, answered = classes(method)

        def handle(request, context):
            order = self.orders.get(rpc, {})
            metadata = {key: str(value) for key, value in context.invocation_metadata()}
            say(
                called=rpc,
                fields=fields_of(request),
                metadata=metadata,
                seconds_left=context.time_remaining(),
            )
            if rpc == "PA_ProcessResponseRegister" and request.auth_token:
                controller.session = request.auth_token
            if order.get("locked"):
                with APP_LOCK:
                    pass
            for inner in order.get("calls", []):
                controller.call(inner)
            if order.get("raises"):
                raise RuntimeError("as payloads do")
            time.sleep(order.get("sleep", 0))
            for later in order.get("then", []):
                threading.Thread(target=controller.call, args=(later,), daemon=True).start()
            return answered(return_code=order.get("code", 0))

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=asked.FromString,
            response_serializer=answered.SerializeToString,
        )


callbacks = Callbacks()
try:
    server = callbacks.serve()
except OSError as error:
    say(occupied=str(error))
    sys.exit(1)
controller = Controller()
say(ready=True)
obeyed = 0
for line in sys.stdin:
    order = json.loads(line)
    if "call" in order:
        threading.Thread(target=controller.call, args=(order,), daemon=True).start()
        continue
    if "on" in order:
        callbacks.orders[order["on"]] = order
    elif "channel" in order:
        controller.channel.close()
        controller.open(order["channel"])
    elif "session" in order:
        controller.session = order["session"]
    elif "stop" in order:
        break
    obeyed += 1
    say(obeyed=obeyed)
server.stop(grace=None).wait()
controller.channel.close()
