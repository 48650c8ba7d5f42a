"""Block Kit as Slack enforces it: limits, nesting and uniqueness, with the path of every fault."""

from playground.blockkit.normal import interactive_elements, iter_blocks, normalise
from playground.blockkit.surfaces import MESSAGE_BYTES, blocks_bytes, check_message, check_view

__all__ = [
    "MESSAGE_BYTES",
    "blocks_bytes",
    "check_message",
    "check_view",
    "interactive_elements",
    "iter_blocks",
    "normalise",
]
