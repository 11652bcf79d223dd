"""Intervals and tests: shares, paired answers, AUCs, and any figure computed from documents.

scipy and scikit-learn compute what they offer. Two intervals that neither has are written here: of
a paired difference, and of a mean over clusters of unequal size.
"""

import math
from collections.abc import Callable, Sequence

_RESAMPLES = 1000
# (low, high), or (None, None) where there is too little data.
Interval = tuple[float | None, float | None]
# (value, low, high)
Estimate = tuple[float, float | None, float | None]


def wilson(hits: float, n: float) -> Interval:
    """The 95 % Wilson interval of the share hits/n; (None, None) when n is 0.

    Takes fractions too: counts divided by a design effect.
    """
    if not n:
        return None, None
    share, z = hits / n, 1.959963984540054
    middle = share + z * z / (2 * n)
    margin = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = (middle - margin) / scale if hits > 0 else 0.0
    high = (middle + margin) / scale if hits < n else 1.0
    return low, high


def needed_to_settle(share: float, bound: float, most: int = 400) -> int:
    """How many answers it takes for Wilson's interval of a share to leave out a bound.

    `most` where that many don't suffice.
    """
    for n in range(1, most):
        low, high = wilson(share * n, n)
        if bound < low or bound > high:
            return n
    return most


def bootstrap(statistic: Callable[..., float], *samples: Sequence, seed: int = 1) -> Interval:
    """The 95 % percentile bootstrap of statistic(*samples), resampling whole documents.

    Each sample is a list with one item per document. `statistic` takes lists of such items and may
    return nan where it has no value; such draws are left out. (None, None) with fewer than 2
    documents in a sample, or when a tenth of the draws or more have no value.
    """
    import warnings

    import numpy
    from scipy import stats

    if min(map(len, samples)) < 2:
        return None, None
    indices = tuple(numpy.arange(len(sample)) for sample in samples)

    def statistic_of_drawn(*drawn):
        return statistic(
            *([sample[int(i)] for i in chosen] for sample, chosen in zip(samples, drawn))
        )

    with warnings.catch_warnings():
        # scipy warns of draws that are all the same or have no value.
        warnings.simplefilter("ignore")
        values = stats.bootstrap(
            indices,
            statistic_of_drawn,
            n_resamples=_RESAMPLES,
            vectorized=False,
            method="percentile",
            rng=numpy.random.default_rng(seed),
        ).bootstrap_distribution
    if numpy.isnan(values).mean() >= 0.1:
        return None, None
    low, high = numpy.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def clustered(clusters: Sequence[tuple[float, int]]) -> Estimate:
    """(mean, low, high) of items that come in clusters, from (sum, number of items) of each.

    Student's t with errors clustered: for the few clusters where a bootstrap over them gives
    intervals that are far too narrow. (mean, None, None) of one cluster.
    """
    from scipy.stats import t as student

    clusters = [cluster for cluster in clusters if cluster[1]]
    count = len(clusters)
    total, n = (sum(values) for values in zip(*clusters))
    mean = total / n
    if count < 2:
        return mean, None, None
    squares = sum((part - mean * items) ** 2 for part, items in clusters)
    error = math.sqrt(count / (count - 1) * squares) / n
    margin = float(student.ppf(0.975, count - 1)) * error
    return mean, mean - margin, mean + margin


def share_of_documents(hits: list, documents: list) -> Estimate:
    """(share, low, high) of `hits`, resampled by document; hit i is of the document documents[i].

    The interval is never narrower than Wilson's, see `no_narrower`.
    """
    groups: dict = {}
    for hit, document in zip(hits, documents):
        groups.setdefault(document, []).append(hit)
    interval = bootstrap(
        lambda drawn: sum(map(sum, drawn)) / sum(map(len, drawn)), list(groups.values())
    )
    return sum(hits) / len(hits), *no_narrower(interval, sum(hits), len(hits))


def right_by_group(groups: Sequence, marks: Sequence[bool]) -> list[tuple[int, int]]:
    """[(right, asked)] of each group of questions; mark i is of the group groups[i]."""
    found: dict = {}
    for group, mark in zip(groups, marks, strict=True):
        found.setdefault(group, []).append(bool(mark))
    return [(sum(own), len(own)) for own in found.values()]


def share_of_groups(groups: list[tuple[int, int]]) -> tuple[float, float, float]:
    """(share, low, high): the 95 % Wilson interval, from [(right, asked)] of each group.

    Questions of one group are versions of each other, and their answers alike. So n is divided by
    the design effect: the variance between groups relative to that of independent answers, from 1
    to the number of answers a group. If all or none are right, the data don't show it, and it is
    that number.
    """
    right, n, count = sum(r for r, _ in groups), sum(asked for _, asked in groups), len(groups)
    share, effect = right / n, n / count
    if 0 < right < n and count > 1:
        squares = sum((r - share * asked) ** 2 for r, asked in groups)
        variance = count / (count - 1) * squares / n
        effect = min(max(variance / (share * (1 - share)), 1.0), effect)
    return share, *wilson(right / effect, n / effect)


def change_of_groups(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> tuple[float, float]:
    """(change in the share of right answers, p), from [(right, asked)] of the same groups.

    A group counts once, as better, worse or neither: McNemar's exact test on groups, which is a
    sign test, and McNemar's own where each group is one question.
    """
    changes = [new - old for (old, _), (new, _) in zip(before, after, strict=True)]
    p = mcnemar([value < 0 for value in changes], [value > 0 for value in changes])[3]
    return sum(changes) / sum(asked for _, asked in before), p


def paired_groups(
    groups: Sequence, before: Sequence[bool], after: Sequence[bool]
) -> tuple[float, float, float, float]:
    """(gain, low, high, p) of paired right/wrong answers to questions that come in groups.

    `change_of_groups`, with a 95 % interval that is the wider of two: `mcnemar`'s of independent
    questions, and `clustered`'s of the groups.
    """
    _, low, high, _ = mcnemar(before, after)
    old, new = right_by_group(groups, before), right_by_group(groups, after)
    gain, p = change_of_groups(old, new)
    if len(old) < len(before):
        differences = [(n - o, asked) for (o, asked), (n, _) in zip(old, new)]
        _, lowest, highest = clustered(differences)
        if lowest is None:  # of one group nothing is known but the bounds
            lowest, highest = -1.0, 1.0
        low, high = max(-1.0, min(low, lowest)), min(1.0, max(high, highest))
    return gain, low, high, p


def no_narrower(interval: Interval, hits: int, n: int) -> Interval:
    """The interval, widened to Wilson's of n independent answers.

    Where all answers are alike no draw differs, and a bootstrap has no width.
    """
    low, high = interval
    lowest, highest = wilson(hits, n)
    return (lowest, highest) if low is None else (min(low, lowest), max(high, highest))


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The area under the ROC curve: how often a positive score is above a negative one.

    Ties count half; nan without scores on both sides.
    """
    from scipy.stats import rankdata

    if not positive or not negative:
        return math.nan
    # Mann and Whitney's U over the number of pairs: a bootstrap computes it a thousand times.
    ranks = rankdata([*positive, *negative])[: len(positive)]
    smallest = len(positive) * (len(positive) + 1) / 2
    return float((ranks.sum() - smallest) / (len(positive) * len(negative)))


def auc_of_documents(positive: Sequence[list], negative: Sequence[list]) -> Estimate:
    """(auc, low, high) of scores in a list per document, resampled by document on each side."""

    def statistic(drawn_positive, drawn_negative):
        return auc(sum(drawn_positive, []), sum(drawn_negative, []))

    return statistic(positive, negative), *bootstrap(statistic, positive, negative)


def auc_of_pairs(documents: Sequence[list]) -> Estimate:
    """(auc, low, high) of (positive, negative) pairs of scores, in a list per document."""

    def statistic(drawn):
        pairs = sum(drawn, [])
        return auc(*map(list, zip(*pairs))) if pairs else math.nan

    return statistic(documents), *bootstrap(statistic, documents)


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> tuple[float, float, float, float]:
    """(gain, low, high, p) of paired right/wrong answers.

    The change in the share of right ones, its 95 % interval (`paired_interval`), and McNemar's
    exact p: the binomial test of the pairs that changed.
    """
    from scipy.stats import binomtest

    gained = sum(b < a for b, a in zip(before, after))
    lost = sum(b > a for b, a in zip(before, after))
    both = sum(b and a for b, a in zip(before, after))
    n = len(before)
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    low, high = paired_interval(both, gained, lost, n - both - gained - lost)
    return (gained - lost) / n, low, high, float(p)


def paired_means(
    before: Sequence[float], after: Sequence[float]
) -> tuple[float, float | None, float | None, float]:
    """(gain, low, high, p): the mean of the differences, its 95 % bootstrap, Wilcoxon's p."""
    from scipy.stats import wilcoxon

    changes = [new - old for old, new in zip(before, after)]
    low, high = bootstrap(lambda drawn: sum(drawn) / len(drawn), changes)
    p = float(wilcoxon(changes).pvalue) if any(changes) else 1.0
    return sum(changes) / len(changes), low, high, p


def paired_interval(both: int, gained: int, lost: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of (gained - lost) / n of paired shares, by Newcombe's score method.

    The Wilson intervals of the two shares, combined with the correlation of the pairs. Unlike the
    normal approximation it is not empty when no pair changed. Source: Newcombe, Improved confidence
    intervals for the difference between binomial proportions based on paired data, 1998, method 10.
    """
    n = both + gained + lost + neither
    after, before = (both + gained) / n, (both + lost) / n
    low_after, high_after = wilson(both + gained, n)
    low_before, high_before = wilson(both + lost, n)
    product = both * neither - gained * lost
    if product > 0:
        product = max(0.0, product - n / 2)
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    phi = product / math.sqrt(margins) if margins else 0.0

    def half_width(own, opposite):
        return math.sqrt(max(0.0, own**2 - 2 * phi * own * opposite + opposite**2))

    low = after - before - half_width(after - low_after, high_before - before)
    high = after - before + half_width(high_after - after, before - low_before)
    return max(-1.0, low), min(1.0, high)
