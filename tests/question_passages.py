"""A passage in each language, and replies in JSON, for the tests of questions by a model."""

import json

from twinlib.corpus.records import Passage

TEXTS = {
    "en": "My neighbour soldered the old kettle for a cup of tea, and now I would not swap it for "
    "a new one.",
    "zh": "邻居替我把旧水壶焊好了，只收一杯茶。如今给我换个新的，我也不换。",
}


def passage(language="en", name="1", **fields):
    return Passage(
        name,
        "d",
        **{"text": TEXTS[language], "tokens_estimate": 30, "language": language, **fields},
    )


def json_of(*questions):
    return json.dumps({"questions": questions}, ensure_ascii=False)
