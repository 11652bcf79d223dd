"""Which answers the owner liked and which not, kept for a later training on preferences.

twins/NAME/talk/decisions.json holds {id: {action: up|down, question, before, answer, who, memory,
beside}}: `before` are the earlier turns, and `beside` the answers that others gave to the same
question, so that two of them with different decisions are a pair. No step reads it yet, so that a
thumb makes nothing stale.
"""

from ..files import content_id, locked, read_json, write_json
from ..twin import Twin


def decide(twin: Twin, action: str | None, question: str, answer: str, **about) -> None:
    """Keep what the owner thinks of an answer; None takes it back."""
    with locked(twin.file("lock")):
        saved = decisions(twin)
        saved.pop(id_of(question, answer), None)
        if action:
            given = {"action": action, "question": question, "answer": answer, **about}
            saved[id_of(question, answer)] = given
        write_json(twin.file("preferences"), saved)


def decisions(twin: Twin) -> dict[str, dict]:
    """All decisions by id; raises TwinError where the file was damaged."""
    try:
        return read_json(twin.file("preferences"), damaged="core.decisions_damaged")
    except FileNotFoundError:
        return {}


def id_of(question: str, answer: str) -> str:
    """The id of an answer to a question."""
    return content_id(f"{question}\n{answer}")
