"""Whether the entity graph finds more than the search alone: two-hop and global questions.

    python benchmarks/memory_graph.py TWIN …

TWIN has run `twinlib memory`. Two-hop questions are made of words that exactly two posts share, as
found by rjieba's tags and capitals, not by the graph's own tagger (many of rjieba's are no names).
A question quotes a clause beside the word, and never has the word itself:

    elsewhere   what else was written of what stands beside a clause of one post
    linked      what connects a clause of one post with a clause of the other

Right is a question with a passage of each post, that has the word, among the first five. McNemar's
exact test compares each arm with the search alone (L0): the graph alone (L1), and both (L0+L1).
"""

import collections
import re
import sys

from twinlib.files import content_id
from twinlib.memory import graph, lexical
from twinlib.memory.entities import sentences
from twinlib.memory.index import Index
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


def shared_names(index):
    """{name: {document: [(passage, sentence)]}} of names that two documents share."""
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


def main(*names):
    """Print a table for each twin."""
    for name in names:
        twin = Twin.open(name, create=False)
        index = Index.open(twin)
        made = graph.load(twin, index.passages)
        for kind, asked in questions(index).items():
            hits = {"L0": [], "L1": [], "L0+L1": []}
            for question, (here, there) in asked:
                search = index.search(question, FIRST)
                ranked = made.elsewhere(index, question, search)
                fused = index.chosen([*search.rankings, ranked], FIRST)
                only = index.chosen([ranked], FIRST)
                for arm, found in zip(hits, (search.found, only, fused)):
                    hits[arm].append(bool(here & set(found)) and bool(there & set(found)))
            for arm, right in hits.items():
                low, high = wilson(sum(right), len(right))
                gain, _, _, p = mcnemar(hits["L0"], right)
                print(
                    f"{name} {kind} {arm}: {sum(right)}/{len(right)} ({low:.0%} to {high:.0%})"
                    f" {gain:+.0%}, p {p:.3f}"
                )


if __name__ == "__main__":
    main(*sys.argv[1:])
