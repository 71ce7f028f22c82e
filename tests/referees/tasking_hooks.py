"""What schemathesis is told of a ground that serves tasking.

It has the satellite FM1 with the payload CAM, whose windows are of type PAYLOAD_CAM; the service
that may be asked by GraphQL is at the port of the environment.
"""

import itertools
import os
import time

import schemathesis
from schemathesis import GenerationMode

_numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Which satellites, payloads and times there are, the document does not say."""
    if case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    number = next(_numbers)
    # Of two different requests with one key, the second is refused.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key-{number}"
    _of_path.get(case.operation.label, lambda *_: None)(case, number)


def _window(case, number):
    if not isinstance(case.body, dict):
        return
    # Apart, and ahead.
    start = int(time.time()) + 3600 + 60 * number
    case.body |= {"type": "PAYLOAD_CAM", "satellite_id": "FM1", "start": start, "duration": 10}
    parameters = case.body.get("parameters")
    if parameters is not None and len(repr(parameters)) > 4000:
        case.body["parameters"] = {}


def _availability(case, number):
    case.query |= {"satellite_id": "FM1", "window_type": "PAYLOAD_CAM"}
    case.query.pop("paired_satellite_id", None)


def _upload(case, number):
    known = {"satellite_id": "FM1", "payload": "CAM", "destination_path": f"/opt/{number}"}
    case.query |= known


def _graphql(case, number):
    case.path_parameters = {"satellite": "FM1", "port": int(os.environ["TASKING_PORT"])}
    if case.query:
        case.query.pop("timeout_s", None)


_of_path = {
    "POST /tasking/window": _window,
    "GET /tasking/availability": _availability,
    "POST /tasking/upload": _upload,
    "POST /graphql/{satellite}/{port}": _graphql,
}
