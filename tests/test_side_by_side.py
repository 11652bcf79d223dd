"""The page to read: what it shows of whom, and picking in a real browser, on a phone and on a
desktop.

Needs Playwright and Debian's chromium; without them the tests in the browser are skipped. With
$TWINLIB_SHOTS set to a folder, pictures are kept there to be looked at.
"""

import base64
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from twinlib.evaluate import side_by_side
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.blind_test.page import MAX_BYTES
from twinlib.files import write_records
from twinlib.progress import width
from twinlib.text import interview_questions
from twinlib.ui import tables

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
EVIL = (
    "</template></script><img src=x onerror=alert(1)> \u2028 & \"quotes\" 'too' \u202eRTL שלום 😀 "
    "{{DATA}} {of}."
)
NAMES = {
    "real": "Ning, really",
    "base": "base",
    "prompt": "base with persona prompt",
    "twin": "twin",
    "twin-Q8_0": "twin as Q8_0",
}


def asked(number, **change):
    """A page of five voices, each of whom says its own name backwards, so that a test can pick it
    unseen by readers.
    """
    said = {row: f"This is what {row[::-1]} has to say to {number}." for row in NAMES}
    return {"question": f"Question {number}?", **said, **change}


def data(html):
    [packed] = re.findall('<template id="data">(.*?)</template>', html)
    return json.loads(base64.b64decode(packed))


def voices(page, **more):
    """{names: voice} of a page's card."""
    return {
        " = ".join(voice["names"]): voice
        for voice in side_by_side.card(page, "Ning", **more)["voices"]
    }


# What is shown of whom


def test_everybody_who_said_something_has_a_voice_with_a_name_and_a_kind():
    found = voices(asked(1))
    assert {name: voice["kind"] for name, voice in found.items()} == {
        "Ning, really": "real",
        "twin": "twin",
        "twin as Q8_0": "twin",
        "base": "other",
        "base with persona prompt": "other",
    }
    order = sorted(found, key=lambda name: found[name]["position"])
    assert order == ["Ning, really", "twin", "twin as Q8_0", "base with persona prompt", "base"]
    assert found["twin"]["text"] == "This is what niwt has to say to 1."


def test_names_are_in_the_readers_language(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    assert set(voices(asked(1))) == {
        "Ning 的原文",
        "基础模型",
        "基础模型加提示词",
        "分身",
        "分身（Q8_0）",
    }
    assert data(side_by_side.page([asked(1)], "Ning"))["words"]["mine"] == "这是我写的"
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert "twin · 分身" in voices(asked(1))


def test_the_order_tells_nothing_and_stays():
    first = Counter(
        side_by_side.card(asked(n), "Ning")["voices"][0]["names"][0] for n in range(1000)
    )
    assert len(first) == 5 and all(150 < count < 250 for count in first.values())
    assert list(voices(asked(1))) == list(voices(dict(reversed(asked(1).items()))))
    assert len({tuple(voices(asked(1), seed=seed)) for seed in range(20)}) > 10


LONG = (
    "I went to the pier. The gulls were walking. A bowl stood on the bench. "
    "Nobody had left a note. "
)
CHINESE = "晴，初六。台上：一张明信片，邮票贴歪了。妹妹每年寄一张，张张都是电车。她知道我看什么。"


@pytest.mark.parametrize(
    "sentence, twin",
    [
        (LONG, "It was cold. I mended a chain and went home again."),
        (CHINESE, "今天有雨。台上：一条链条，干得像树皮，断了。"),
    ],
    ids=["en", "zh"],
)
def test_all_are_cut_to_the_twins_length_at_the_end_of_a_sentence_and_the_rest_is_kept(
    sentence, twin
):
    page = {
        "question": "?",
        "real": (sentence * 9).strip(),
        "base": "Line again\n" * 60,
        "twin": twin,
    }
    found = voices(page)
    assert found["twin"]["text"] == twin and found["twin"]["rest"] == ""
    for name in ("Ning, really", "base"):
        assert width(twin) / 2 < width(found[name]["text"]) <= 1.25 * width(twin)
    real = found["Ning, really"]
    assert real["text"][-1] in ".。"
    assert re.sub(r"\s", "", real["text"] + real["rest"]) == re.sub(r"\s", "", page["real"])


def test_a_short_passage_of_the_author_cuts_the_others():
    found = voices({"question": "?", "real": "Soft day. Gulls walking.", "twin": LONG * 5})
    assert found["Ning, really"]["text"] == "Soft day. Gulls walking."
    assert found["twin"]["text"] == "I went to the pier." and found["twin"]["rest"].startswith(
        "The gulls"
    )


def test_where_an_answer_broke_off_doesnt_tell():
    found = voices(
        {
            "question": "?",
            "real": LONG * 3,
            "twin": "I went home. It rained all day long. And then the",
        }
    )
    assert (
        found["twin"]["text"] == "I went home. It rained all day long."
        and found["twin"]["rest"] == "And then the"
    )
    rambling = "特征是：\n\n1. " + "军路，马路，青年人，" * 9
    assert voices({"question": "?", "real": LONG * 3, "twin": rambling})["twin"]["text"] == rambling


def test_those_who_say_the_same_are_one_voice_and_thinking_aloud_is_left_out():
    thought = "<think>What would he say?</think>\n\nTea."
    found = voices(asked(1, **{"twin": "Tea.", "twin-Q8_0": thought, "real": " Tea.\n"}))
    assert set(found) == {"Ning, really = twin = twin as Q8_0", "base", "base with persona prompt"}
    assert found["Ning, really = twin = twin as Q8_0"]["kind"] == "real"


def test_a_missing_row_and_a_missing_passage_leave_the_others():
    page = asked(1, real="")
    del page["twin"]
    assert set(voices(page)) == {"twin as Q8_0", "base", "base with persona prompt"}
    assert (
        side_by_side.card(page, "Ning")["real"] is False
        and side_by_side.card(asked(1), "Ning")["real"] is True
    )
    assert set(voices({"question": "?", "real": "", "twin": ""})) == {"twin"}


# The file


def test_there_are_12_questions_from_all_along_or_as_many_as_there_are():
    def asks(several):
        html = side_by_side.page([asked(n) for n in range(several)], "Ning")
        return [card["question"] for card in data(html)["cards"]]

    assert asks(48) == [f"Question {n}?" for n in range(0, 48, 4)]
    assert asks(5) == [f"Question {n}?" for n in range(5)] and len(asks(1)) == 1
    assert side_by_side.page([], "Ning") == ""


def test_it_stays_small_whatever_the_models_wrote():
    pages = [
        {"question": "问" * 3000, **{row: row + "字" * 30_000 for row in NAMES}} for _ in range(20)
    ]
    html = side_by_side.page(pages, "宁")
    assert MAX_BYTES / 2 < len(html.encode()) <= MAX_BYTES and 6 < len(data(html)["cards"]) < 12


def test_no_text_is_markup_or_readable_in_the_source_and_nothing_is_loaded():
    html = side_by_side.page(
        [asked(1), {"question": EVIL, "real": EVIL, "twin": "x" + EVIL, "base": "\ud800"}], EVIL
    )
    assert "<img" not in html and "has to say" not in html and "persona prompt" not in html
    assert html.count("<script>") == html.count("</script>") == html.count("</template>") == 1
    assert data(html)["cards"][1]["question"] == EVIL
    assert "default-src 'none'" in html and "unsafe" not in html and "innerHTML =" not in html
    assert not re.findall(
        r"""https?:|(?:src|href)=|@import|url\(|fetch\(|XMLHttp|sendBeacon|eval\(|Storage""", html
    )


# In the twin's folder and the notebook


@pytest.fixture
def answered(sample_twin):
    """A twin with answers of four rows to its held-out questions."""
    sample_twin.folder("evaluate")
    records = [
        {
            "id": f"{row} {n}",
            "question": question["question"],
            "row": row,
            "text": f"{row} says {EVIL}",
            "model_sha": "x",
            "ended": True,
        }
        for n, question in enumerate(evaluate.questions(sample_twin))
        for row in NAMES
        if row != "real"
    ]
    write_records(sample_twin.file("answers"), records)
    return sample_twin


def test_the_page_lies_in_the_twins_folder_and_goes_with_the_answers(answered):
    html = evaluate.reading_page(answered)
    assert answered.file("side_by_side").read_text(encoding="utf-8") == html
    assert len(data(html)["cards"]) == min(12, len(evaluate.questions(answered))) >= 1
    answered.file("answers").unlink()
    assert evaluate.reading_page(answered) == "" and not answered.file("side_by_side").exists()
    assert "notebook 05 has not run to its end" in tables.side_by_side(answered).text


def test_answers_to_new_questions_come_last_and_without_a_text_of_the_author(answered):
    new = interview_questions.QUESTIONS[3].zh
    records = answered.records("answers")
    extra = {**records[0], "id": "new", "question": new, "row": "twin"}
    stale = {**extra, "id": "stale", "question": "a question of an earlier corpus"}
    write_records(answered.file("answers"), [extra, stale, *records])
    pages = evaluate.side_by_side(answered)
    assert [page["question"] for page in pages][-1] == new and pages[-1]["real"] == ""
    assert stale["question"] not in [page["question"] for page in pages]
    assert not data(evaluate.reading_page(answered))["cards"][-1]["real"]


# In a browser


@pytest.fixture
def opened(chromium, tmp_path):
    """open(html, size): the file in a window of its own; what its console says or it asks for fails
    the test.
    """
    complaints, contexts = [], []

    def open_(html, size=PHONE, **more):
        path = tmp_path / "side_by_side.html"
        path.write_text(html, encoding="utf-8")
        context = chromium.new_context(viewport=size, has_touch=size is PHONE, **more)
        contexts.append(context)
        window = context.new_page()
        window.on("console", lambda message: complaints.append(message.text))
        window.on("pageerror", lambda error: complaints.append(str(error)))
        window.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        window.on(
            "request",
            lambda request: request.url == path.as_uri() or complaints.append(request.url),
        )
        window.goto(path.as_uri())
        return window

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def shot(window, name):
    if os.environ.get("TWINLIB_SHOTS"):
        window.screenshot(path=Path(os.environ["TWINLIB_SHOTS"]) / f"{name}.png", full_page=True)


def voice(window, at, row):
    return window.locator("section").nth(at).locator(".voice", has_text=f"what {row[::-1]} has")


def pick(window, at, row):
    voice(window, at, row).locator("button").click()


def counter(window):
    return window.locator(".counter").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_names_appear_in_a_question_when_its_pick_is_made_and_picks_are_counted(opened, size):
    pages = [asked(n, real=f"This is what laer has to say to {n}. " + LONG * 3) for n in range(4)]
    window = opened(side_by_side.page(pages, "Ning"), size)
    before = window.locator("main").evaluate("main => main.outerHTML")
    for name in (*NAMES.values(), 'class="voice real', "Read on", "gulls", "place="):
        assert not re.search(rf"\b{name}\b", before.replace("the twin for", "")), (
            "nothing tells before a pick"
        )
    assert counter(window) == "Nothing picked yet." and window.locator("button").count() == 20
    shot(window, f"side-{size['width']}-blind")
    pick(window, 0, "real")
    assert counter(window) == "You knew yourself in 1 of 1; you took the twin for yourself in 0."
    for row, name in NAMES.items():
        assert voice(window, 0, row).locator("bdi").all_inner_texts() == [name]
    assert "✓ Your pick, and it is you" in voice(window, 0, "real").inner_text()
    assert window.locator("section").first.locator("button").count() == 0, "the question is decided"
    assert window.locator("button").count() == 15 and window.locator("bdi").count() == 5, (
        "the others stay blind"
    )
    assert not window.locator("text=gulls").first.is_visible()
    window.locator("summary").first.click()
    assert window.locator("text=gulls").first.is_visible()
    pick(window, 1, "twin-Q8_0")
    assert "✗ Your pick, but not you" in voice(window, 1, "twin-Q8_0").inner_text()
    pick(window, 2, "base")
    assert counter(window) == "You knew yourself in 1 of 3; you took the twin for yourself in 1."
    shot(window, f"side-{size['width']}-picked")
    assert window.evaluate("document.documentElement.scrollWidth") <= size["width"], (
        "nothing to scroll sideways"
    )


@pytest.mark.slow
def test_all_names_are_shown_in_one_order_and_hidden_again(opened):
    window = opened(side_by_side.page([asked(n) for n in range(3)], "Ning"), DESKTOP)
    pick(window, 0, "twin")
    window.click("text=Show all names")
    for at in range(3):
        assert window.locator("section").nth(at).locator("bdi").all_inner_texts() == [
            NAMES[row] for row in ("real", "twin", "twin-Q8_0", "prompt", "base")
        ]
    assert (
        window.locator("button").count() == 0
        and "Your pick" in voice(window, 0, "twin").inner_text()
    )
    window.click("text=Show all names")
    assert window.locator("bdi").count() == 5 and window.locator("button").count() == 10
    assert counter(window) == "You knew yourself in 0 of 1; you took the twin for yourself in 1."


@pytest.mark.slow
def test_what_is_read_stays_in_its_place_when_folds_appear(opened):
    page = {
        "question": "?",
        "real": LONG * 9,
        "base": "Again. " * 99,
        "prompt": "Once more. " * 99,
        "twin": LONG,
    }
    window = opened(side_by_side.page([page] * 2, "Ning"), PHONE)
    last = window.locator("section").first.locator(".voice").last
    last.locator("button").scroll_into_view_if_needed()
    before = last.bounding_box()["y"]
    last.locator("button").click()
    assert window.locator("summary").count() == 3 and abs(last.bounding_box()["y"] - before) < 1


@pytest.mark.slow
def test_without_a_passage_of_the_author_a_pick_is_neither_right_nor_wrong(opened):
    pages = [asked(0, real=""), asked(1), {"question": "Why?", "real": "", "twin": "So."}]
    window = opened(side_by_side.page(pages, "Ning"))
    assert "which one sounds most like you?" in window.locator("section").first.inner_text()
    assert window.locator("section").last.locator("bdi").inner_text() == "twin", (
        "there is nothing to choose from"
    )
    pick(window, 0, "twin")
    assert counter(window) == "Without a text of yours: the twin sounded most like you in 1 of 1."
    assert window.locator(".picked .said").inner_text() == "Your pick"
    pick(window, 1, "real")
    assert counter(window).startswith(
        "You knew yourself in 1 of 1; you took the twin for yourself in 0. Without"
    )


@pytest.mark.slow
def test_in_chinese(opened, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    page = {
        "question": "妹妹寄来的明信片讲的是什么？",
        "real": CHINESE * 5,
        "twin": "窗子，空，空。",
        "base": "",
    }
    window = opened(side_by_side.page([page], "阿宁"), PHONE)
    assert "（没有回答）" in window.locator("main").inner_text()
    window.locator(".voice", has_text="窗子").locator("button", has_text="这是我写的").click()
    assert counter(window) == "1 题里您认出自己 0 次；把分身当成自己 1 次。"
    assert sorted(window.locator("bdi").all_inner_texts()) == ["分身", "基础模型", "阿宁的原文"]
    assert window.evaluate("document.documentElement.lang") == "zh-Hans"


@pytest.mark.slow
def test_any_text_is_shown_as_it_is_and_runs_nothing(opened):
    window = opened(
        side_by_side.page([{"question": EVIL, "real": EVIL, "twin": f"No: {EVIL}"}], EVIL)
    )
    assert window.locator("h2").text_content() == f"1{EVIL}" and window.locator("img").count() == 0
    assert sorted(window.locator(".text").all_text_contents()) == [EVIL, f"No: {EVIL}"]
    window.locator("button").first.click()
    assert f"{EVIL}, really" in window.locator("bdi").all_text_contents()


@pytest.mark.slow
def test_it_can_be_done_with_the_keyboard_and_the_next_stop_is_the_next_question(opened):
    window = opened(side_by_side.page([asked(0), asked(1)], "Ning"), DESKTOP)
    for at in range(2):
        for key in ("Tab", "Tab", "Enter")[at:]:
            window.keyboard.press(key)
        assert f" of {at + 1};" in counter(window)
        said = window.locator(".picked .foot").nth(at).inner_text()
        assert window.evaluate("document.activeElement.innerText") == said, (
            "what the pick was is read out"
        )


@pytest.mark.slow
def test_in_a_notebook_the_page_works_in_its_frame(opened, answered):
    shown = tables.side_by_side(answered)
    window = opened(f"<!doctype html><meta charset=utf-8><body>{shown.html}</body>", DESKTOP)
    frame = window.frame_locator("iframe")
    frame.locator("button").first.click()
    assert "of 1" in frame.locator(".counter").inner_text()
    assert str(answered.file("side_by_side")) in window.locator("body").inner_text()
    shot(window, "side-notebook")


def test_without_scripts_it_says_what_to_do(chromium, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(side_by_side.page([asked(1)], "Ning"), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False)
    window = context.new_page()
    window.goto(path.as_uri())
    assert "Open the file in a browser" in window.locator("main").inner_text()
    context.close()
