"""How sure a figure is: intervals for shares, pairs, AUCs and anything computed from documents.

The methods are scipy's and scikit-learn's; the interval of a paired difference and that of a mean over rows of unequal
length, which neither has, stand here.
"""

import math

RESAMPLES = 1000


def wilson(hits, n):
    """(low, high): the 95 % Wilson interval of the share hits/n; (None, None) when n is 0.

    Takes fractions too: counts divided by a design effect.
    """
    if not n:
        return None, None
    share, z = hits / n, 1.959964
    middle = share + z * z / (2 * n)
    margin = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - margin) / scale), min(1.0, (middle + margin) / scale)


def bootstrap(statistic, *samples, seed=1):
    """(low, high): the 95 % percentile bootstrap of statistic(*samples), where whole documents are drawn again.

    Each sample is a list with one item per document; `statistic` takes lists of such items and may return nan where
    it has no value, such draws are left out. (None, None) with fewer than 2 documents in a sample, and when a tenth
    of the draws or more have no value: then the interval says nothing.
    """
    import warnings

    import numpy
    from scipy import stats

    if min(map(len, samples)) < 2:
        return None, None
    places = tuple(numpy.arange(len(sample)) for sample in samples)

    def drawn(*chosen):
        return statistic(
            *([sample[int(i)] for i in places] for sample, places in zip(samples, chosen))
        )

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # scipy's word on draws that are all the same, or without a value
        found = stats.bootstrap(
            places,
            drawn,
            n_resamples=RESAMPLES,
            vectorized=False,
            method="percentile",
            rng=numpy.random.default_rng(seed),
        ).bootstrap_distribution
    if numpy.isnan(found).mean() >= 0.1:
        return None, None
    low, high = numpy.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)


def clustered(rows):
    """(mean, low, high) of items that came in rows, from [(sum, items)] of each: Student's t with errors by row.

    For a few rows, where drawing them again gives intervals that are far too narrow. (mean, None, None) of one row.
    """
    from scipy.stats import t as student

    rows = [row for row in rows if row[1]]
    total, n, count = sum(s for s, _ in rows), sum(items for _, items in rows), len(rows)
    mean = total / n
    if count < 2:
        return mean, None, None
    error = math.sqrt(count / (count - 1) * sum((s - mean * items) ** 2 for s, items in rows)) / n
    margin = float(student.ppf(0.975, count - 1)) * error
    return mean, mean - margin, mean + margin


def share_of_documents(hits: list, documents: list) -> tuple[float, float | None, float | None]:
    """(share, low, high) of hits in documents: whole documents are drawn again.

    Never narrower than Wilson's interval, see `no_narrower`.
    """
    groups = {}
    for hit, document in zip(hits, documents):
        groups.setdefault(document, []).append(hit)
    interval = bootstrap(
        lambda drawn: sum(map(sum, drawn)) / sum(map(len, drawn)), list(groups.values())
    )
    return sum(hits) / len(hits), *no_narrower(interval, sum(hits), len(hits))


def no_narrower(interval: tuple, hits: int, n: int) -> tuple[float | None, float | None]:
    """The interval, widened to Wilson's of n independent answers: where all are alike, no draw differs."""
    low, high = interval
    lowest, highest = wilson(hits, n)
    return (lowest, highest) if low is None else (min(low, lowest), max(high, highest))


def auc(positive, negative):
    """The area under the ROC curve: how often a score of `positive` is above one of `negative`, ties counting half."""
    from sklearn.metrics import roc_auc_score

    if not positive or not negative:
        return math.nan
    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), [*positive, *negative]))


def auc_of_documents(positive, negative):
    """(auc, low, high) of scores in one list per document; whole documents are drawn again, each side by itself."""

    def of(one, other):
        return auc(sum(one, []), sum(other, []))

    return of(positive, negative), *bootstrap(of, positive, negative)


def auc_of_pairs(documents):
    """(auc, low, high) of (positive, negative) scores in one list per document; whole documents are drawn again."""

    def of(drawn):
        pairs = sum(drawn, [])
        return auc(*map(list, zip(*pairs))) if pairs else math.nan

    return of(documents), *bootstrap(of, documents)


def mcnemar(before, after):
    """(gain, low, high, p) of paired right/wrong lists: the change in share, its 95 % interval (`paired`), and
    McNemar's exact p, which is the binomial test of the pairs that changed."""
    from scipy.stats import binomtest

    gained = sum(b < a for b, a in zip(before, after))
    lost = sum(b > a for b, a in zip(before, after))
    both = sum(b and a for b, a in zip(before, after))
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return (
        (gained - lost) / len(before),
        *paired(both, gained, lost, len(before) - both - gained - lost),
        float(p),
    )


def paired(both, gained, lost, neither):
    """(low, high): the 95 % interval of (gained - lost) / n of paired shares, by Newcombe's score method.

    Of the two shares' Wilson intervals, joined by how far the pairs go together (Newcombe 1998, "Improved confidence
    intervals for the difference between binomial proportions based on paired data", method 10): unlike the normal
    approximation it has a width when no pair changed.
    """
    n = both + gained + lost + neither
    after, before = (both + gained) / n, (both + lost) / n
    (low_after, high_after), (low_before, high_before) = (
        wilson(both + gained, n),
        wilson(both + lost, n),
    )
    product = both * neither - gained * lost
    if product > 0:
        product = max(0.0, product - n / 2)
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    phi = product / math.sqrt(margins) if margins else 0.0
    down, up = after - low_after, high_before - before
    below = math.sqrt(max(0.0, down**2 - 2 * phi * down * up + up**2))
    up, down = high_after - after, before - low_before
    above = math.sqrt(max(0.0, up**2 - 2 * phi * up * down + down**2))
    return max(-1.0, after - before - below), min(1.0, after - before + above)
