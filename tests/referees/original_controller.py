"""A controller of the original's interface, by `grpcio` and code that is generated of the
`.proto` file: in plain text, for one payload, and without the extension.

It gives an answer that nobody asked for, begins sequences one after the other, each when the one
before is done, then has the payload shut down, and says what it was called by, in that order, and
what came of that answer: `said RPC RPC:SEQUENCE … unasked:CODE`.

Arguments: the directory with the generated code, the one with the app's files (`sdk_env.conf`),
and the sequences."""

import sys
import threading
from concurrent import futures

import grpc

generated, folder, *sequences = sys.argv[1:]
sys.path.insert(0, generated)

import antaris_api_pb2 as api

SERVICES = api.DESCRIPTOR.services_by_name
lines = open(f"{folder}/sdk_env.conf").read().splitlines()
pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
CONF = {key.strip(): value.strip() for key, value in pairs}

said = []
is_told = threading.Condition()


def serve(rpc, method):
    asked = getattr(api, method.input_type.name)

    def handle(request, context):
        sequence = getattr(request, "sequence_id", "")
        # What it said before it was answered, so that nothing overtakes it.
        threading.Timer(0.05, hear, [f"{rpc}:{sequence}" if sequence else rpc, request]).start()
        return api.AntarisReturnType(return_code=0)

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=asked.FromString,
        response_serializer=api.AntarisReturnType.SerializeToString,
    )


def hear(what, request):
    with is_told:
        said.append((what, request))
        is_told.notify_all()


def wait_for(count):
    with is_told:
        assert is_told.wait_for(lambda: len(said) >= count, 30), said
        return said[count - 1][1]


def call(rpc, request):
    service = SERVICES["AntarisapiApplicationCallback"]
    at = f"{CONF['PAYLOAD_APP_IP']}:{CONF['APP_API_PORT']}"
    with grpc.insecure_channel(at) as channel:
        stub = channel.unary_unary(
            f"/{service.full_name}/{rpc}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=api.AntarisReturnType.FromString,
        )
        answer = stub(request, timeout=10, wait_for_ready=True)
    return answer.return_code


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
service = SERVICES["AntarisapiPayloadController"]
handlers = {name: serve(name, method) for name, method in service.methods_by_name.items()}
server.add_generic_rpc_handlers(
    (grpc.method_handlers_generic_handler(service.full_name, handlers),)
)
place = f"{CONF['PAYLOAD_CONTROLLER_IP']}:{CONF['PC_API_PORT']}"
assert server.add_insecure_port(place), place
server.start()
print("ready", flush=True)

registered = wait_for(1)
told = api.RespRegisterParams(correlation_id=registered.correlation_id)
assert call("PA_ProcessResponseRegister", told) == 0
# Nobody asked for that.
unasked = api.RespGetCurrentLocationParams(correlation_id=60_000)
said_of_it = call("PA_ProcessResponseGetCurrentLocation", unasked)
for number, sequence in enumerate(sequences):
    start = api.StartSequenceParams(
        correlation_id=number + 1, sequence_id=sequence, scheduled_deadline=4_000_000_000
    )
    assert call("PA_StartSequence", start) == 0
    wait_for(number + 2)
assert call("PA_ShutdownApp", api.ShutdownParams(correlation_id=99, grace_time=20)) == 0
wait_for(len(sequences) + 2)
print("said", *(what for what, _ in said), f"unasked:{said_of_it}", flush=True)
server.stop(grace=2).wait()
