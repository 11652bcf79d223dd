"""Which device a file suits: known files, and arithmetic done by hand."""

import pytest

from twinlib import catalogue
from twinlib.models import device_fit
from twinlib.models.device_fit import Fit

GEMMA, QWEN = "gemma-3-270m", "qwen2.5-{}b".format


def fit(base, gigabytes, context=4096):
    return device_fit.fit(gigabytes * 1e9, context, catalogue.entry(base).shape)


@pytest.mark.parametrize(
    "base, kind, gigabytes, phone, laptop, card",
    [
        (GEMMA, "Q4_K_M", 0.253, 4, 8, 6),
        (GEMMA, "F16", 0.543, 4, 8, 6),
        (QWEN(0.5), "Q8_0", 0.531, 4, 8, 6),
        (QWEN(1.5), "Q4_K_M", 0.986, 4, 8, 6),
        (QWEN(1.5), "Q8_0", 1.647, 4, 8, 6),  # 2.1 GB of the 2.15 that an app has
        (QWEN(1.5), "F16", 3.093, 8, 8, 6),
        (QWEN(3), "Q4_K_M", 1.930, 6, 8, 6),  # 2.4: above half of 4 GB
        (QWEN(3), "Q8_0", 3.285, 8, 8, 6),
        (
            "qwen3-4b",
            "Q5_K_M",
            2.890,
            8,
            8,
            6,
        ),  # its conversation takes 0.6, that of Qwen2.5-3B 0.15
        (QWEN(7), "Q4_K_M", 4.683, 12, 16, 6),
        (QWEN(7), "Q8_0", 8.099, None, 16, 12),
        (QWEN(7), "F16", 15.237, None, 32, 24),
        (QWEN(14), "Q4_K_M", 8.988, None, 16, 12),
        (QWEN(14), "Q8_0", 15.702, None, 32, 24),
        (QWEN(14), "F16", 29.547, None, None, None),
    ],
)
def test_files_of_known_size_go_with_the_smallest_usual_device(
    base, kind, gigabytes, phone, laptop, card
):
    assert fit(base, gigabytes)[1:4] == (phone, laptop, card)


def test_memory_is_weights_conversation_a_tenth_and_the_program():
    shape = catalogue.Shape(layers=10, hidden=0, inner=0, query=0, keys=100, vocabulary=0)
    assert device_fit.memory(1e9, 1000, shape) == pytest.approx(
        1.1 * (1e9 + 2 * 10 * 100 * 2 * 1000) + 0.15e9
    )


def test_a_long_conversation_wants_a_larger_device():
    assert [fit("qwen3-8b", 5.03, context).card for context in (4096, 32768)] == [8, 12]
    assert fit(GEMMA, 0.292, 4096).memory == pytest.approx(0.55e9, rel=0.01), (
        "as the docstring says"
    )


def test_a_laptop_that_reads_memory_slower_than_people_read_text_is_called_slow():
    assert [fit(QWEN(14), gigabytes).slow for gigabytes in (8.988, 10.2, 10.3, 15.702)] == [
        False,
        False,
        True,
        True,
    ]


def both(fit):
    said = device_fit.device_text(fit)
    return said["en"], said["zh"]


def test_devices_are_said_in_both_languages():
    assert both(fit(QWEN(3), 1.930)) == (
        "a phone with 6 GB of memory or more, a laptop with 8 GB or more, "
        "a graphics card with 6 GB or more",
        "6 GB 内存以上的手机、8 GB 内存以上的笔记本电脑、6 GB 显存以上的显卡",
    )
    assert both(fit(QWEN(14), 15.702)) == (
        "a laptop with 32 GB or more (slowly), a graphics card with 24 GB or more",
        "32 GB 内存以上的笔记本电脑（较慢）、24 GB 显存以上的显卡",
    )
    assert both(Fit(33.6e9, None, None, None, True)) == (
        "a machine with about 34 GB of free memory",
        "约有 34 GB 空闲内存的机器",
    )


@pytest.mark.parametrize(
    "divergence, top1, en, zh",
    [
        (1e-6, None, "indistinguishable", "分不出"),
        (0.005, 0.5, "indistinguishable", "分不出"),
        (0.006, None, "hardly", "几乎没有"),
        (0.03, None, "hardly", "几乎没有"),
        (0.031, 0.99, "slightly", "略有"),
        (0.101, None, "noticeably", "明显"),
        (None, 0.98, "indistinguishable", "分不出"),
        (None, 0.92, "hardly", "几乎没有"),
        (None, 0.91, "slightly", "略有"),
        (None, 0.5, "noticeably", "明显"),
        (0.0, 0.0, "indistinguishable", "分不出"),
    ],
)
def test_a_figure_has_a_word_that_people_use(divergence, top1, en, zh):
    said = device_fit.closeness_text(divergence, top1)
    assert said["en"].startswith(en) and zh in said["zh"]


def test_what_was_not_measured_has_no_word():
    assert device_fit.closeness() is None
    assert device_fit.closeness_text() == {"en": "not measured", "zh": "没有量"}
