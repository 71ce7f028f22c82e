"""What schemathesis is told of a link service that it asks by TCP, as the camera.

In the camera's outbox is a file `image.raw`, which it may send to itself.
"""

import itertools

import schemathesis
from schemathesis import GenerationMode

_requests = itertools.count()


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """By TCP, nobody asks without a token; the document is that of sockets as well."""
    raw_schema["security"] = [{"token": []}]


@schemathesis.hook
def map_query(context, query):
    """Nothing comes that it could wait for."""
    if query and str(query.get("waitSeconds", "")).isdigit():
        query["waitSeconds"] = 0
    return query


def _shorten(body):
    """The document counts characters, and the service octets."""
    for fields, most in ((body.get("requestHeader") or {}, 128), (body, 255)):
        for name, value in fields.items():
            if isinstance(value, str):
                fields[name] = _of_octets(value, most)
    if body.get("fileNames"):
        names = dict.fromkeys(_of_octets(name, 255) for name in body["fileNames"])
        body["fileNames"] = list(names)


def _of_octets(text, most):
    return text.encode()[:most].decode(errors="ignore")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every other request is one that can be: nobody hits on a file by chance."""
    is_request = case.operation.label == "POST /v1/links" and isinstance(case.body, dict)
    if not is_request or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    _shorten(case.body)
    # To which links there are, the document says nothing.
    for other in ("destinationAppIds", "linkType"):
        case.body.pop(other, None)
    case.body["destinationAppId"] = "camera"
    if next(_requests) % 2:
        return
    for other in ("fileNames", "subdirectory"):
        case.body.pop(other, None)
    if case.body.get("requestHeader"):
        case.body["requestHeader"].pop("appId", None)
    case.body |= {"fileName": "image.raw", "leaveSourceFile": True, "overwrite": True}
