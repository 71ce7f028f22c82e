"""Hands files to the Heliograph OORT-style agent, for the payload's bucket on the ground, and
retrieves what came up. No dependencies; Python 3.9 or newer. Copy the directory.

    import heliograph_oort

    agent = heliograph_oort.Agent()
    agent.wait(agent.send_file("/data/image.raw", "images"))    # the ground has it

and the other way

    for file in agent.query_available_files("plans"):
        agent.retrieve_file(file.id, f"/data/{file.name}")
"""

from __future__ import annotations

from .agent import Agent
from .errors import NoAgent, NotDelivered, NotEnded, OortError, Refused
from .said import AvailableFiles, FileInfo, Item, Receipt

__all__ = [
    "Agent",
    "AvailableFiles",
    "FileInfo",
    "Item",
    "NoAgent",
    "NotDelivered",
    "NotEnded",
    "OortError",
    "Receipt",
    "Refused",
]
