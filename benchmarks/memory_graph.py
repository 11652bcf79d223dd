"""Whether the entity graph finds more than the search alone: two-hop and global questions.

    python benchmarks/memory_graph.py TWIN …

TWIN has run `twinlib memory`. Two-hop questions are made of words that exactly two posts share, as
found by rjieba's tags and capitals, not by the graph's own tagger (many of rjieba's are no names).
A question quotes a clause beside the word, and never has the word itself:

    elsewhere   what else was written of what stands beside a clause of one post
    linked      what connects a clause of one post with a clause of the other

Right is a question with a passage of each post, that has the word, among the first five. McNemar's
exact test compares each arm with the search alone (L0): the graph alone (L1), and both (L0+L1).

Of global questions there are two kinds, answered by the search's first five passages and by what
the memory tells:

    returning   which of the 20 names, that most posts have (but not more than half), are told
    change      whether of a name in four or more dated posts both an early and a late one are told:
                of the first and of the last third
"""

import argparse
import collections
import re

from twinlib.files import content_id
from twinlib.memory import lexical
from twinlib.memory.lexical import sentences
from twinlib.memory.recall import Memory
from twinlib.text.script import has_han, language_of
from twinlib.text.statistics import mcnemar, wilson
from twinlib.twin import Twin

FIRST = 5  # passages that count as found
_MOST = 150  # questions of each kind
_ASKED = {
    "elsewhere": {
        "en": "Where you wrote “{first}” you named something. What did you write of it elsewhere?",
        "zh": "你写“{first}”的地方提到的那个，你在别的文章里是怎么写的？",
    },
    "linked": {
        "en": "What connects “{first}” with “{second}”?",
        "zh": "“{first}”和“{second}”之间有什么联系？",
    },
}

_WIDEST = 20  # names that an answer to a question on all texts should tell
_GLOBAL = {
    "en": ["What do you keep coming back to?"],
    "zh": ["你反复写到的是什么？"],
}
_CHANGED = {"en": "How did your mind change about {name}?", "zh": "你对{name}的看法是怎么变的？"}


def names_in(index):
    """{name: {document: [(passage, sentence)]}} by rjieba's tags, capitals and 《》."""
    import rjieba

    places = collections.defaultdict(lambda: collections.defaultdict(list))
    for number, passage in enumerate(index.passages):
        for sentence in sentences(passage.text):
            names = re.findall(r"(?<=[a-z,;] )[A-Z][a-z]{3,}", sentence)
            if has_han(sentence):
                tagged = rjieba.tag(sentence)
                names += [word for word, tag in tagged if tag in ("nr", "nrt", "ns", "nt", "nz")]
                names += re.findall("《([^》]{2,20})》", sentence)
            for name in set(names):
                if len(name) > 1:
                    places[name][passage.document].append((number, sentence))
    return places


def shared_names(index):
    """The same of names that exactly two documents share."""
    places = names_in(index)
    whole = {name: {p.document for p in index.passages if name in p.searched} for name in places}
    return {name: found for name, found in places.items() if len(found) == len(whole[name]) == 2}


def questions(index):
    """[(kind, question, (passages of the first post, passages of the second))]."""
    made = {kind: [] for kind in _ASKED}
    for name, found in sorted(shared_names(index).items(), key=lambda each: content_id(each[0])):
        clauses, gold, language = [], [], ""
        for places in found.values():
            clauses.append(next(filter(None, (_clause(text, name) for _, text in places)), ""))
            gold.append({number for number, _ in places})
            language = language_of(places[0][1])
        if clauses[0]:
            made["elsewhere"].append((_ASKED["elsewhere"][language].format(first=clauses[0]), gold))
        if all(clauses):
            first, second = clauses
            text = _ASKED["linked"][language].format(first=first, second=second)
            made["linked"].append((text, gold))
    return {kind: asked[:_MOST] for kind, asked in made.items()}


def _clause(sentence, name):
    """The longest part of a sentence between two marks without the name, cut short; '' if none."""
    parts = [part.strip(" .“”\"'‘’") for part in re.split("[，,；;：:。！？!?（）()—]", sentence)]
    parts = [part for part in parts if name not in part and len(lexical.subject_words(part)) > 2]
    longest = max(parts, key=len, default="")
    return longest[:20] if has_han(longest) else " ".join(longest.split()[:12])


def recurring(index):
    """{name: documents} of the names that several documents have, found as in `shared_names`."""
    found = {}
    for name in names_in(index):
        held = {passage.document for passage in index.passages if name in passage.searched}
        if len(held) > 2:
            found[name] = held
    return found


def global_hits(memory):
    """{kind: ([right of the search], [right of the memory])}."""
    index, found = memory.index, recurring(memory.index)
    half = len({passage.document for passage in index.passages}) / 2
    widest = [name for name in found if len(found[name]) <= half]
    widest = sorted(widest, key=lambda name: (-len(found[name]), name))[:_WIDEST]
    shares = sum(passage.language == "zh" for passage in index.passages) / len(index.passages)
    hits = {"returning": ([], []), "change": ([], [])}
    for question in _GLOBAL["zh" if shares > 0.5 else "en"]:
        searched = "\n".join(index.passages[p].searched for p in index.search(question).found)
        told = memory.recall([{"role": "user", "content": question}])
        said = "\n".join([told.told, *(source.quote for source in told.sources)])
        hits["returning"][0].extend(name in searched for name in widest)
        hits["returning"][1].extend(name in said for name in widest)
    for name in sorted(found, key=content_id):
        dates = sorted({p.date for p in index.passages if name in p.searched and p.date})
        if len(dates) < 4:
            continue
        question = _CHANGED["zh" if has_han(name) else "en"].format(name=name)
        searched = [
            index.passages[place]
            for place in index.search(question).found
            if name in index.passages[place].searched
        ]
        told = memory.recall([{"role": "user", "content": question}])
        third = len(dates) // 3
        for right, shown in zip(
            hits["change"], (searched, told.sources if told.told else searched)
        ):
            seen = {each.date for each in shown}
            right.append(bool(seen & set(dates[:third])) and bool(seen & set(dates[-third:])))
    return hits


def report(name, kind, hits):
    """A line for each arm, with McNemar's test against the search alone."""
    for arm, right in hits.items():
        low, high = wilson(sum(right), len(right))
        gain, _, _, p = mcnemar(hits["L0"], right)
        counts = f"{sum(right)}/{len(right)} ({low:.0%} to {high:.0%})"
        print(f"{name} · {kind} · {arm}: {counts} {gain:+.0%}, p {p:.4f}", flush=True)


def main(*names):
    """Print a table for each twin."""
    for name in names:
        twin = Twin.open(name, create=False)
        memory = Memory(twin)
        index, made = memory.index, memory.overview.graph
        for kind, asked in questions(index).items():
            hits = {"L0": [], "L1": [], "L0+L1": []}
            for question, (here, there) in asked:
                search = index.search(question, FIRST)
                ranked = made.elsewhere(index, question, search)
                fused = index.chosen([*search.rankings, ranked], FIRST)
                only = index.chosen([ranked], FIRST)
                for arm, found in zip(hits, (search.found, only, fused)):
                    hits[arm].append(bool(here & set(found)) and bool(there & set(found)))
            report(twin.path.name, kind, hits)
        for kind, (searched, told) in global_hits(memory).items():
            if searched:
                report(twin.path.name, kind, {"L0": searched, "L1": told})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("twins", metavar="TWIN", nargs="+")
    main(*parser.parse_args().twins)
