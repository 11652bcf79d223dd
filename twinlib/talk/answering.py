"""Answers to requests of another process, as JSON lines on standard input and output.

The chat in a notebook starts `python -m twinlib.talk.answering TWIN`: the kernel stays free, and
the memory is returned when this process ends. It ends with its input, and after some minutes
without a request.

A request is {id, voice, messages, memory, tokens, temperature, seed} or {stop: id}; messages end
with the question, and `memory` says whether to answer from the author's passages. What comes back
is {id, text} for each piece of the answer, {id, note} while something is loaded, and at the end
{id, end: done|stopped|error, text, under} with the whole answer or the error, and what stands under
it: its sources and what is in none, as {text} or {text, quote, passage}.
"""

import json
import os
import queue
import sys
import threading

from ..files import TwinError
from ..i18n import t
from ..models.llama_cpp import Halt, Halted
from ..twin import Twin
from . import remember
from .voices import Voices

IDLE = 600.0  # seconds without a request after which the memory is returned


class Answering:
    """Requests in their order, each answered by `voices`; `send(event)` passes on what comes."""

    def __init__(self, voices, send):
        self.voices, self.send = voices, send
        self._newest = None
        self._requests, self._unwanted, self._halts = queue.Queue(), set(), {}

    def take(self, request: dict | None) -> None:
        """Queue a request or stop one; None ends `run` after the answer that is being given."""
        if request is None:
            self._unwanted.add(None)
        elif "stop" in request:
            self._unwanted.add(request["stop"])
            if halt := self._halts.get(request["stop"]):
                halt()
            return
        self._requests.put(request)

    def run(self, idle: float = IDLE) -> None:
        """Answer until the input ends, or for `idle` seconds no request comes."""
        while True:
            try:
                request = self._requests.get(timeout=idle)
            except queue.Empty:
                return
            if request is None:
                return
            self._answer(**request)

    def _remembered(self):
        self._newest = self._newest or remember.Newest(self.voices.twin)
        return self._newest.memory()

    def _answer(self, id, voice, messages, memory=False, **sampling):
        pieces, under = [], []
        self._halts[id] = sampling["halt"] = Halt()

        def check():
            if not self._unwanted.isdisjoint((id, None)):
                raise Halted

        def pass_on(piece):
            check()
            pieces.append(piece)
            self.send({"id": id, "text": piece})

        self.voices.say = lambda note: self.send({"id": id, "note": note})
        try:
            check()
            self.send({"id": id, "note": t("talk.thinks")})
            known, notes = self._remembered() if memory else (None, [])
            text, cited = remember.answer(self.voices, known, voice, messages, pass_on, **sampling)
            end = "done"
            if cited:
                told = remember.under(cited, self.voices.twin.author, text)
                under = [_line(known, *each) for each in told]
            under += [{"text": str(note)} for note in notes]
        except Halted:
            text, end = "".join(pieces), "stopped"
        except TwinError as error:
            text, end = str(error), "error"
        except Exception as error:  # of any library: the chat goes on with the next question
            text, end = t("core.unexpected_error", name=type(error).__name__, error=error), "error"
        del self._halts[id]
        self.send({"id": id, "end": end, "text": text, "under": under})


def _line(memory, text, source):
    """A line under an answer, with the passage that it opens."""
    passages = memory.index.passages if source else ()
    opened = [each.text for each in passages if each.id == source.passage]
    return {"text": text, **({"quote": source.quote, "passage": opened[0]} if opened else {})}


def main(path: str) -> None:
    """Answer the requests on standard input with the twin at `path`."""
    # Whatever a library prints must not mix with the events.
    output, sys.stdout = sys.stdout, sys.stderr

    def send(event):
        output.write(json.dumps(event) + "\n")
        output.flush()

    with Voices(Twin.open(path, create=False)) as voices:
        answering = Answering(voices, send)

        def read():
            for line in sys.stdin:
                answering.take(json.loads(line))
            answering.take(None)

        threading.Thread(target=read, daemon=True).start()
        answering.run()
    sys.stderr.flush()
    os._exit(0)  # the reader may still wait for input


if __name__ == "__main__":
    main(sys.argv[1])
