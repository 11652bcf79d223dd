"""The tasks of step 03: problems of any make, what is right, what is taken, what is paid."""

import json
import threading
import tomllib
from decimal import Decimal

import pytest
from conftest import ROOT

from twinlib import settings
from twinlib.files import TwinError
from twinlib.i18n import LANGUAGES, data, t
from twinlib.text import tasks
from twinlib.text.tasks import (
    equivalence,
    problem_file,
    task_decimals,
    task_file,
    task_gsm8k,
    task_math,
    task_mathqa,
    task_procedural,
)
from twinlib.train import curriculum, nearness, problems, rewards

OWN = """问题,回答,步骤
链条一响怎么办？,先擦干净。每节滴一滴油，倒着蹬十圈，再把多的擦掉。看得见的油，都是吃灰的油。,先擦；再上油；最后再擦。
补两个胎多少钱？,20,"10×2=20"
几点开门？,九点,
,没有问题的一行,
空的,,
"""


def wanted(**changes):
    return settings.make("reasoning", **{"effort": "smoke", **changes})


def stop_of(twin_problems):
    [first, *_] = settings.stops(twin_problems)
    return first.text


def test_every_task_has_a_label_and_makes_or_reads_problems():
    assert settings.TASKS[0] == "decimals"
    for name in settings.TASKS:
        module = tasks.of(name)
        assert name in data("settings")["choices"]
        assert hasattr(module, "generate") != hasattr(module, "problem"), name


def test_comparisons_come_with_their_contrast_and_are_held_out_together():
    made = task_decimals.generate(600, seed=3)
    groups = {}
    for problem in made:
        groups.setdefault(problem["group"], []).append(problem)
        assert problem["answer"] in problem["question"]
    for pair, versions in groups.items():
        a, b = pair.split("-")
        assert sorted((p["language"], p["about"]) for p in versions) == sorted(
            [("en", "number"), ("zh", "number")] * 2 + [("en", "version"), ("zh", "version")]
        )
        for problem in versions:
            if problem["about"] == "number":
                assert Decimal(problem["answer"]) == max(Decimal(a), Decimal(b))
            else:
                parts = [[int(part) for part in each.split(".")] for each in (a, b)]
                assert problem["answer"] == (a if parts[0] > parts[1] else b)
    assert {len(set(map(len, pair.split("-")))) for pair in groups} == {1, 2}  # equal digits, too
    assert made == task_decimals.generate(600, seed=3)
    assert "9.11-9.9" not in groups
    known = {(p["about"], p["answer"]) for p in task_decimals.always_held_out()}
    assert known == {("number", "9.9"), ("version", "9.11")}


@pytest.mark.parametrize(
    "text, answer, right, why",
    [
        ("9.11 came out after 9.9.\nAnswer: 9.11", "9.11", True, "marked"),
        ("Answer: version 9.9", "9.11", False, "the other one"),
        ("Answer: 9.1", "9.10", False, "no number: version 9.10 is not 9.1"),
        ("答案：9月11日", "9.11", True, "a date as people write it"),
        ("答案：**９.１１**", "9.11", True, "full-width digits in bold"),
        ("so it is 9.9, then 9.11", "9.11", True, "no marker: the last"),
        ("Answer: the second", "9.11", False, "neither is named"),
    ],
)
def test_versions_are_compared_part_by_part(text, answer, right, why):
    problem = {"task": "decimals", "about": "version", "answer": answer}
    assert tasks.is_correct(text, problem) is right, why


@pytest.mark.parametrize(
    "said, answer, right",
    [
        (r"so \boxed{\dfrac12}", r"\frac{1}{2}", True),
        (r"\boxed{0.5}", r"\frac{1}{2}", True),
        (r"\boxed{x^2 + 1}", "x^2+1", True),
        (r"\boxed{(-\infty, 3]}", r"(-\infty,3]", True),
        (r"\boxed{\text{odd}}", "odd", True),
        (r"\boxed{\sqrt{2}+\frac{a}{b}}", r"\sqrt{2}+\frac{a}{b}", True),
        (r"\boxed{x^2}", "x^3", False),
        (r"first \boxed{7}, no: \boxed{8}", "7", False),
        ("", "x", False),
    ],
)
def test_latex_answers(said, answer, right):
    assert tasks.is_correct(said, {"task": "math", "answer": answer}) is right


SAID = (r"So \boxed{1+2x}", "Answer: 1+2x", "答案：1+2x")


def in_a_thread(function, *arguments):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*arguments)))
    thread.start()
    thread.join()
    return found[0]


def test_a_comparison_without_a_marked_answer_is_read_by_the_question_in_math_too():
    asked = {"task": "math", "question": "Which is larger, 9.11 or 9.9?", "answer": "9.9"}
    assert tasks.is_correct("9.9 is larger than 9.11.", asked)
    assert not tasks.is_correct("9.11 is larger than 9.9.", asked)


@pytest.fixture
def judge():
    yield
    equivalence._end()


@pytest.fixture
def verifier(tmp_path, monkeypatch, judge):
    """A package of the name and the functions of math-verify; a 9 in an answer takes an hour."""
    (tmp_path / "math_verify.py").write_text(
        "import time\n"
        "def parse(text, parsing_timeout=5):\n"
        "    assert parsing_timeout is None, 'signals work in a main thread alone'\n"
        "    time.sleep(3600 if '9' in text else 0)\n"
        "    return sorted(text.replace(' ', ''))\n"
        "def verify(gold, target, timeout_seconds=5):\n"
        "    assert timeout_seconds is None\n"
        "    return gold == target\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    equivalence._end()


@pytest.mark.slow
@pytest.mark.parametrize("said", SAID)
def test_expressions_are_compared_in_whichever_thread_asks_first(said, verifier):
    problem = {"task": "math", "answer": "2x+1"}
    assert in_a_thread(tasks.is_correct, said, problem)
    assert tasks.is_correct(said, problem) and in_a_thread(tasks.is_correct, said, problem)
    assert not tasks.is_correct(said, {**problem, "answer": "2x+3"})


@pytest.mark.slow
def test_an_answer_that_takes_too_long_is_wrong_and_the_next_one_is_judged(verifier):
    assert not equivalence.is_equivalent("9^{9^9}", "x", seconds=0.5)
    assert equivalence.is_equivalent("1+2x", "2x+1")
    equivalence._child.process.kill()
    equivalence._child.process.wait()
    assert equivalence.is_equivalent("1+2x", "2x+1"), "a child that died is started again"


@pytest.mark.slow
def test_math_verify_itself_compares_expressions(judge):
    pytest.importorskip("math_verify")
    problem = {"task": "math", "answer": "1+2x"}
    assert in_a_thread(tasks.is_correct, r"\boxed{2x+1}", problem)
    assert not tasks.is_correct(r"\boxed{9^{9^{9}}x}", problem)
    assert tasks.is_correct(r"\boxed{2x+1}", problem)
    assert tasks.is_correct(r"\boxed{\{2,1\}}", {"task": "math", "answer": r"\{1,2\}"})


def test_without_math_verify_other_expressions_are_wrong(monkeypatch):
    monkeypatch.setattr(equivalence, "is_installed", lambda: False)
    assert not equivalence.is_equivalent("1+2x", "2x+1")


def test_records_of_math_and_gsm8k_become_problems_with_steps_and_levels():
    record = {"problem": "How much?", "solution": r"So $\boxed{\frac{3}{4}}$.", "level": "Level 4"}
    problem = task_math.problem(record)
    assert (problem["answer"], problem["level"]) == (r"\frac{3}{4}", "level 4")
    answer = "He has 2+3=<<2+3=5>>5.\nTwice: 5*2=<<5*2=10>>10\n#### 1,010"
    problem = task_gsm8k.problem({"question": "How many?", "answer": answer})
    assert (problem["answer"], problem["level"]) == ("1,010", 2) and "<<" not in problem["steps"]
    assert tasks.is_correct("Answer: 1010", {"task": "gsm8k", **problem})
    for task, bad in (
        (task_math, {"problem": "x"}),
        (task_gsm8k, {"question": "x", "answer": "5"}),
    ):
        with pytest.raises(tasks.Refused):
            task.problem(bad)


MATHQA = {
    "Problem": "what is 20 % of 150 ?",
    "options": "a ) 38 , b ) 30 , c ) rs . 3,000 , d ) 5 , e ) none of these",
    "correct": "b",
    "linear_formula": "divide(n0,const_100)|multiply(n1,#0)|",
}


@pytest.mark.parametrize(
    "text, right, why",
    [
        ("a fifth of it.\nAnswer: b", True, "the letter"),
        ("Answer: (B)", True, "in brackets"),
        ("答案：**b**", True, "Chinese, bold"),
        ("Answer: b) 30", True, "letter and value"),
        ("Answer: 30", True, "the option's value alone"),
        ("Answer: a number that is 38", False, "an article is no option"),
        ("Answer: a", False, "another letter"),
        ("so it must be (b)", True, "no marker, one letter in brackets"),
        ("I don't know", False, "nothing"),
        ("所以选B)", True, "beside a Chinese word"),
        ("所以选（b）。", True, "in wide brackets"),
        ("答案：B选项", True, "before a Chinese word"),
    ],
)
def test_options(text, right, why):
    problem = {"task": "mathqa", **task_mathqa.problem(MATHQA)}
    assert problem["level"] == 2 and problem["options"]["c"] == "rs . 3,000"
    assert "\nb) 30\n" in tasks.ask(problem)
    assert tasks.is_correct(text, problem) is right, why


@pytest.mark.parametrize(
    "given", ["a)苹果b)两个梨c)桃", "A）苹果，B）两个梨，C）桃", "a ) 苹果 , b ) 两个梨 , c ) 桃"]
)
def test_options_in_chinese_need_no_blanks(given):
    problem = task_mathqa.problem({"Problem": "选什么？", "options": given, "correct": "b"})
    assert problem["options"] == {"a": "苹果", "b": "两个梨", "c": "桃"}


@pytest.mark.parametrize("name", [name for name in settings.TASKS if name != "procedural"])
def test_what_is_taken_for_the_answer_stands_there(name):
    made = {
        "decimals": task_decimals.generate(6, 1)[0],
        "gsm8k": task_gsm8k.problem({"question": "?", "answer": "#### 42"}),
        "math": task_math.problem({"problem": "?", "answer": "42"}),
        "mathqa": task_mathqa.problem(MATHQA),
        "file": task_file.problem({"q": "?", "a": "forty two"}),
    }[name]
    problem = {**made, "task": name}
    answer = problem["answer"]
    for text in (f"I think 3.\n**Answer:** {answer}.", f"想了 3 遍。\n答案：{answer}。"):
        start, end = tasks.taken(text, problem)
        assert text[start:end] == answer, text
        assert tasks.is_correct(text, problem)
    assert tasks.taken("", problem) is None


def test_the_owners_table_is_read_in_any_make_with_its_steps(tmp_path):
    from openpyxl import Workbook

    rows = [line.split(",") for line in OWN.replace('"', "").strip().split("\n")]
    (tmp_path / "own.csv").write_bytes(OWN.encode("gb18030"))
    records = [dict(zip(("q", "a", "steps"), row)) for row in rows[1:]]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (tmp_path / "own.jsonl").write_text(lines + "\n{broken\n", encoding="utf-8")
    (tmp_path / "own.json").write_text(json.dumps(records), encoding="utf-8")
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "own.xlsx")
    for name in ("own.csv", "own.jsonl", "own.json", "own.xlsx"):
        found = problem_file.read("file", tmp_path / name)
        assert [(p["answer"][:2], p["kind"]) for p in found.problems] == [
            ("先擦", "prose"),
            ("20", "short"),
            ("九点", "short"),
        ], name
        assert found.problems[1]["steps"] == "10×2=20" and found.problems[0]["language"] == "zh"
        assert len(found.refused) == (3 if name == "own.jsonl" else 2), name


def test_gsm8k_and_question_answer_files_are_read_and_bad_lines_named(tmp_path):
    text = (
        '{"question": "2+2?", "answer": "Two and two.\\n#### 4"}\n\nnot json\n'
        '{"question": "颜色？", "steps": "想", "answer": "红"}\n{"question": "x"}\n'
    )
    (tmp_path / "own.jsonl").write_text(text, encoding="utf-8", newline="")
    problems, _, refused, _ = problem_file.read("file", tmp_path / "own.jsonl")
    assert [(p["question"], p["answer"], p["language"]) for p in problems] == [
        ("2+2?", "4", "en"),
        ("颜色？", "红", "zh"),
    ]
    assert [line for line, _ in refused] == [3, 5]


def test_an_answer_without_a_word_is_refused_and_a_line_ends_only_at_its_newline(tmp_path):
    text = '{"question": "1\u20281?", "answer": "2"}\r\n{"question": "x\x85y", "answer": "…"}\n'
    (tmp_path / "own.jsonl").write_text(text, encoding="utf-8", newline="")
    problems, _, refused, _ = problem_file.read("file", tmp_path / "own.jsonl")
    assert [(p["id"], p["question"]) for p in problems] == [("line-1", "1\u20281?")]
    assert [line for line, _ in refused] == [2]


@pytest.mark.parametrize(
    "said, version",
    [
        ("9.11 is newer than 9.9", "9.11"),
        ("9.9 is newer than 9.11.", "9.9"),
        ("9.9 comes before 9.11", "9.11"),
        ("9.9版更新", "9.9"),
        ("9.11在后面", "9.11"),
        ("9.9 is older.", "9.11"),
        ("9.11在9.9之后", "9.11"),
        ("9.9在9.11后面", "9.9"),
        ("后发布的是9.11版", "9.11"),
        ("9月11日更晚", "9.11"),
        ("9月9日比9月11日早", "9.11"),
        ("9.11晚于9.9", "9.11"),
        ("9.11 comes later", "9.11"),
        ("The later release is version 9.11.", "9.11"),
        ("9.11 is after 9.9", "9.11"),
        ("Version 9.9 was released before version 9.11.", "9.11"),
        ("9.9比9.11新", "9.9"),
        ("版本9.11比版本9.9更新", "9.11"),
        ("第9.11章在第9.9章的后面", "9.11"),
        ("9.11 follows 9.9", "9.11"),
        ("9.9 > 9.11", "9.9"),
        ("9.11是后发布的", "9.11"),
        ("9.9 and 9.11 are both versions.", None),
        ("9.11 is newer than 9.9 and 9.9 is newer than 9.11.", None),
        ("Answer: 9.9 is older than 9.11", "9.11"),
        ("Answer: 9.9, not 9.11", "9.9"),
    ],
)
def test_of_two_versions_the_text_gives_the_one_that_it_says_to_be_newer(said, version):
    pair = ("9.9", "9.11")
    asked = {
        "task": "decimals",
        "about": "version",
        "question": "Which version of a program is newer, 9.9 or 9.11?",
    }
    right = [answer for answer in pair if tasks.is_correct(said, {**asked, "answer": answer})]
    assert right == [version] * (version is not None)


def test_no_held_out_decimals_are_practised_under_another_whole_part():
    for steps, held_out in ((100, 60), (500, 200)):
        train, test = problems.train_and_test(wanted(steps=steps, held_out=held_out))
        assert len(test) == held_out and len(train) > 2 * steps
        practised, held = (
            {tuple(sorted(n.split(".")[1] for n in p["group"].split("-"))) for p in part}
            for part in (train, test)
        )
        assert ("11", "9") in held and not practised & held
    many = {task_decimals.decimals_of(p) for p in task_decimals.generate(12_000, seed=1)}
    assert len(many) > 800 and "11-9" not in many


def test_a_folder_with_train_and_test_holds_out_the_second(tmp_path):
    for name, numbers in (("train", range(20)), ("test", range(15, 30))):
        lines = [json.dumps({"question": f"{i}?", "answer": f"x #### {i}"}) for i in numbers]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    chosen = wanted(task="gsm8k", problems=str(tmp_path), held_out=8, steps=2)
    train, test = problems.train_and_test(chosen)
    assert len(test) == 8 and {int(p["answer"]) for p in test} <= set(range(15, 30))
    assert not {p["question"] for p in train} & {p["question"] for p in test}


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.jsonl", None, "no problem file"),
        ("a.jsonl", b"", "is empty"),
        ("a.csv", b"\n\n  \n", "is empty"),
        ("a.jsonl", b"\x00\x01\x02" * 400, "can't be read"),
        ("a.xlsx", b"PK\3\4 no workbook", "can't be read"),
        ("a.json", b'[{"question": "x", ', "can't be read"),
        ("a.jsonl", '{"question": "1+1?", "answer": "2"}\n'.encode("utf-16"), "1 usable"),
        ("a.csv", b"name,age\nx,3\ny,4\n", "0 usable"),
    ],
)
def test_a_bad_file_is_a_stop_in_a_sentence(twin, tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert said in stop_of(problems.file_problems(wanted(task="file", problems=str(path))))


def test_a_huge_file_is_not_read_and_a_folder_without_problems_is_said(tmp_path):
    path = tmp_path / "huge.jsonl"
    with open(path, "wb") as file:
        file.truncate(100 * 2**20)
    chosen = wanted(task="file", problems=str(path))
    assert "more than 60 MB" in stop_of(problems.file_problems(chosen))
    (tmp_path / "empty").mkdir()
    chosen = wanted(task="gsm8k", problems=str(tmp_path / "empty"))
    assert "no file train" in stop_of(problems.file_problems(chosen))


def test_the_missing_package_is_said_with_its_command():
    if "reasoning_gym" in __import__("sys").modules or _has_gym():
        assert not problems.file_problems(wanted(task="procedural", problems="gcd"))
        assert len(task_procedural.generate(12, 1)) == 12
    else:
        said = stop_of(problems.file_problems(wanted(task="procedural")))
        assert said.endswith(f'pip install "{optional("reasoning-gym")}"')


def optional(name):
    """The requirement of an optional package in pyproject.toml."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return next(n for n in extras["optional-dependencies"]["problems"] if n.startswith(name))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_commands_that_install_optional_packages_name_the_tested_range(language, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", language)
    assert t("train.procedural_not_installed").endswith(f'"{optional("reasoning-gym")}"')
    assert t("train.math_verify_missing").endswith(f'"{optional("math-verify")}"')


@pytest.mark.parametrize("spec", [None, "there"])
def test_math_without_its_package_is_marked_letter_by_letter_and_that_is_said(spec, monkeypatch):
    monkeypatch.setattr(problems, "find_spec", lambda name: spec)
    said = [problem.text for problem in problems.file_problems(wanted(task="math"))]
    assert [text.partition(":")[0] for text in said] == (
        [] if spec else ["Without the package math-verify answers are compared letter by letter"]
    )
    assert not problems.file_problems(wanted(task="gsm8k"))


def _has_gym():
    from importlib.util import find_spec

    return find_spec("reasoning_gym") is not None


# Rewards of prose

ROWS = [
    (
        "How do I stop my chain from squeaking?",
        "Dry it first. Then one drop of oil on each roller, pedal backwards ten times, wipe the "
        "rest off. Oil that you can see is oil that eats dirt.",
    ),
    (
        "How often should I check the tyre pressure?",
        "Every Monday, before breakfast. Press with your thumb: if it gives, pump. A soft tyre is "
        "a slow puncture you have not met yet.",
    ),
    (
        "Which brake pads last longest?",
        "The hard ones, but they bite your rim. I fit the middle ones and change them each spring. "
        "A pad is cheaper than a rim.",
    ),
    ("How many spokes has the wheel?", "32"),
]


def own_problems():
    made = [task_file.problem({"q": q, "a": a, "steps": "first look"}) for q, a in ROWS]
    return [{"id": str(i), "task": "file", "group": str(i), **p} for i, p in enumerate(made)]


def test_prose_is_paid_for_nearness_not_for_length_or_for_copying_the_question():
    made = own_problems()
    paid = rewards.rewards_for(made)
    assert list(paid) == ["correct", "form", "reward_near", "reward_style", "reward_steps"]
    question, own = ROWS[0]

    def worth(text):
        near, style = (paid[name]([text], made[:1])[0] for name in ("reward_near", "reward_style"))
        assert 0 <= style <= nearness.STYLE * (near / (1 - nearness.STYLE)) + 1e-9
        return near + style

    short = "Clean the chain and dry it, one drop of oil on each roller, then wipe the rest off."
    padding = (
        " I hope that this helps. Please ask me anything else that you would like to know." * 3
    )
    assert worth(own) > 0.75
    assert worth(own) > worth(short) > worth(ROWS[1][1]), "nearer is better"
    assert worth(short + padding) < worth(short) * 0.6, "length does not pay"
    assert worth(question) < 0.05 and worth(f"{question} " * 3) == 0, "nor does the question"
    assert worth(question + " " + short) <= worth(short) + 1e-9
    assert worth("") == worth("oil oil oil oil oil oil oil oil oil oil oil oil") == 0
    assert worth("one drop") < worth(short) * 0.7, "nor does saying next to nothing"


def test_in_one_table_each_row_has_its_own_rewards():
    made = own_problems()
    texts = ["x", "x", "x", "I count.\nAnswer: 32"]
    paid = rewards.rewards_for(made)
    assert paid["correct"](texts, made) == [None, None, None, 1.0]
    assert paid["form"](texts, made)[3] == rewards.FORMAT_REWARD
    assert [value is None for value in paid["reward_near"](texts, made)] == [False] * 3 + [True]
    worked = paid["reward_steps"](["first I look, at a thing\nAnswer: 32"], made[3:])
    assert 0 < worked[0] <= rewards.STEPS_REWARD
    assert list(rewards.rewards_for(task_decimals.generate(6, 1))) == ["correct", "form"]


# The band


def test_practised_are_the_problems_that_are_solved_sometimes_and_that_changes():
    made = [
        {"id": f"{level}-{i}", "level": level, "task": "file", "kind": "short"}
        for level in ("easy", "fair", "hard")
        for i in range(100)
    ]
    shares = {"easy": 1.0, "fair": 0.5, "hard": 0.0}
    known = {f"{level}-{i}": [share] * 8 for level, share in shares.items() for i in range(8)}
    practised = curriculum.Curriculum(made, known, seed=1)
    drawn = [practised.draw()["level"] for _ in range(80)]
    assert drawn.count("fair") > 60
    fair = [problem for problem in made if problem["level"] == "fair"]
    for _ in range(12):
        practised.note(fair, [1.0] * len(fair))
        practised.note(made[200:], [0.5] * 100)
    drawn = [practised.draw()["level"] for _ in range(80)]
    assert drawn.count("hard") > 60, "what became easy is left, what became possible is taken"
    assert practised.share(fair[0]) > curriculum.HIGH


def test_without_a_probe_all_problems_are_drawn_once_before_any_comes_again(tmp_path):
    made = [{"id": str(i), "task": "file", "kind": "prose"} for i in range(20)]
    practised = curriculum.Curriculum(made, path=tmp_path / "marks.json")
    slots = curriculum.Slots(practised, lambda problem: {"id": problem["id"]}, 20)
    assert slots[3] == slots[3] and len(slots) == 20
    assert len({slots[i]["id"] for i in range(20)}) == 20
    for _ in range(16):
        practised.note(made, [None] * 19 + [1.0])
    assert curriculum.read(tmp_path / "marks.json") == {"19": [1.0] * 16}
    assert curriculum.read(tmp_path / "missing.json") == {}


def test_problems_of_the_hub_are_read_or_their_want_is_said_with_what_to_do(monkeypatch):
    import datasets

    made = [{"problem": f"{i}?", "solution": rf"\boxed{{{i}}}", "level": "Level 1"} for i in "abc"]

    def load_dataset(repository, name=None, split=None):
        if repository != task_math.HUB[0]:
            raise OSError("no network\nand a long story")
        rows = [{**row, "problem": f"{name} {split} {row['problem']}"} for row in made]
        return datasets.Dataset.from_list(rows)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    train, test = problems.train_and_test(wanted(task="math", held_out=8, steps=2))
    assert len(train) == 21 and len(test) == 8 and all(" test " in p["question"] for p in test)
    with pytest.raises(TwinError, match=r"\(no network\)\. Give a file"):
        problems.train_and_test(wanted(task="gsm8k", held_out=8, steps=2))
