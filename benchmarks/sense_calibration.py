"""Prints which measures tell parrots from authors and from better twins: the basis of makes_sense.

    python benchmarks/sense_calibration.py RECORDED.jsonl … --author NAME=FOLDER …
        [--parrot gemma-3-270m] [--slow NUMBER] [--record]

RECORDED holds answers, one a line: {author, base, variant, question, text}. NAME is an author in
them and FOLDER has that author's writing, of which every second document is compared with and the
rest stand for the author's own passages. Twins whose base is PARROT are the parrots; a twin that
was made to fail otherwise has "parrot" in its variant.

For each language the table has the AUC with which a measure of single answers, all cut to the same
length, puts the author's passages and each group of twins above the parrots of *other* twins and of
their own, and the seconds that an answer takes. Measures are counted in the author's own standard
deviations. With --slow, NUMBER answers of each group are also measured by embeddings and by the
0.5B base: the gain of the true order of sentences and of clauses over a shuffled one, mean
likelihood, and the base asked whether the text makes sense.

Then the figure makes_sense of each variant. With --record what makes_sense found of each answer
(no text) is written to tests/sense_calibration.json.
"""

import argparse
import json
import random
import re
import sys
import time
import zlib
from collections import defaultdict
from pathlib import Path
from statistics import mean, pstdev

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from twinlib.evaluate import sense
from twinlib.files import read_records
from twinlib.i18n import LANGUAGES, data
from twinlib.text import style, variety
from twinlib.text.script import CLAUSE, SENTENCE, language_of
from twinlib.text.statistics import auc

RECORD = ROOT / "tests" / "sense_calibration.json"
BASE = "qwen2.5-coder-0.5b-instruct"
FEWEST = 8  # answers of a group
ASKED = {
    "en": 'Here is a text:\n"""\n{text}\n"""\nDoes it make sense, with sentences that follow from '
    "each other? Answer Yes or No.",
    "zh": "下面是一段文字：\n“{text}”\n它通顺、有道理、前后连贯吗？只回答“是”或“否”。",
}
REPLIES = {"en": ("Yes", "No"), "zh": ("是", "否")}


# Recorded answers and the author's passages


def groups(records, folders):
    """{(author, language, variant): [{text, question, document}]} with the author's as 'author'."""
    found = defaultdict(list)
    for record in records:
        if record["author"] not in folders or "author" in record["variant"]:
            continue
        language = language_of(record["question"])
        name = f"{record['variant']}, {record['base']}"
        document = record.get("document") or record["question"]
        found[record["author"], language, name].append({**record, "document": document})
    for author, (_, unseen) in folders.items():
        for document, text in unseen:
            language = language_of(text)
            for piece in style.windows(text, sense.LENGTHS[language])[:3]:
                own = {"text": piece, "question": "", "document": document}
                found[author, language, "author"].append(own)
    return found


def halves(folder):
    """([texts to compare with], [(document, text) that stand for the author])."""
    texts = []
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix in (".md", ".txt") and path.name != "README.md":
            text = path.read_text(encoding="utf-8")
            front = re.match(r"(---|\+\+\+)\n.*?\n\1\n", text, re.DOTALL)
            texts.append((path.name, text[front.end() :] if front else text))
    by_language = [[each for each in texts if language_of(each[1]) == code] for code in LANGUAGES]
    seen = [text for each in by_language for _, text in each[::2]]
    return seen, [pair for each in by_language for pair in each[1::2]]


# Measures: the higher, the more sense


def repeated(size):
    def measure(text, language):
        units = variety.words(text, language)
        grams = [tuple(units[i : i + size]) for i in range(len(units) - size + 1)]
        return len(set(grams)) / max(1, len(grams))

    return measure


def said_once(text, language):
    """How little its sentences have in common, as one minus their mean overlap of word pairs."""
    pairs = []
    for sentence in SENTENCE.split(text):
        units = variety.words(sentence, language)
        pairs.append(set(zip(units, units[1:])))
    shared = [
        len(one & other) / max(1, min(len(one), len(other)))
        for i, one in enumerate(pairs)
        for other in pairs[:i]
    ]
    return 1 - sum(shared) / len(shared) if shared else 1.0


def compressed(text, _):
    return len(zlib.compress(text.encode())) / len(text.encode())


def uncommon(text, language):
    units = variety.words(text, language)
    common = data("common_words")[language].split()
    return sum(unit not in common for unit in units) / max(1, len(units))


FAST = {
    "variety (makes_sense)": variety.variety,
    "different words": repeated(1),
    "different pairs of words": repeated(2),
    "different triples": repeated(3),
    "different fours": repeated(4),
    "sentences unlike each other": said_once,
    "size when compressed": compressed,
    "words that aren't common": uncommon,
}


def slow():
    """{name: measure} by embeddings and by the 0.5B base."""
    import torch

    from twinlib.models import embed, load

    e5 = embed.embedder()
    model, tokenizer = load.load(load.prepare(BASE, print), None, "auto")
    drawn = random.Random(1)

    def nats(text):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        rows = torch.tensor([[tokenizer.pad_token_id, *ids]])
        with torch.inference_mode():
            logits = model(input_ids=rows).logits[0, :-1].float()
        return torch.nn.functional.cross_entropy(logits, rows[0, 1:]).item()

    def shuffled_by(border):
        def measure(text, language):
            parts = border.split(text)
            mixed = drawn.sample(parts, len(parts))
            return nats(("" if language == "zh" else " ").join(mixed)) - nats(text)

        return measure

    def neighbours(text, language):
        sentences = [s for s in SENTENCE.split(text) if len(variety.words(s, language)) > 2]
        if len(sentences) < 2:
            return 0.0
        table = e5.similarities(sentences, sentences)
        apart = [table[i][j] for i in range(len(table)) for j in range(i)]
        near = [table[i][i + 1] for i in range(len(table) - 1)]
        return float(sum(near) / len(near) - sum(apart) / len(apart) + sum(near) / len(near))

    def judged(text, language):
        turns = [{"role": "user", "content": ASKED[language].format(text=text)}]
        prompt = load.render(tokenizer, turns, generate=True)
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits = model(input_ids=ids, logits_to_keep=1).logits[0, -1]
        yes, no = (
            tokenizer(w, add_special_tokens=False)["input_ids"][0] for w in REPLIES[language]
        )
        return float(logits[yes] - logits[no])

    return {
        "neighbouring sentences near (e5)": neighbours,
        "likelihood (0.5B)": lambda text, _: -nats(text),
        "true order of sentences (0.5B)": shuffled_by(SENTENCE),
        "true order of clauses (0.5B)": shuffled_by(CLAUSE),
        "asked whether it makes sense (0.5B)": judged,
    }


# The table


def comparable(answers, language, most):
    """The texts of answers in their question's language, cut to LENGTHS; without shorter ones."""
    size = sense.LENGTHS[language]
    texts = (style.without_echo(a["text"], a["question"], language)[:size] for a in answers)
    long = [text for text in texts if len(text) >= 0.8 * size]
    return [text for text in long if style.script_share(text, language) >= 0.5][:most]


def table(found, measures, parrot, most=None):
    """Print the AUC of each measure by language and group, and its seconds for an answer."""
    pooled = defaultdict(list)
    for (author, language, variant), answers in found.items():
        pooled[author, language, _pool(variant, parrot)] += answers
    texts = {key: comparable(answers, key[1], most) for key, answers in pooled.items()}
    texts = {key: each for key, each in texts.items() if len(each) >= FEWEST}
    for name, measure in measures.items():
        started = time.monotonic()
        values = {key: [measure(text, key[1]) for text in each] for key, each in texts.items()}
        seconds = (time.monotonic() - started) / max(1, sum(map(len, texts.values())))
        print(f"\n{name}: {seconds:.4f} s an answer", flush=True)
        for language in sorted({language for _, language, _ in texts}):
            _print_areas(_standardised(values, language), language, parrot)


def _pool(variant, parrot):
    """The name of a variant's group: all twins of a base are one, parrots stay apart."""
    is_twin = variant.startswith("twin") and not _is_parrot(variant, parrot)
    return f"twins, {variant.rpartition(', ')[2]}" if is_twin else variant


def _standardised(values, language):
    """{(author, variant): values in the author's standard deviations} of one language."""
    scaled = {}
    for (author, code, variant), of_variant in values.items():
        own = values.get((author, language, "author"))
        if code == language and own:
            deviation = pstdev(own) or 1.0
            scaled[author, variant] = [(value - mean(own)) / deviation for value in of_variant]
    return scaled


def _print_areas(scaled, language, parrot):
    parrots = [key for key in scaled if _is_parrot(key[1], parrot)]
    for worse in parrots:
        for key in scaled:
            if key not in parrots:
                print(
                    f"  {language}  {' '.join(key):60} {len(scaled[key]):4}  above "
                    f"{' '.join(worse):44} {len(scaled[worse]):4}: "
                    f"AUC {auc(scaled[key], scaled[worse]):.2f}",
                    flush=True,
                )


def _is_parrot(variant, parrot):
    return "parrot" in variant or (variant.startswith("twin") and parrot in variant)


# The figure


def judged(found, folders):
    """[{author, language, variant, documents, sense}] as makes_sense finds each answer."""
    kept = []
    for author, (seen, _) in folders.items():
        passages = [{"language": language_of(text), "text": text} for text in seen]
        own = sense.Author(passages)
        for (name, language, variant), answers in found.items():
            if name != author:
                continue
            asked = [{**a, "language": language, "prompt": a["question"]} for a in answers]
            verdicts = [sense.makes_sense(answer, own) for answer in asked]
            numbers = {}  # instead of names, which may say something
            documents = [numbers.setdefault(a["document"], len(numbers)) for a in answers]
            group = {"author": author, "language": language, "variant": variant}
            kept.append({**group, "documents": documents, "sense": verdicts})
    return kept


def show(kept):
    """Print the figure of each group, rated beside the author's passages."""
    print("\nmakes_sense")
    for group in kept:
        same = (group["author"], group["language"], "author")
        own = next((g for g in kept if (g["author"], g["language"], g["variant"]) == same), group)
        found = sense.rated_shares(
            {
                "twin": (group["sense"], group["documents"]),
                "author": (own["sense"], own["documents"]),
            },
        )
        twin, author = found["twin"], found.get("author", {"value": None})
        if None not in (twin["value"], author["value"]):
            print(
                f"  {group['author']:12} {group['language']} {group['variant']:60} "
                f"{twin['value']:.2f} ({twin['low']:.2f} to {twin['high']:.2f}) of "
                f"{author['value']:.2f}, n {twin['n']:3}: {twin['level']}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recorded", nargs="+", type=Path)
    parser.add_argument("--author", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--parrot", default="gemma-3-270m", help="the base of parrots")
    parser.add_argument("--slow", type=int, help="answers of a group for the slow measures")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    folders = {name: halves(folder) for name, folder in (a.split("=", 1) for a in options.author)}
    records = [record for path in options.recorded for record in read_records(path)]
    found = groups(records, folders)
    table(found, FAST, options.parrot)
    if options.slow:
        table(found, slow(), options.parrot, options.slow)
    kept = judged(found, folders)
    show(kept)
    if options.record:
        groups_of_use = [group for group in kept if len(group["sense"]) >= FEWEST]
        lines = ",\n".join(json.dumps(g, ensure_ascii=False) for g in groups_of_use)
        RECORD.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
