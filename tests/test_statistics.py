"""Intervals against values from textbooks."""

import math
import random

import pytest

from twinlib.text.statistics import bootstrap, wilson


@pytest.mark.parametrize("hits, n, low, high, why", [
    (15, 20, 0.531, 0.888, "the fewest of 20 that beat chance"),
    (81, 263, 0.2553, 0.3662, "Newcombe 1998, table I, method 3"),
    (15, 148, 0.0624, 0.1605, "Newcombe 1998, table I, method 3"),
    (0, 20, 0.0, 0.1611, "Newcombe 1998, table I, method 3"),
    (1, 29, 0.0061, 0.1718, "Newcombe 1998, table I, method 3")])
def test_wilson_intervals_are_the_published_ones(hits, n, low, high, why):
    assert wilson(hits, n) == pytest.approx((low, high), abs=6e-4), why


def test_nothing_counted_has_no_interval():
    assert wilson(0, 0) == (None, None)


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval():
    source = random.Random(1)
    values = [source.gauss(10, 2) for _ in range(200)]
    mean = sum(values) / len(values)
    error = 1.96 * math.sqrt(sum((v - mean) ** 2 for v in values)) / len(values)
    low, high = bootstrap(lambda drawn: sum(drawn) / len(drawn), values)
    assert (low, high) == pytest.approx((mean - error, mean + error), abs=0.06)


def test_whole_documents_are_drawn_again():
    """Two documents that agree within and differ between: drawing single texts would give a narrow interval."""
    documents = [[0.0] * 50, [1.0] * 50]

    def mean(drawn):
        return sum(map(sum, drawn)) / sum(map(len, drawn))

    assert bootstrap(mean, documents) == (0.0, 1.0)


def test_two_samples_are_drawn_independently():
    low, high = bootstrap(lambda a, b: sum(a) / len(a) - sum(b) / len(b), [1.0, 3.0], [0.0, 2.0])
    assert (low, high) == (-1.0, 3.0)


def test_the_same_seed_gives_the_same_interval():
    values = [1.0, 2.0, 5.0, 7.0, 11.0]
    assert bootstrap(max, values, seed=4) == bootstrap(max, values, seed=4)


def test_one_document_has_no_interval():
    assert bootstrap(sum, [1.0]) == (None, None)


def test_draws_without_a_value_are_left_out_while_they_are_few():
    values = [0.0] + [1.0] * 9
    rarely = bootstrap(lambda drawn: sum(drawn) / len(drawn) if sum(drawn) > 6 else math.nan, values)
    assert rarely[1] == 1.0
    assert bootstrap(lambda drawn: 1.0 if 0.0 in drawn else math.nan, values) == (None, None)
