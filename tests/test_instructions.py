"""Sixty instructions that code can check: a good answer passes each, a bad one doesn't; forgetting
is a paired fall.
"""

from types import SimpleNamespace

import pytest

from twinlib.evaluate import figures, instructions
from twinlib.evaluate.figures import THRESHOLDS

INSTRUCTIONS = instructions.instructions()

KITCHEN = (
    "The kitchen is small and bright, with one window over the sink, two pans on the wall, a "
    "kettle that never "
    "rests, a table for three, and a cat that sleeps on the warm side of the stove whenever "
    "nobody is cooking "
    "anything at all."
)
GOOD = (
    "Apples, pears, plums",
    "Monday\nTuesday\nWednesday\nThursday\nFriday\nSaturday\nSunday",
    "The rain came at four. It stayed until the lamps were lit.",
    KITCHEN,
    "A long platform, one clock, and people who look at it.",
    "Yesterday the sea was grey.",
    "A bicycle has two wheels and a chain, and you push it along with your feet. That is all.",
    "Autumn comes with wet leaves on the road and smoke over the gardens and people who walk "
    "faster than before.",
    "A cat sleeps most of the day. At night it hunts mice and looks at the moon.",
    "THE SKY IS BLUE.",
    "it is paris.",
    "- Put it away\n- Wipe it\n- Keep one cup\n- Bin the rest",
    "1. Boil water\n2. Add tea\n3. Wait",
    "Yes.",
    "No",
    "42",
    "72.",
    "14",
    "345",
    "twelve",
    '```json\n{"name": "Ada", "age": 36}\n```',
    '["red", "yellow", "blue"]',
    "The river is wide here. Follow the river down to the mill, where the river turns.",
    "By the window a lamp stood beside the unopened letter.",
    "apple, mango, pear",
    "The kettle is on the stove.",
    "早上好。",
    "Cold",
    "b-r-e-a-d",
    "Where did you go on your holidays?",
    "苹果，梨，桃",
    "春\n夏\n秋\n冬",
    "雨下了一夜。早上街上全是水。",
    "厨房不大，窗子朝南，灶上一把水壶总在响，墙上挂着两口锅，桌子只够三个人坐，没人做饭的时候，猫就睡在灶台边上。",
    "站台很长，一口钟，大家都看它。",
    "昨天海上起了雾。",
    "自行车有两个轮子，用脚蹬着走。就是这样。",
    "秋天来了树叶落在湿的路上人们走得比夏天快了许多。",
    "猫白天睡觉，晚上出去抓老鼠。它看月亮看得很久。",
    "It is Paris.",
    "是",
    "否",
    "- 收好\n- 擦净\n- 留一个杯子\n- 其余扔掉",
    "1. 烧水\n2. 放茶叶\n3. 等一会儿",
    "42",
    "72",
    "14",
    "345",
    "十二",
    '{"name": "小明", "age": 36}',
    '["红", "黄", "蓝"]',
    "河水很宽，沿着河往下走，到磨坊那里河就拐弯了。",
    "灯下有一封信，放在窗边的桌上。",
    "3，14，27",
    "水壶在炉子上。",
    "Good morning.",
    "冷",
    "你假期去哪里玩了？",
    "天黑了，大家都回家。",
    "ABCDE",
)
RAMBLING = (
    "well, I think that, you know, it depends on many things and there is a lot to say about it, "
    "and it is not "
    "easy, because people differ and so do their ways; 说来话长，各人有各人的看法，一时也说不清楚"
)


def test_there_are_sixty_in_both_languages_and_each_is_asked_once():
    assert len(INSTRUCTIONS) == 60 == len({one.text for one in INSTRUCTIONS}) == len(GOOD)
    assert sum(one.language == "zh" for one in INSTRUCTIONS) == 30


@pytest.mark.parametrize("place", range(60))
def test_each_can_be_followed_and_rambling_follows_none(place):
    assert instructions.follows(INSTRUCTIONS[place], GOOD[place]), INSTRUCTIONS[place].text
    assert not instructions.follows(INSTRUCTIONS[place], RAMBLING), INSTRUCTIONS[place].text
    assert not instructions.follows(INSTRUCTIONS[place], "")


def test_no_answer_does_for_another_instruction_by_accident():
    """Of 60 good answers to other instructions, a check takes hardly any."""
    wrong = sum(
        instructions.follows(one, said)
        for place, one in enumerate(INSTRUCTIONS)
        for other, said in enumerate(GOOD)
        if place % 30 != other % 30
    )
    assert wrong / (60 * 58) < 0.1


def test_circles_follow_no_instruction():
    without_commas = next(one for one in INSTRUCTIONS if "without using any comma" in one.text)
    assert instructions.follows(without_commas, GOOD[INSTRUCTIONS.index(without_commas)])
    assert not instructions.follows(without_commas, "Autumn comes with leaves. " * 12)


@pytest.mark.parametrize(
    "before, after, value, said",
    [
        ([1] * 50 + [0] * 10, [1] * 50 + [0] * 10, 0.0, "Good"),
        ([1] * 15 + [0] * 5, [1] * 15 + [0] * 5, 0.0, "Not enough answers"),
        ([1] * 50 + [0] * 10, [1] * 20 + [0] * 40, 0.5, "Bad"),
        ([1] * 50 + [0] * 10, [0] * 4 + [1] * 46 + [0] * 10, 4 / 60, "So-so"),
        ([1] * 3 + [0] * 57, [0] * 60, 0.05, "hardly anything to forget"),
    ],
)
def test_the_figure_is_by_how_much_the_share_fell(before, after, value, said):
    found = instructions.forgetting(before, after, THRESHOLDS["forgetting"])
    assert (
        found["forgetting"]["value"] == pytest.approx(value) and said in found["forgetting"]["note"]
    )
    assert found["forgetting"]["low"] <= value <= found["forgetting"]["high"]
    assert str(found["forgetting"]["value"]) != "-0.0"
    assert found["forgetting.base"]["value"] - found["forgetting.twin"]["value"] == pytest.approx(
        value
    )


def test_problems_of_a_file_are_marked_by_their_question_as_practice_marks_them():
    """Where no answer is marked, what a comparison says is told by the numbers asked about."""
    problem = {
        "task": "file",
        "kind": "short",
        "question": "Which is larger, 9.11 or 9.9?",
        "answer": "9.9",
    }
    texts = (["9.11 is larger than 9.9."] * 4, ["9.9 is larger than 9.11."] * 4)
    evidence = SimpleNamespace(
        sample=SimpleNamespace(instructions=[], problems=[problem] * 4),
        replies={"instructions": ([], []), "problems": texts},
    )
    found = figures._forgetting(evidence)
    assert found["forgetting.problems.base"]["value"] == 0
    assert found["forgetting.problems.twin"]["value"] == 1
