"""What a twin says to a reader's questions, asked one by one as `twinlib talk` asks, with memory.

    python benchmarks/reader_questions.py TWIN FILE … [--skip 12] [--first 12] [--without-model]
        [--quiet]

TWIN has run `twinlib memory` and has a GGUF file; the files are
memory_questions/sample_blog_readers.jsonl, _more.jsonl and _later.jsonl, whose answers were read
while the memory was made, and the same with _kept, whose answers were not; those of pepys and
lu_xun are for twins of these authors. Each question is printed with the answer,
what stands under it, and the fact that is expected: in the answer, only under it, or nowhere.
Whether the answer makes sense must be read. With --without-model the author's sentences that the
memory has for a question are the answer, which takes a second each; --quiet prints the counts
alone. Counted by themselves are answers in a sentence of the twin's own, which stands in no text
word for word, and how many of these have the fact. Where the memory is not sure that the author
wrote of it, the answer says so before his nearest sentences: these are counted once more by
themselves.
"""

import argparse
from pathlib import Path

from twinlib.files import read_records
from twinlib.i18n import both
from twinlib.memory import spoken
from twinlib.memory.recall import Memory
from twinlib.talk import remember
from twinlib.talk.voices import Voices
from twinlib.text.statistics import wilson
from twinlib.twin import Twin

TOKENS = 300  # of an answer, as in talk
_NOT_SURE = tuple(both("memory.not_sure").values())


def asked_as_talk_does(
    voices: Voices | None, memory: Memory, author: str, question: str
) -> tuple[str, str]:
    """(the answer, the lines under it) to the first question of a conversation."""
    messages = messages_of({"question": question})
    if voices is None:
        recall = memory.recall(messages)
        said = recall.refusal or recall.told or memory.own_sentences(recall)
        cited = memory.cited(recall, said)
    else:
        said, cited = remember.answer(
            voices, memory, "file", messages, lambda _: None, tokens=TOKENS
        )
    lines = remember.lines(cited, author, said) if cited else []
    return said, "\n".join(lines)


def messages_of(asked: dict) -> list[dict]:
    """A conversation that begins with a question."""
    return [{"role": "user", "content": asked["question"]}]


def is_of_its_own(memory: Memory, asked: dict, said: str) -> bool:
    """Whether an answer from passages begins with a sentence of the twin's own."""
    recall = memory.recall(messages_of(asked))
    reply = recall.refusal or recall.told
    return not reply and bool(recall.passages) and spoken.is_of_its_own(recall, said)


def where_found(answers: list[str], said: str, below: str) -> str:
    """Whether a right answer is 'said', stands 'under' the answer, or is 'not' there."""
    for where, text in (("said", said), ("under", below)):
        if any(answer.lower() in text.lower() for answer in answers):
            return where
    return "not"


def main() -> None:
    """Print the questions with their answers, and how many have the fact."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("twin", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--skip", type=int, default=0, help="so many questions of each file")
    parser.add_argument("--first", type=int, help="only so many of the others")
    parser.add_argument("--without-model", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    given = parser.parse_args()
    twin = Twin.open(given.twin, create=False)
    memory = Memory(twin)
    with Voices(twin, say=lambda _: None) as speakers:
        voices = None if given.without_model else speakers
        for file in given.files:
            counts, unsure = {"said": 0, "under": 0, "not": 0}, 0
            own = []  # whether the answers in the twin's own sentences have the fact
            asked = list(read_records(file))[given.skip :][: given.first]
            for number, each in enumerate(asked, given.skip + 1):
                said, below = asked_as_talk_does(voices, memory, twin.author, each["question"])
                where = where_found(each["answer"], said, below)
                counts[where] += 1
                if is_of_its_own(memory, each, said):
                    own.append(where == "said")
                unsure += where != "not" and said.startswith(_NOT_SURE)
                if not given.quiet:
                    expected = " | ".join(each["answer"])
                    print(f"{number}. {each['question']}\n   {said}", flush=True)
                    print("   " + below.replace("\n", "\n   "))
                    print(f"   [{where}: {expected}]\n", flush=True)
            every = sum(counts.values())
            shown = counts["said"] + counts["under"]
            print(
                f"{file.stem}: the fact is in {_share(counts['said'], every)} answers, with what "
                f"stands under them in {_share(shown, every)}; of these {unsure} say “not sure”; "
                f"in sentences of its own {len(own)} answers, {sum(own)} of them with the fact"
            )


def _share(hits, every):
    low, high = wilson(hits, every)
    return f"{hits} of {every} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
