"""The variant *twin with memory*: facts that it answers, what it makes up, and what it refuses.

The questions are those of facts.py, and for what is refused wrongly those of rows that the memory
was not fitted on (abstain.kept_apart). The memory is asked as in a conversation (memory/recall.py),
and a twin is shown training passages alone, so that nothing held out is seen. It is measured in
layers, as far as the twin's memory has them:

- L0, passages: the author's own sentences nearest to the question, without a model
- L0+L1, the same with the graph of names
- memory, L0+L1+L2: the twin answers with the passages before it, and its answer counts, not the
  author's sentences under it: own_facts.quoted tells of these
"""

from typing import TYPE_CHECKING, NamedTuple

from ..files import TwinError
from ..i18n import both, t
from ..memory import abstain, spoken
from ..memory.recall import Cited, Memory, Source
from ..text.spacing import evenly
from ..twin import Twin, figure
from . import facts
from .ratings import EMPTY, Threshold, rated, share, share_by_document, too_few

if TYPE_CHECKING:
    from .outputs import Outputs

SPLITS = ("train",)
LAYERS = ("L0", "L0+L1")
WITH_TWIN = "memory"
MAX_KNOWN = 30  # questions of rows
_TITLES = ("title", "heading")  # sources of rows that no one asks like that


class Shown(NamedTuple):
    """What a reader sees of an answer; `refused` by the memory, before a model speaks.

    `own` says that it is a sentence of the twin's own, which stands in no text word for word.
    """

    text: str
    sources: tuple[Source, ...] = ()
    refused: bool = False
    own: bool = False


class Remembered(NamedTuple):
    """{layer: [Shown]} for the questions on facts, on what was never written, and of rows.

    `known` are the layers' refusals alone, so no model answers them. `documents` are {id of a
    passage: id of its document}. `seen` says that an older version fitted the memory, also on the
    questions of `known`.
    """

    facts: dict[str, list[Shown]]
    unwritten: dict[str, list[Shown]]
    known: dict[str, list[Shown]]
    documents: dict[str, str]
    seen: bool = False


def known_questions(twin: Twin, most: int = MAX_KNOWN) -> list[str]:
    """At most `most` different questions of rows that the memory was not fitted on."""
    asked = [
        row["messages"][-2]["content"]
        for row in abstain.question_rows(twin)
        if abstain.kept_apart(row) and row.get("source") not in _TITLES
    ]
    return evenly(list(dict.fromkeys(asked)), most)


def gather(
    twin: Twin, on_facts: list[dict], unwritten: list[dict], known: list[str], outputs: "Outputs"
) -> Remembered | None:
    """What twin and memory show for these questions; None without a memory or questions."""
    if not on_facts and not unwritten:
        return None
    try:
        memory = Memory(twin)
    except TwinError:
        return None
    layers = {"L0": memory.without_graph(), "L0+L1": memory}
    if not memory.has_graph():
        del layers["L0+L1"]
    quoted: dict = {}  # embedding the sentences of a passage takes a second
    sets = {
        "facts": [each["question"] for each in on_facts],
        "unwritten": [each["question"] for each in unwritten],
        "known": known,
    }
    found = {name: {} for name in sets}
    for name, texts in sets.items():
        for layer, asked in layers.items():
            # Of the rows that are kept apart most are held out: their passages are in the memory,
            # and no model reads them here.
            splits = None if name == "known" else SPLITS
            recalls = [asked.recall(_turn(text), splits) for text in texts]
            found[name][layer] = [_without_model(asked, recall, quoted) for recall in recalls]
        # The last layer's passages go before the twin's question.
        found[name][WITH_TWIN] = (
            found[name][layer]
            if name == "known"
            else _answered(twin, memory, recalls, quoted, outputs)
        )
    documents = {record["id"]: record["document"] for record in twin.records("passages")}
    fits = (memory.calibrations or {}).values()
    return Remembered(**found, documents=documents, seen=any(not fit.kept_apart for fit in fits))


def _turn(text):
    return [{"role": "user", "content": text}]


def _without_model(memory, recall, quoted):
    text = recall.refusal or recall.told
    key = (text, recall.question, tuple(passage.id for passage in recall.searched))
    if key not in quoted:
        cited = memory.cited(recall, text) if text else Cited([], memory.own_words(recall), True)
        quoted[key] = tuple(cited.sources) if cited else ()
    return Shown(text, quoted[key], bool(recall.refusal))


def _answered(twin, memory, recalls, quoted, outputs):
    system = [{"role": "system", "content": twin.facts.get("system_prompt", "")}]
    asked = [recall for recall in recalls if not (recall.refusal or recall.told)]
    turns = [system + memory.given(each, _turn(each.question)) for each in asked]
    note = t("evaluate.with_memory")
    texts = iter(outputs.replies(True, turns, facts.MAX_TOKENS, note) if turns else [])
    shown = []
    for recall in recalls:
        if recall.refusal or recall.told:
            shown.append(_without_model(memory, recall, quoted))
            continue
        text = next(texts)
        if recall.passages:
            text = spoken.whole(memory, recall, text)
        cited = memory.cited(recall, text)
        own = bool(recall.passages) and spoken.is_of_its_own(recall, text)
        shown.append(Shown(text, tuple(cited.sources) if cited else (), own=own))
    return shown


# The figures


def figures(
    found: Remembered | None,
    on_facts: list[dict],
    unwritten: list[dict],
    thresholds: dict[str, Threshold],
) -> dict[str, dict]:
    """{name: figure}: own_facts.memory, own_facts.quoted, never_wrote.memory and
    never_wrote.memory_refused, and the first of each kind for the layers without a model.

    Without a memory the first alone, whose note says so.
    """
    if found is None:
        return {"own_facts.memory": figure(None, note=both("evaluate.no_memory"))}
    measured = {}
    for layer in (*LAYERS, WITH_TWIN):
        if layer not in found.facts:
            continue
        measured |= {
            f"own_facts.{layer}": _answers(found, on_facts, layer, thresholds),
            f"never_wrote.{layer}": _made_up(found.unwritten[layer], unwritten, layer, thresholds),
        }
    refused = [shown.refused for shown in found.known[WITH_TWIN]]
    name = "never_wrote.memory_refused"
    if found.seen:
        measured[name] = figure(None, note=both("evaluate.memory_fitted_on_all"))
    elif len(refused) < facts.MIN_QUESTIONS:
        measured[name] = too_few(both("evaluate.few_known", n=len(refused)), len(refused))
    else:
        details = both("evaluate.memory_refused", n=len(refused), refused=sum(refused))
        measured[name] = rated(share(sum(refused), len(refused)), thresholds[name], EMPTY, details)
    return measured | {"own_facts.quoted": _quoted(found, on_facts, thresholds["own_facts.quoted"])}


def _answers(found, questions, layer, thresholds):
    n = len(questions)
    if n < facts.MIN_QUESTIONS:
        return too_few(both("evaluate.few_facts", n=n, least=facts.MIN_QUESTIONS), n)
    right = [
        # What a refusal quotes as the nearest that there is, the twin doesn't say as its answer.
        (facts.is_right(question, shown.text) and not (shown.refused and layer == WITH_TWIN))
        or (layer != WITH_TWIN and _is_quoted(question, shown, found.documents))
        for question, shown in zip(questions, found.facts[layer])
    ]
    key = "evaluate.facts_said" if layer == WITH_TWIN else "evaluate.facts_shown"
    documents = [question["document"] for question in questions]
    measured = share_by_document(right, documents)
    own = sum(shown.own and hit for shown, hit in zip(found.facts[layer], right))
    told = sum(hit and each.get("kind") == facts.YEAR for each, hit in zip(questions, right))
    details = both(key, n=n, right=sum(right), own=own, told=told)
    return _rated(f"own_facts.{layer}", measured, thresholds, details)


def _is_quoted(question, shown, documents):
    return any(supports(question, source, documents) for source in shown.sources)


def supports(question: dict, source: Source, documents: dict[str, str]) -> bool:
    """Whether a source that is shown under an answer has the fact that was asked for.

    When a text was written is told by the date of that text; anything else by what is quoted: a
    number in a date is no answer to how many. `documents` are {id of a passage: its document's}.
    """
    if question.get("kind") == facts.YEAR:
        is_of_text = documents.get(source.passage) == question["document"]
        return is_of_text and source.date.startswith(question["answer"])
    return facts.is_right(question, source.quote)


def _made_up(shown, questions, layer, thresholds):
    """A quotation alone invents nothing, but answers what was never written."""
    n = len(questions)
    if n < facts.MIN_QUESTIONS:
        return too_few(both("evaluate.few_unwritten", n=n), n)
    hits = [
        not each.refused
        and not facts.refuses(each.text, question["language"], question["question"])
        for question, each in zip(questions, shown)
    ]
    details = both("evaluate.made_up_with_memory", n=n, hits=sum(hits))
    subjects = [question.get("subject", i) for i, question in enumerate(questions)]
    return _rated(f"never_wrote.{layer}", share_by_document(hits, subjects), thresholds, details)


def _rated(name, measured, thresholds, details):
    return rated(measured, thresholds.get(name), EMPTY, details)


def _quoted(found, questions, threshold):
    """The share of answers with quotations, of those on facts, that one of them supports."""
    asked = [
        (question, shown)
        for question, shown in zip(questions, found.facts[WITH_TWIN])
        if shown.sources
    ]
    quoted = [_is_quoted(question, shown, found.documents) for question, shown in asked]
    n, right = len(quoted), sum(quoted)
    if n < facts.MIN_QUESTIONS:
        return too_few(both("evaluate.few_quoted", n=n), n)
    details = both("evaluate.quoted", n=n, right=right)
    documents = [question["document"] for question, _ in asked]
    return rated(share_by_document(quoted, documents), threshold, EMPTY, details)
