"""Checks that answers_the_question tells twins that answer from twins that don't.

    python benchmarks/answer_calibration.py RECORDED.jsonl … [--questions N] [--record]

RECORDED holds answers of twins and bases, one a line: {author, base, variant, question, text}, and
where known `real` (the author's passage), `document`, `source` of the question (as in a row) and
`passages`, the tokens of the passages trained on. A variant whose name begins with "the author" is
the author's passages; one that ends in ", asked by titles" was asked in that way.

For every author, base and kind of question the figure of each variant is printed, compared by
embeddings and by words, with made answers beside them that no twin may pass with: those of the best
twin shuffled ('shuffled'), behind their question ('quoting'), of another author to other questions
('wrong author'), one sentence over and over ('looping'), and refusals ('refusing'). At last stands
with what AUC the chances of single answers tell each variant from the author's passages.

With --record the chances (no text) are written to tests/answer_calibration.json.
"""

import argparse
import json
import sys
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from twinlib.evaluate import relevance
from twinlib.evaluate.figures import THRESHOLDS
from twinlib.files import read_records
from twinlib.models import embed
from twinlib.text.script import SENTENCE, language_of
from twinlib.text.statistics import auc

RECORD = ROOT / "tests" / "answer_calibration.json"
THRESHOLD = THRESHOLDS["answers_the_question"]
REFUSALS = {
    "en": ("I haven't written about that.", "I can't say.", "I never wrote about that, sorry."),
    "zh": ("我没有写过这个。", "说不上来。", "这个我没写过，说不好。"),
}


def groups(records, most):
    """{what: {variant: [{question, text, real, document, source}]}}, the same questions in each.

    `what` is (author, base, language, kind of question): 'title', 'natural' or 'both'.
    """
    found = {}
    for record in records:
        variant = record["variant"].removesuffix(", asked by titles")
        if not record["base"]:
            continue  # the author's passages, which the other records have as `real`
        kind = "title" if variant != record["variant"] else "natural"
        base = record["base"]
        if "source" in record:
            kind = "both"
            base += f", passages of {record['passages']} tokens" if "passages" in record else ""
        key = (record["author"], base, language_of(record["question"]), kind)
        variants = found.setdefault(key, {})
        answers = variants.setdefault(variant, {})
        answers.setdefault(record["question"], {"source": kind, **record})
    for (author, base, language, _), variants in found.items():
        natural = found.get((author, base, language, "natural"), {})
        passages = [
            list(each.values()) for v, each in natural.items() if v.startswith("the author")
        ]
        for answers in variants.values():
            for number, answer in enumerate(answers.values()):
                known = passages and number < len(passages[0])
                answer["real"] = answer.get("real") or (
                    passages[0][number]["text"] if known else ""
                )
                answer["document"] = answer.get("document") or f"{author} {number}"
    return {key: _of_the_same(variants, most) for key, variants in found.items()}


def _of_the_same(variants, most):
    """The variants without the author's passages, with the questions that the twins answered."""
    own = {name: each for name, each in variants.items() if not name.startswith("the author")}
    twins = [each for name, each in own.items() if name.startswith("twin")] or list(own.values())
    asked = list(max(twins, key=len))[:most] if twins else []
    return {
        name: [each[question] for question in asked]
        for name, each in own.items()
        if all(question in each for question in asked)
    }


def _others(found, author, language):
    """The answers of another author's twins in a language."""
    return [
        answer["text"]
        for (other, _, code, _), variants in found.items()
        for answers in variants.values()
        for answer in answers
        if other != author and code == language
    ]


def made(answers, others):
    """{name: answers} that must not pass, made from a twin's answers and another author's."""
    texts = [answer["text"] for answer in answers]
    shuffled = texts[len(texts) // 3 :] + texts[: len(texts) // 3]
    language = language_of(answers[0]["question"])
    lines = {
        "shuffled": shuffled,
        "quoting": [f"{answer['question']} {text}" for answer, text in zip(answers, shuffled)],
        "looping": [" ".join([SENTENCE.split(text)[0][:60]] * 12) for text in shuffled],
        "refusing": [text for _, text in zip(texts, cycle(REFUSALS[language]))],
    }
    if others:
        lines["wrong author"] = [text for _, text in zip(texts, cycle(others))]
    return {
        name: [{**answer, "text": text} for answer, text in zip(answers, of_name)]
        for name, of_name in lines.items()
    }


def measure(answers, embedder):
    """{"twin": chances, "author": chances} of answers, compared beside the author's passages."""
    lists = [[answer["text"] for answer in answers], [answer["real"] or None for answer in answers]]
    asked = ([answer[key] for answer in answers] for key in ("question", "document"))
    found = relevance.chances(*asked, lists, embedder)
    rounded = [[each if each is None else round(each, 3) for each in chances] for chances in found]
    return dict(zip(("twin", "author"), rounded))


def show(name, told, asked, embedder):
    """Print a variant's figure, its ceiling, and the AUC of the author's chances over its own."""
    found = relevance.rated_chances(told, asked, THRESHOLD, embedder.name, "thorough")
    twin, author = found["twin"], found["author"]
    if twin["value"] is None:
        return
    own, real = ([each for each in told[key] if each is not None] for key in ("twin", "author"))
    ceiling = "  –" if author["value"] is None else f"{author['value']:.2f}"
    print(
        f"  {embedder.name:5} {name:64} {twin['value']:.2f} ({twin['low']:.2f} to "
        f"{twin['high']:.2f}) of {ceiling}, n {twin['n']:3}: {twin['level']:6} "
        f"AUC {auc(real, own):.2f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recorded", nargs="+", type=Path)
    parser.add_argument("--questions", type=int, default=48, help="at most, of an author and kind")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    records = [record for path in options.recorded for record in read_records(path)]
    found, kept = groups(records, options.questions), []
    for (author, base, language, kind), answers in found.items():
        if not answers:
            continue
        print(f"\n{author}, {base}, {language}, {kind} questions", flush=True)
        answers |= made(list(answers.values())[-1], _others(found, author, language))
        for name, of_variant in answers.items():
            names = [each["document"] for each in of_variant]
            documents = [names.index(name) for name in names]
            asked = [{"document": each, "source": "local"} for each in documents]
            for embedder in (embed.embedder(), embed.Words()):
                told = measure(of_variant, embedder)
                show(name, told, asked, embedder)
                group = {"author": author, "base": base, "language": language, "kind": kind}
                found_of = {"compared_by": embedder.name, "documents": documents, "told": told}
                kept.append({**group, "variant": name, **found_of})
    if options.record:
        lines = ",\n".join(json.dumps(group, ensure_ascii=False) for group in kept)
        RECORD.write_text(f"[{lines}]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
