"""GSM8K: word problems of primary school with worked steps, whose answer stands behind '####'.

Cobbe et al., Training verifiers to solve math word problems, 2021
(https://arxiv.org/abs/2110.14168).
"""

import re

from ..script import has_han

HUB = ("openai/gsm8k", ("main",))
_CALCULATION = re.compile(r"<<[^<>\n]*>>")
_MOST = 6  # calculations: longer ones are one class


def problem(record: dict) -> dict:
    """{question, answer} as a problem: the steps without the calculator's marks, the number."""
    from . import Refused

    question, text = str(record.get("question", "")).strip(), str(record.get("answer", ""))
    steps, mark, answer = text.rpartition("####")
    if not question or not mark or not re.search(r"\d", answer):
        raise Refused("train.no_gsm8k_answer")
    calculations = len(_CALCULATION.findall(steps))
    return {
        "question": question,
        "answer": answer.strip(),
        "steps": _CALCULATION.sub("", steps).strip(),
        "language": "zh" if has_han(question) else "en",
        "level": min(calculations or len(steps.strip().split("\n")), _MOST),
    }
