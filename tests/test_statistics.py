"""Intervals against values from textbooks."""

import math
import random

import pytest

from twinlib.text.spacing import evenly
from twinlib.text.statistics import (
    auc,
    auc_of_documents,
    auc_of_pairs,
    bootstrap,
    clustered,
    mcnemar,
    needed_to_settle,
    paired_groups,
    paired_interval,
    right_by_group,
    share_of_groups,
    wilson,
)


@pytest.mark.parametrize(
    "hits, n, low, high, why",
    [
        (15, 20, 0.531, 0.888, "the fewest of 20 that beat chance"),
        (81, 263, 0.2553, 0.3662, "Newcombe 1998, table I, method 3"),
        (15, 148, 0.0624, 0.1605, "Newcombe 1998, table I, method 3"),
        (0, 20, 0.0, 0.1611, "Newcombe 1998, table I, method 3"),
        (1, 29, 0.0061, 0.1718, "Newcombe 1998, table I, method 3"),
    ],
)
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


def test_a_mean_over_few_rows_has_students_interval():
    from scipy import stats

    values = [3.0, 5.0, 4.5, 7.5]
    error = stats.sem(values) * stats.t.ppf(0.975, 3)
    assert clustered([(10 * v, 10) for v in values]) == pytest.approx(
        (5.0, 5.0 - error, 5.0 + error)
    )
    assert clustered([(8.0, 4), (0.0, 0)]) == (2.0, None, None)


def test_nine_in_ten_intervals_over_four_uneven_rows_hold_the_truth():
    source, held = random.Random(3), 0
    for _ in range(400):
        level = [(source.gauss(1, 0.5), source.randrange(20, 60)) for _ in range(4)]
        rows = [(sum(source.gauss(mean, 1) for _ in range(n)), n) for mean, n in level]
        _, low, high = clustered(rows)
        held += low <= 1 <= high
    assert 0.9 <= held / 400 <= 0.98


def test_whole_documents_are_drawn_again():
    """Two documents that differ: drawing single texts again would give a narrow interval."""
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
    rarely = bootstrap(
        lambda drawn: sum(drawn) / len(drawn) if sum(drawn) > 6 else math.nan, values
    )
    assert rarely[1] == 1.0
    assert bootstrap(lambda drawn: 1.0 if 0.0 in drawn else math.nan, values) == (None, None)


# AUC


@pytest.mark.parametrize(
    "positive, negative, value, why",
    [
        ([0.8, 0.4], [0.1, 0.35], 1.0, "all above"),
        ([0.35, 0.8], [0.1, 0.4], 0.75, "scikit-learn's own example"),
        ([1.0], [1.0], 0.5, "a tie counts half"),
        ([0.1], [0.9, 0.8], 0.0, "all below"),
    ],
)
def test_an_auc_is_how_often_one_is_above_the_other(positive, negative, value, why):
    assert auc(positive, negative) == pytest.approx(value), why


@pytest.mark.parametrize("digits", [12, 0], ids=["no ties", "many ties"])
def test_an_auc_is_scikit_learns(digits):
    from sklearn.metrics import roc_auc_score

    source = random.Random(2)
    one, other = (
        [round(source.gauss(mean, 1), digits) for _ in range(n)]
        for mean, n in ((0.7, 31), (0.0, 17))
    )
    expected = roc_auc_score([1] * len(one) + [0] * len(other), one + other)
    assert auc(one, other) == pytest.approx(expected)
    assert math.isnan(auc([], other))


def test_aucs_draw_whole_documents_again():
    """The same scores in few documents are less sure than in many."""
    source = random.Random(3)
    one, other = ([source.gauss(mean, 1) for _ in range(40)] for mean in (0.8, 0.0))
    many = auc_of_documents([[score] for score in one], [[score] for score in other])
    few = auc_of_documents(
        [one[i : i + 10] for i in range(0, 40, 10)], [other[i : i + 10] for i in range(0, 40, 10)]
    )
    assert many[0] == few[0] == auc(one, other) and many[1] < many[0] < many[2]
    hanley = 0.0517  # Hanley and McNeil's standard error of an AUC of 0.72 from 40 and 40
    assert many[0] == pytest.approx(0.72, abs=0.06) and (many[2] - many[1]) / 3.92 == pytest.approx(
        hanley, rel=0.25
    )
    assert auc_of_documents([one], [other])[1:] == (None, None)


def test_pairs_keep_together():
    pairs = [[(1.0, 0.0)], [(2.0, 1.5)], [(0.5, 0.4)]]
    value, low, high = auc_of_pairs(pairs)
    assert value == pytest.approx(7 / 9) and low <= value <= high == 1.0


# Pairs


@pytest.mark.parametrize(
    "cells, low, high, why",
    [
        ((36, 12, 2, 0), 0.0569, 0.3404, "Newcombe 1998 on paired data, method 10"),
        ((36, 14, 0, 0), 0.1528, 0.4167, "Newcombe 1998 on paired data, method 10"),
        (
            (54, 0, 0, 0),
            -0.0664,
            0.0664,
            "Newcombe 1998 on paired data, method 10: nothing changed, and it has a width",
        ),
        (
            (20, 5, 3, 12),
            -0.0926,
            0.1889,
            "by hand: phi = (20 * 12 - 5 * 3 - 40 / 2) / sqrt(25 * 15 * 23 * 17) = 0.535",
        ),
        (
            (794, 86, 150, 570),
            -0.0587,
            -0.0213,
            "Agresti's approval ratings: as the normal approximation when n is large",
        ),
    ],
)
def test_paired_intervals_are_the_published_ones(cells, low, high, why):
    assert paired_interval(*cells) == pytest.approx((low, high), abs=2e-4), why


def test_mcnemars_p_is_exact():
    """Ten pairs changed, nine of them one way: 2 (1 + 10) / 2^10."""
    gain, low, high, p = mcnemar([0] * 9 + [1] + [1] * 20, [1] * 9 + [0] + [1] * 20)
    assert gain == pytest.approx(8 / 30) and p == pytest.approx(22 / 1024) and 0 < low < gain < high
    assert mcnemar([1, 0], [1, 0])[3] == 1.0


@pytest.mark.parametrize("share, bound, n", [(1.0, 0.75, 12), (0.95, 0.75, 19), (0.5, 0.75, 12)])
def test_so_many_answers_are_needed_to_tell_a_share_from_a_bound(share, bound, n):
    assert needed_to_settle(share, bound) == n
    ends = [wilson(share * m, m) for m in (n - 1, n)]
    assert [low <= bound <= high for low, high in ends] == [True, False]


def test_a_share_at_the_bound_is_never_settled():
    assert needed_to_settle(0.75, 0.75, most=50) == 50


def test_versions_of_a_question_are_no_questions_of_their_own():
    """Noise that six versions share: few exams without a change have p < 0.05."""
    rng, groups = random.Random(1), [i // 6 for i in range(96)]
    exams = [[rng.random() < 0.5 for _ in range(16)] for _ in range(1200)]
    marks = [[exam[group] for group in groups] for exam in exams]
    pairs = list(zip(marks[::2], marks[1::2]))
    of_questions = sum(mcnemar(*pair)[3] < 0.05 for pair in pairs) / len(pairs)
    of_groups = sum(paired_groups(groups, *pair)[3] < 0.05 for pair in pairs) / len(pairs)
    assert of_questions > 0.3 and of_groups < 0.05


def test_a_gain_in_groups_has_an_interval_that_knows_them():
    alone, together = range(24), [i // 6 for i in range(24)]
    before, after = [False] * 24, [True] * 12 + [False] * 12
    assert paired_groups(alone, before, after) == mcnemar(before, after)
    gain, low, high, p = paired_groups(together, before, after)
    assert (gain, p) == (0.5, 0.5) and low < 0 and high == 1.0
    assert paired_groups([0] * 24, before, after)[1:3] == (-1.0, 1.0)
    assert share_of_groups(right_by_group(together, after)) == (0.5, *wilson(2, 4))


def test_some_of_many_are_taken_evenly_from_the_whole():
    assert evenly(range(10), 4) == [0, 2, 5, 7] and evenly([1, 2], 5) == [1, 2]
    assert evenly(range(5), 0) == evenly([], 3) == []
    for count in range(1, 60):
        for most in range(1, 60):
            taken = evenly(range(count), most)
            assert len(taken) == min(count, most) and taken[0] == 0
            steps = {b - a for a, b in zip([*taken], [*taken[1:], count])}
            assert max(steps) - min(steps) <= 1
