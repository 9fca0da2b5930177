"""The hall: the life of a chat request, top to bottom.

`answer` visits the rooms in a fixed order; the other files hold what it says to each of them.
"""

from parvis.assistant.answer import answer
from parvis.assistant.events import (
    Cancellation,
    Delta,
    Event,
    Finished,
    ReasoningDelta,
    Started,
    ToolDelta,
)

__all__ = [
    "Cancellation",
    "Delta",
    "Event",
    "Finished",
    "ReasoningDelta",
    "Started",
    "ToolDelta",
    "answer",
]
