"""How sure a figure is: intervals for shares and for anything computed from documents. The methods are scipy's."""

RESAMPLES = 1000


def wilson(hits, n):
    """(low, high): the 95 % Wilson interval of the share hits/n; (None, None) when n is 0."""
    from scipy.stats import binomtest

    if not n:
        return None, None
    interval = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


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
        return statistic(*([sample[int(i)] for i in places] for sample, places in zip(samples, chosen)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's word on draws that are all the same, or without a value
        found = stats.bootstrap(places, drawn, n_resamples=RESAMPLES, vectorized=False, method="percentile",
                                rng=numpy.random.default_rng(seed)).bootstrap_distribution
    if numpy.isnan(found).mean() >= 0.1:
        return None, None
    low, high = numpy.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)


def mcnemar(before, after):
    """(gain, low, high, p) of paired right/wrong lists: the change in share with its 95 % interval (normal
    approximation of the paired difference), and McNemar's exact p."""
    from math import sqrt

    from scipy.stats import binomtest

    n = len(before)
    gained = sum(b < a for b, a in zip(before, after))
    lost = sum(b > a for b, a in zip(before, after))
    gain = (gained - lost) / n
    spread = 1.96 * sqrt(max(gained + lost - (gained - lost) ** 2 / n, 0)) / n
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return gain, max(-1.0, gain - spread), min(1.0, gain + spread), float(p)
