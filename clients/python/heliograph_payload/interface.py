"""The messages of the interface, made of its description when the module is imported: so it
works with any version of ``protobuf``."""

from __future__ import annotations

import enum
import os
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_POOL = descriptor_pool.DescriptorPool()


def _load() -> None:
    path = os.path.join(os.path.dirname(__file__), "interface.binpb")
    with open(path, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    for one in files.file:
        _POOL.Add(one)


_load()

ORIGINAL = "antaris_api_peer_to_peer"
EXTENSION = "heliograph.payload.v1"

CONTROLLER = _POOL.FindServiceByName(f"{ORIGINAL}.AntarisapiPayloadController")
CALLBACKS = _POOL.FindServiceByName(f"{ORIGINAL}.AntarisapiApplicationCallback")
CONTROLLER_EXTENSION = _POOL.FindServiceByName(f"{EXTENSION}.PayloadController")
CALLBACKS_EXTENSION = _POOL.FindServiceByName(f"{EXTENSION}.PayloadApplication")


def message(name: str) -> Any:
    """The class of a message of the original, or of the extension."""
    for package in (ORIGINAL, EXTENSION):
        try:
            found = _POOL.FindMessageTypeByName(f"{package}.{name}")
        except KeyError:
            continue
        return message_factory.GetMessageClass(found)
    raise KeyError(name)


def class_of(descriptor: Any) -> Any:
    """The class of what a method takes or gives."""
    return message_factory.GetMessageClass(descriptor)


class ReturnCode(enum.IntEnum):
    """What a call returns at once."""

    SUCCESS = 0
    GENERIC_FAILURE = -1
    NOT_IMPLEMENTED = -2
    OUT_OF_RESOURCES = -3
    NOT_PERMITTED = -4
    INVALID_PARAMS = -5
    INCOMPATIBLE_VERSION = -6
    INVALID_SEQUENCE = -7


class Priority(enum.IntEnum):
    """Of a file that goes down."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    IMMEDIATE = 3


class Band(enum.IntEnum):
    """By which radio it goes."""

    S = 0
    X = 1
