"""What ``payload-controller provision`` made for a payload."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Dict, Optional, Union

from .errors import SetupError

_FILE_BYTES_MAX = 64 * 1024

Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Files:
    """Where the files of a payload are."""

    environment: str
    config: str
    controller: str
    certificate: str
    key: str

    @classmethod
    def folder(cls, folder: Path) -> Files:
        """All in one directory, as ``payload-controller provision`` leaves them."""
        names = ("sdk_env.conf", "config.json", "server.crt", "client.crt", "client.key")
        return cls(*(os.path.join(os.fspath(folder), name) for name in names))

    @classmethod
    def installed(cls) -> Files:
        """Where payloads of the SDK have them: below ``/opt/antaris``.
        ``ANTARIS_ENV_CONF_FILE`` names another ``sdk_env.conf``."""
        app = "/opt/antaris/app"
        usual = f"{app}/conf/sdk_env.conf"
        return cls(
            os.environ.get("ANTARIS_ENV_CONF_FILE", usual),
            f"{app}/config.json",
            "/opt/antaris/sdk/server.crt",
            f"{app}/client.crt",
            f"{app}/client.key",
        )


@dataclass
class Patience:
    """How many seconds something may take."""

    call: float = 10.0
    """A call, until it returns."""
    result: float = 60.0
    """What comes of a request, after the call of it has returned."""


@dataclass
class Setup:
    """All that a channel is made of."""

    controller: str
    listen: str
    is_encrypted: bool
    cookie: str = field(repr=False)
    root: Optional[bytes] = field(default=None, repr=False)
    certificate: Optional[bytes] = field(default=None, repr=False)
    key: Optional[bytes] = field(default=None, repr=False)
    patience: Patience = field(default_factory=Patience)

    @classmethod
    def read(cls, files: Files) -> Setup:
        """Reads what was provisioned. Certificates are read where ``SSL_FLAG`` says that calls
        are encrypted, as they are by default."""
        conf = _environment(files.environment)
        setup = cls(
            controller=_place(conf, "PAYLOAD_CONTROLLER_IP", "PC_API_PORT", "50051"),
            listen=_place(conf, "LISTEN_IP", "APP_API_PORT", "50053"),
            is_encrypted=conf.get("SSL_FLAG") != "0",
            cookie=_cookie(files.config),
        )
        if setup.is_encrypted:
            setup.root = _read(files.controller)
            setup.certificate = _read(files.certificate)
            setup.key = _read(files.key)
        return setup


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise SetupError(f"{error}; `payload-controller provision` makes it") from error


def _environment(path: str) -> Dict[str, str]:
    lines = _read(path).decode("utf-8", "replace").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def _place(conf: Dict[str, str], ip: str, port: str, usual: str) -> str:
    address = conf.get(ip, "127.0.0.1")
    if ":" in address:
        address = f"[{address}]"
    return f"{address}:{conf.get(port, usual)}"


def _cookie(path: str) -> str:
    try:
        cookie = json.loads(_read(path))["cookie"]
    except (ValueError, KeyError, TypeError):
        cookie = None
    if not isinstance(cookie, str) or not cookie.isascii() or not cookie.isprintable():
        raise SetupError(f"{path} has no cookie; `payload-controller provision` makes it")
    return cookie
