"""Whose words are learnt from chats of programs that no reader knows, in six languages.

    python benchmarks/chat_layouts.py [--shapes-alone | --newest-first | --in .docx]

Reads the small exports of tests/chat_layouts.py, sets of other layouts and sentences each, and
prints for each set: how many exports are read, and how many learnt as prose, the others' words with
them; of the exports that are read, how many of the owner's lines are left out, and how many are too
short to learn from; and how many lines of other people, forwarded messages, sentences of programs,
choices of polls, and labels of the program's pages are learnt as the owner's.
With --shapes-alone every list of what programs say is taken out of the code, as if each export had
wordings that nobody knows. With --newest-first each export that has times and is read by sender is
read a second time with its newest message first: of how many the owner's lines come in the order in
which they were written, of how many all questions and answers are the same, whose lines are learnt,
and how many are learnt as prose. With --in the exports are pasted into documents, which are .docx,
.odt, .rtf, .pdf or .html.
"""

import argparse
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


WORDINGS = (
    "_DONE _YOU _ANYWHERE _FORWARDED _FORWARDED_INLINE _ANSWERED "
    "_POLL_WORD _POLL _CHOICE _VOTES _QUOTED"
)


def take_out_wordings():
    """Let the patterns of what programs say match nothing, in this process."""
    from twinlib.corpus.readers.chats import messages, others

    never = re.compile(r"(?!)")
    for name in WORDINGS.split():
        assert hasattr(others, name)
        setattr(others, name, never)
    messages._NOTHING = never


def is_in_order(export, turns):
    """Whether the owner's lines in the turns mostly come one after the other as he wrote them."""
    said = [line for _, answer in turns for line in answer.split("\n") if line in export.own]
    places = list(map(export.own.index, said))
    steps = list(zip(places, places[1:]))
    return sum(b > a for a, b in steps) > sum(b < a for a, b in steps)


def newest_first():
    """Print what is read of the exports with their newest message first."""
    import chat_layouts

    print("set  read by sender  turned: in order  all the same  other people's lines  as prose")
    for group in chat_layouts.SETS:
        count = Counter()
        with tempfile.TemporaryDirectory() as folder:
            for export in chat_layouts.every(group):
                before = export.newest_first and chat_layouts.turns(export, Path(folder) / group)
                if not before:
                    continue
                turned = export._replace(text=export.newest_first)
                lines = chat_layouts.learnt(turned, Path(folder) / group)
                after = chat_layouts.turns(turned, Path(folder) / group)
                leaked, total = chat_layouts.leaks(turned, lines)["other people"]
                count += Counter(read=1, same=before == after, leaked=leaked, all=total)
                count += Counter(ordered=is_in_order(export, after))
                count += Counter(prose=bool(lines) and not after)
        leaked = f"{count['leaked']} of {count['all']}"
        row = f"{group:4} {count['read']:14}  {count['ordered']:16}  {count['same']:12}"
        row += f"  {leaked:>20}"
        print(f"{row}  {count['prose']:8}", flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes-alone", action="store_true")
    parser.add_argument("--newest-first", action="store_true")
    parser.add_argument("--in", dest="suffix", default="", metavar="SUFFIX")
    given = parser.parse_args()
    import chat_layouts

    if given.newest_first:
        newest_first()
        return
    if given.shapes_alone:
        take_out_wordings()

    kinds = ("other people", "forwarded", "programs", "polls")
    heads = "set  exports  read  as prose  own left out  too short  "
    print(heads + "  ".join(f"{kind:>13}" for kind in kinds) + "  labels")
    for group in chat_layouts.SETS:
        with tempfile.TemporaryDirectory() as folder:
            count = chat_layouts.counted(group, Path(folder), given.suffix)
        print(f"{group:4} {row_of(count, kinds)}", flush=True)


def row_of(count, kinds):
    """A row of the table."""
    shares = "  ".join(f"{count[kind]:5} of {count[f'all {kind}']:4}" for kind in kinds)
    row = f"{count['exports']:7}  {count['read']:4}  {count['as prose']:8}"
    row += f"  {count['left out']:4} of {count['own']:4}  {count['too short']:9}"
    return f"{row}   {shares}  {count['labels']:6}"


if __name__ == "__main__":
    main()
