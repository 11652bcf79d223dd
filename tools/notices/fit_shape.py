"""Fit what tells conversations from prose by their shape alone: twinlib/data/text_shape.tsv.

    python tools/notices/fit_shape.py [--check]

Learns from the exports of chats of tests/chat_layouts.py and from the texts of tests/odd_prose.yaml
and data_samples/, each cut to parts of as many lines. With --check it only prints, for a fifth of
the layouts and of the texts at a time that it has not learnt from, how many are taken for
conversations.
"""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import chat_layouts  # noqa: E402

from twinlib.corpus.readers.chats import text_shape  # noqa: E402

INVERSE_STRENGTH = 10  # of the penalty on weights
FOLDS = 5
FILE = ROOT / "twinlib/data/text_shape.tsv"
HEADER = "# Made by tools/notices/fit_shape.py: a feature and its weight"


def texts() -> list[tuple[str, bool, list[dict[str, float]]]]:
    """[(its group, whether it is a conversation, the features of each part)] to learn from.

    The languages of one layout of chats are one group.
    """
    found = []
    for letter in chat_layouts.SETS:
        for export in chat_layouts.every(letter):
            found.append((export.name.rsplit("-", 1)[0], True, export.text))
    odd = yaml.safe_load((ROOT / "tests/odd_prose.yaml").read_text(encoding="utf-8"))
    for part in odd.values():
        found += [(name, False, text) for name, text in part.items()]
    for file in sorted((ROOT / "data_samples").rglob("*.md")):
        found.append((file.name, False, file.read_text(encoding="utf-8")))
    measured = ((group, chat, _parts(text)) for group, chat, text in found)
    return [(group, chat, parts) for group, chat, parts in measured if parts]


def _parts(text):
    lines = text.split("\n")
    return [text_shape.features(part) for part in text_shape.parts(lines)]


def fitted(rows):
    """{feature: weight} of scikit-learn's model; every text counts as one."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    vectors = [[*part.values()] for *_, parts in rows for part in parts]
    kinds = [chat for _, chat, parts in rows for _ in parts]
    counts = [1 / len(parts) for *_, parts in rows for _ in parts]
    scaler, model = StandardScaler(), LogisticRegression(C=INVERSE_STRENGTH, max_iter=5000)
    make_pipeline(scaler, model).fit(vectors, kinds, logisticregression__sample_weight=counts)
    weights = model.coef_[0] / scaler.scale_
    names = [*text_shape.features(["a"])]
    always = model.intercept_[0] - sum(weights * scaler.mean_)
    return {"": always, **dict(zip(names, weights))}


def check(rows):
    """Print how many texts are taken for conversations by models that have not seen them."""
    groups = sorted({group for group, *_ in rows})
    taken = {True: [0, 0], False: [0, 0]}
    for fold in range(FOLDS):
        held = set(groups[fold::FOLDS])
        weights = fitted([row for row in rows if row[0] not in held])
        for group, chat, parts in rows:
            if group in held:
                taken[chat][0] += text_shape.mean_score(parts, weights) > text_shape.SURELY
                taken[chat][1] += 1
    print(f"conversations: {taken[True][0]} of {taken[True][1]} are taken for one")
    print(f"texts of one author: {taken[False][0]} of {taken[False][1]}")


def main() -> None:
    """Print the check, or write the weights."""
    rows = texts()
    if "--check" in sys.argv:
        check(rows)
        return
    table = [f"{name}\t{weight:.3f}" for name, weight in fitted(rows).items()]
    FILE.write_text("\n".join([HEADER, *table]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
