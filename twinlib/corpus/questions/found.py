"""Whether a question singles out its passage among the others of the corpus.

A search for the question by BM25 must rank its passage among the best. Words are cut to their first
six letters; of Chinese both words and pairs of characters count, since a dictionary cuts the same
characters differently in a question and in a passage.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
"""

import re

from ...text.script import HAN
from ..passages import FUNCTION_CHARACTERS
from ..records import Passage

BEST = 3  # ranks that count as found
_SHARE = 0.01  # of all passages: in a large corpus more ranks count, since more are alike
_K1, _B = 1.2, 0.75  # BM25's usual saturation and length normalisation
_STEM = 6  # letters of a word that count
# Words and characters of questions, which say nothing about their subject.
_EVERYDAY = set(
    """
    a an and are as at be been but by can could did do does for from had has have how i if in into
    is it its me my of on or our so that the their them then there these they this those to us was
    we were what when where which who whom whose why will with would you your yours about than too
    think feel tell explain describe happen ever never always still just also most more very
    """.split()
)
_EVERYDAY_ZH = FUNCTION_CHARACTERS | set(
    "什么怎样如何哪谁吗呢吧啊想觉得看说讲会能可要最后来时候个些人事情问题"
)

_EVERYDAY_WORDS_ZH = set(
    """
    自己 知道 认为 喜欢 决定 处理 描述 形容 疑问 看法 评价 记得 今天 现在 情况 生活 重要 关于 使用
    """.split()
)


class Finder:
    """Searches passages: `found(question, passage)`."""

    def __init__(self, passages: list[Passage]):
        import numpy as np
        from scipy.sparse import csr_matrix

        self._rows = {p.id: row for row, p in enumerate(passages)}
        self._terms: dict[str, int] = {}
        columns, ends = [], [0]
        for p in passages:
            words = _terms(f"{p.title}\n{p.heading}\n{p.text}")
            columns += [self._terms.setdefault(word, len(self._terms)) for word in words]
            ends.append(len(columns))
        shape = (len(passages), len(self._terms))
        counts = csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape)
        counts.sum_duplicates()
        lengths = np.diff(ends)
        spread = np.bincount(counts.indices, minlength=shape[1])
        rarity = np.log1p((shape[0] - spread + 0.5) / (spread + 0.5)).astype(np.float32)
        norm = _K1 * (1 - _B + _B * lengths / max(1.0, lengths.mean() if len(lengths) else 1.0))
        norm = np.repeat(norm, np.diff(counts.indptr)).astype(np.float32)
        counts.data *= (_K1 + 1) / (counts.data + norm) * rarity[counts.indices]
        self._weights = counts.tocsc()

    def found(self, question: str, passage: Passage) -> bool:
        """Whether a search for the question ranks its passage among the best of all."""
        columns = {self._terms[term] for term in _terms(question) if term in self._terms}
        if not columns:
            return False
        scores = self._weights[:, sorted(columns)].sum(axis=1).A1
        own = scores[self._rows[passage.id]]
        return own > 0 and (scores >= own).sum() <= max(BEST, _SHARE * len(scores))


def _terms(text):
    """The stems of a text's words, its Chinese words and pairs of Chinese characters."""
    import rjieba

    text = text.lower()
    words = [word[:_STEM] for word in re.findall(r"[a-z0-9]+", text) if word not in _EVERYDAY]
    for run in re.findall(f"[{HAN}]+", text):
        pairs = {run[i : i + 2] for i in range(len(run) - 1)}
        words += [pair for pair in pairs - _EVERYDAY_WORDS_ZH if not set(pair) & _EVERYDAY_ZH]
        words += [w for w in rjieba.cut(run) if w not in pairs and not set(w) <= _EVERYDAY_ZH]
    return words
