"""Fit what tells lines of chats by their words: data/notices.tsv, headings.tsv and intros.tsv.

    python tools/notices/fit.py [--check]

Reads sentences.tsv, headings.tsv and intros.tsv beside it (kind, language, line; '{n}' stands for
a name) and writes the weights that twinlib/corpus/readers/chats/notices.py uses: what tells
sentences of programs from messages, and headings above text that was passed on, and people's own
introductions of it, from first lines of messages.
With --check it only prints, by cross-validation, how many lines of each kind are taken for it.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from twinlib.corpus.readers.chats import notices  # noqa: E402
from twinlib.corpus.readers.chats.doubtful import FIRST_PERSON  # noqa: E402

INVERSE_STRENGTH = {"program": 2, "heading": 10, "intro": 10}  # of the penalty on weights
FEWEST_LINES = {"program": 5, "heading": 3, "intro": 3}  # in which a feature stands
MOST_FEATURES = 40_000  # that a file has: those of the largest weights
FOLDS = 5
HEADER = "# Made by tools/notices/fit.py: a feature, its weight times its rarity, its rarity"
KINDS = {"program": notices.NOTICES, "heading": notices.HEADINGS, "intro": notices.INTROS}


def lines(kind: str) -> list[tuple[str, str, str]]:
    """[(kind, language, line)] to learn a kind from, with notices.NAME for names."""
    sentences = _rows("sentences.tsv")
    if kind == "program":
        return sentences
    rows = _rows("intros.tsv" if kind == "intro" else "headings.tsv") + sentences
    return [row for row in rows if row[0] in (kind, "person")]


def _rows(file):
    text = (HERE / file).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in text if not line.startswith("#")]
    return [(kind, language, line.replace("{n}", notices.NAME)) for kind, language, line in rows]


def fitted(kind, rows):
    """(vectors, model) of scikit-learn, fitted to lines."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(analyzer=KINDS[kind].features, min_df=FEWEST_LINES[kind])
    model = LogisticRegression(C=INVERSE_STRENGTH[kind], max_iter=2000)
    model.fit(vectors.fit_transform([row[2] for row in rows]), [row[0] == kind for row in rows])
    return vectors, model


def weights(kind: str) -> str:
    """The text of the file of weights for a kind."""
    vectors, model = fitted(kind, lines(kind))
    table = [HEADER, f"\t{model.intercept_[0]:.3f}\t0"]
    weighed = [*zip(vectors.get_feature_names_out(), model.coef_[0], vectors.idf_)]
    heaviest = sorted(weighed, key=lambda row: -abs(row[1]))[:MOST_FEATURES]
    for feature, weight, rarity in sorted(heaviest):
        table.append(f"{feature}\t{weight * rarity:.2f}\t{rarity:.2f}")
    return "\n".join(table) + "\n"


def chances(kind: str) -> list[tuple[tuple[str, str, str], float]]:
    """[(row, its chance to be of the kind)], each by a model that hasn't seen it."""
    from sklearn.model_selection import StratifiedKFold

    rows, found = lines(kind), []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for known, unknown in folds.split(rows, [row[0] == kind for row in rows]):
        vectors, model = fitted(kind, [rows[n] for n in known])
        likely = model.predict_proba(vectors.transform([rows[n][2] for n in unknown]))[:, 1]
        found += [(rows[n], chance) for n, chance in zip(unknown, likely)]
    return found


def check(kind: str, least: float) -> None:
    """Print the share of lines, by kind and language, with a chance over `least`."""
    taken = {}
    for row, chance in chances(kind):
        hit = chance > least and not FIRST_PERSON.search(row[2])
        taken.setdefault(row[:2], []).append(hit)
    for (row_kind, language), hits in sorted(taken.items()):
        share = sum(hits) / len(hits)
        print(f"{kind}, chance over {least}: {language} {row_kind:8} {share:6.1%} of {len(hits)}")


if __name__ == "__main__":
    for kind, model in KINDS.items():
        if "--check" in sys.argv[1:]:
            for least in (0.5, 0.75, 0.9):
                check(kind, least)
        else:
            model.weights.write_text(weights(kind), encoding="utf-8")
