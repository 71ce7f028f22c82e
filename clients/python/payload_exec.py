#!/usr/bin/env python3
"""A payload that is called through ``payload_exec``: in each window it takes a picture and hands
it over for the ground.

Installed as ``/usr/bin/payload_exec`` with mode 755, ``heliograph_oort`` beside it, it is called

    payload_exec -u USER -e -w WINDOW [-t END]    before a window: is everything there?
    payload_exec -u USER -w WINDOW -t END         at its start
    payload_exec -u USER -s -w WINDOW -t END      at its end, where the spacecraft is set up so

A file ``payload_exec.json`` beside it may say ``signaling_dir``, ``data_dir``, ``agent`` and
``topic``. Try it with ``payload-controller doctor``.
"""

import argparse
import json
import math
import pathlib
import sys
import time

import heliograph_oort

#: What holds where the file says nothing.
DEFAULTS = {
    "signaling_dir": "/signaling",
    "data_dir": "/data",
    "agent": "http://127.0.0.1:2005",
    "topic": "pictures",
}
#: s before the end of the window in which nothing new is begun: power goes off then.
MARGIN_S = 1
SIDE_MAX = 4096


def settings():
    """What is set up here."""
    path = pathlib.Path(__file__).resolve().with_name("payload_exec.json")
    own = json.loads(path.read_text()) if path.exists() else {}
    return {**DEFAULTS, **own}


def window(here, window_id):
    """What the ground wants of this window."""
    path = pathlib.Path(here["signaling_dir"], "window_configs", f"{window_id}.json")
    config = json.loads(path.read_text())
    if config["version"] not in (1, 2):
        raise ValueError(f"{path}: version {config['version']} is not known")
    wanted = config["signal_parameters"]["tasking_parameters"]
    side = wanted.get("side", 64)
    if not isinstance(side, int) or not 1 <= side <= SIDE_MAX:
        raise ValueError(f"`side` is {side!r}: 1 to {SIDE_MAX} is meant")
    return {"side": side}


def configure(here, arguments):
    """Whatever makes the window fail is found out here. This returns within 15 s."""
    wanted = window(here, arguments.window)
    pathlib.Path(here["data_dir"]).mkdir(parents=True, exist_ok=True)
    print(f"a picture of {wanted['side']} by {wanted['side']}")


def take_picture(path, side):
    """A grey picture (PGM) of what is below: waves."""
    row = (128 + 127 * math.sin(at / 7) for at in range(side))
    row = bytes(int(grey) for grey in row)
    path.write_bytes(b"P5 %d %d 255\n" % (side, side) + row * side)


def start(here, arguments):
    """The window itself. What is handed over goes down, also when power goes off."""
    wanted = window(here, arguments.window)
    if time.time() + MARGIN_S >= arguments.end:
        raise TimeoutError("no time is left in this window")
    path = pathlib.Path(here["data_dir"], f"{arguments.window}.pgm")
    take_picture(path, wanted["side"])
    agent = heliograph_oort.Agent(here["agent"])
    token = {"window": arguments.window}
    # Asked again after a crash, it is handed over once.
    item = agent.send_file(path, here["topic"], tags=token, key=f"window-{arguments.window}")
    print(f"handed over as {item}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-u", dest="user", required=True)
    parser.add_argument("-w", dest="window", required=True)
    parser.add_argument("-t", dest="end", type=int, help="when it is to have returned")
    # These are flags: type=bool would want a word after them.
    parser.add_argument("-e", dest="configure", action="store_true")
    parser.add_argument("-s", dest="stop", action="store_true")
    arguments = parser.parse_args()
    here = settings()
    try:
        if arguments.configure:
            configure(here, arguments)
        elif not arguments.stop:
            start(here, arguments)
    except (OSError, ValueError, KeyError, heliograph_oort.OortError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
