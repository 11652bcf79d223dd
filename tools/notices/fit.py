"""Fit how notices of programs and messages of people differ: twinlib/data/notices.tsv.

    python tools/notices/fit.py [--check]

Reads sentences.tsv beside it (kind, language, sentence; '{n}' stands for a name) and writes the
weights that twinlib/corpus/readers/chats/notices.py uses. With --check it only prints, by
cross-validation, how many notices are told and how many messages are taken for one.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from twinlib.corpus.readers.chats import notices  # noqa: E402
from twinlib.corpus.readers.chats.doubtful import FIRST_PERSON  # noqa: E402

INVERSE_STRENGTH = 10  # of the penalty on weights
FEWEST_SENTENCES = 3  # in which a feature stands
FOLDS = 5
HEADER = "# Made by tools/notices/fit.py: a feature, its weight times its rarity, its rarity"


def sentences() -> list[tuple[str, str, str]]:
    """[(kind, language, sentence)] of sentences.tsv, with notices.NAME for names."""
    lines = (HERE / "sentences.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(kind, language, text.replace("{n}", notices.NAME)) for kind, language, text in rows]


def fitted(rows):
    """(vectors, model) of scikit-learn, fitted to sentences."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(analyzer=notices.features, min_df=FEWEST_SENTENCES)
    model = LogisticRegression(C=INVERSE_STRENGTH, max_iter=2000)
    model.fit(vectors.fit_transform([text for *_, text in rows]), [row[0] for row in rows])
    return vectors, model


def weights(rows) -> str:
    """The text of twinlib/data/notices.tsv."""
    vectors, model = fitted(rows)
    sign = 1 if model.classes_[1] == "program" else -1
    lines = [HEADER, f"\t{sign * model.intercept_[0]:.3f}\t0"]
    for feature, weight, rarity in zip(
        vectors.get_feature_names_out(), model.coef_[0], vectors.idf_
    ):
        lines.append(f"{feature}\t{sign * weight * rarity:.2f}\t{rarity:.2f}")
    return "\n".join(lines) + "\n"


def shares(rows, least):
    """{(kind, language): share taken for notices}, each sentence by a model without it."""
    from sklearn.model_selection import StratifiedKFold

    kinds, found = [row[0] for row in rows], {}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for known, unknown in folds.split(rows, kinds):
        vectors, model = fitted([rows[n] for n in known])
        texts = [rows[n][2] for n in unknown]
        chances = model.predict_proba(vectors.transform(texts))
        for n, text, chance in zip(
            unknown, texts, chances[:, list(model.classes_).index("program")]
        ):
            taken = chance > least and not FIRST_PERSON.search(text)
            found.setdefault(tuple(rows[n][:2]), []).append(taken)
    return {key: sum(taken) / len(taken) for key, taken in found.items()}


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        for least in (0.5, 0.75):
            for (kind, language), share in sorted(shares(sentences(), least).items()):
                print(f"chance over {least}: {language} {kind:8} {share:6.1%}")
    else:
        notices.WEIGHTS.write_text(weights(sentences()), encoding="utf-8")
