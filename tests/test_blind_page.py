"""The blind test's page: what its source holds, and a whole test in a real browser, on a phone and
on a desktop.

Needs Playwright and Debian's chromium; without them the tests in the browser are skipped. With
$TWINLIB_SHOTS set to a folder, pictures of every screen are kept there to be looked at.
"""

import base64
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from twinlib import TwinError
from twinlib.evaluate.blind_test import codes, page
from twinlib.evaluate.blind_test.codes import Choice

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
EVIL = (
    "</template></script><img src=x onerror=\"document.title='pwned'\"> \u2028 & \"quotes\" 'too' "
    "\u202eRTL שלום 😀 {{DATA}}"
)


def trial(number, row="twin", first=0, owner="", other="", question=""):
    return {
        "question": question or f"Question {number}?",
        "owner": owner or f"What I say to {number}.",
        "other": other or f"What it says to {number}.",
        "row": row,
        "first": first,
    }


def made(trials, author="Ning", to="", name="7F3K"):
    return {
        "id": name,
        "made": 1_790_000_000,
        "author": author,
        "to": to,
        "file": "Q8_0",
        "model_sha": "x",
        "trials": trials,
    }


def unpacked(html):
    [packed] = re.findall('<template id="data">(.*?)</template>', html)
    return json.loads(base64.b64decode(packed))


# The source


def test_the_page_holds_no_key_and_no_readable_text():
    test = made([trial(n, row="base" if n == 3 else "twin", first=n % 2) for n in range(8)])
    html = page.page(test)
    assert "What I say" not in html and "What it says" not in html
    data = unpacked(html)
    assert set(data) == {"id", "name", "to", "minutes", "pairs"} and all(
        len(pair) == 3 for pair in data["pairs"]
    )
    flipped = made(
        [
            {
                **one,
                "owner": one["other"],
                "other": one["owner"],
                "first": 1 - one["first"],
                "row": "twin",
            }
            for one in test["trials"]
        ]
    )
    assert page.page(flipped) == html, "whoever reads the source learns nothing of who wrote what"


def test_the_key_says_which_text_is_the_owners():
    pairs = page.data(made([trial(0, first=0), trial(1, first=1)]))["pairs"]
    assert pairs[0] == ["Question 0?", "What I say to 0.", "What it says to 0."]
    assert pairs[1] == ["Question 1?", "What it says to 1.", "What I say to 1."]


def test_the_largest_page_stays_under_its_limit_and_a_larger_one_is_refused():
    text = "字" * 500
    html = page.page(
        made([trial(n, owner=text, other=text, question="问" * 60) for n in range(60)])
    )
    assert 250_000 < len(html.encode()) < page.MAX_BYTES == 300_000
    with pytest.raises(TwinError, match="fewer pairs"):
        page.page(
            made([trial(n, owner=text * 2, other=text, question="问" * 60) for n in range(60)])
        )


def test_nothing_is_loaded_and_no_text_becomes_markup():
    html = page.page(made([trial(0, owner=EVIL, other=EVIL, question=EVIL)], author=EVIL, to=EVIL))
    assert "<img" not in html and "pwned" not in html and unpacked(html)["name"] == EVIL
    assert "default-src 'none'" in html and "unsafe" not in html and "innerHTML =" not in html
    assert not re.findall(
        r"""(?:src|href)=["']?(?:http|//)|@import|url\(|fetch\(|XMLHttp|sendBeacon|eval\(""", html
    )


def test_time_is_estimated_for_both_languages():
    assert page.minutes([["", "字" * 350, "字" * 350]]) == 2
    assert page.minutes([["", "a" * 1100, "a" * 1100]]) == 2
    assert page.minutes([["?", "a", "b"]] * 20) == 4


# In a browser


@pytest.fixture
def opened(chromium, tmp_path):
    """open(test, size, locale): the page in a window of its own; whatever its console says fails
    the test.
    """
    complaints, contexts = [], []

    def open_(test, size=PHONE, locale="en-GB", before="", **more):
        path = tmp_path / "blind_test.html"
        path.write_text(page.page(test), encoding="utf-8")
        context = chromium.new_context(
            viewport=size, locale=locale, has_touch=size is PHONE, offline=True, **more
        )
        contexts.append(context)
        window = context.new_page()
        window.on("console", lambda message: complaints.append(message.text))
        window.on("pageerror", lambda error: complaints.append(str(error)))
        window.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:"))
                or complaints.append(request.url)
            ),
        )
        if before:
            window.add_init_script(before)
        window.goto(path.as_uri())
        return window

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def shot(window, name):
    if os.environ.get("TWINLIB_SHOTS"):
        window.screenshot(path=Path(os.environ["TWINLIB_SHOTS"]) / f"{name}.png", full_page=True)


def texts(window):
    return window.locator(".card .text").all_inner_texts()


def pick(window, text, sure, read=False):
    """Choose the card with a text, and how sure; tapped on a phone."""
    window.locator(".card", has_text=text).click()
    window.locator("#sure label").nth(sure - 1).click()
    window.locator(".tick input").set_checked(read)


def code_of(window):
    return window.locator("textarea").input_value()


@pytest.mark.slow
@pytest.mark.parametrize(
    "size, locale", [(PHONE, "zh-CN"), (DESKTOP, "en-US")], ids=["phone", "desktop"]
)
def test_a_whole_test_is_played_and_its_code_says_what_was_picked(opened, size, locale):
    test = made([trial(n, first=n % 2) for n in range(7)], to="Ning, by WeChat")
    window, wanted, seen, at = opened(test, size, locale), {}, [], 0
    shot(window, f"{size['width']}-start")
    assert ("机器写的" if locale == "zh-CN" else "a machine wrote") in window.locator(
        "main"
    ).inner_text()
    window.fill("#name", "小明 with a long name")
    window.click("button.main")
    while window.locator("#pick").count():
        number = int(re.search(r"\d", window.locator("h2").inner_text())[0])
        mine, sure, read = number in (0, 1, 4), number % 3 + 1, number == 5
        seen.append(texts(window)[0])
        pick(window, f"What I say to {number}" if mine else f"What it says to {number}", sure, read)
        wanted[number] = Choice(number % 2 if mine else 1 - number % 2, sure, read)
        shot(window, f"{size['width']}-trial-{at}")
        window.click("button.main")
        at += 1
    shot(window, f"{size['width']}-end")
    assert ("机器写的" if locale == "zh-CN" else "by a machine") in window.locator(
        "main"
    ).inner_text()
    assert "Ning, by WeChat" in window.locator("main").inner_text()
    [reply], damaged = codes.read(code_of(window))
    assert reply.choices == tuple(wanted[n] for n in range(7)) and not damaged
    assert reply.test == "7F3K" and reply.name == "小明 with a l", "what fits into 15 bytes"
    order, swapped = codes.shown(reply.friend, 7)
    firsts = [unpacked(page.page(test))["pairs"][n][2 if swapped[n] else 1] for n in order]
    assert seen == firsts, "Python knows the order that the friend saw"
    assert window.evaluate("document.documentElement.scrollWidth") <= size["width"], (
        "nothing to scroll sideways"
    )


def test_both_sides_and_all_orders_come_up():
    orders = [codes.shown(friend, 5) for friend in range(1, 3001)]
    first = Counter(order[0] for order, _ in orders)
    assert set(first) == set(range(5)) and all(500 < count < 700 for count in first.values())
    for trial in range(5):
        assert 1350 < sum(swapped[trial] for _, swapped in orders) < 1650


@pytest.mark.slow
def test_nothing_is_left_out_by_pressing_next(opened):
    window = opened(made([trial(0), trial(1)]))
    window.click("button.main")
    assert not window.locator("text=Stop here").is_visible()
    window.click("button.main")
    assert window.locator(".hint").inner_text() == "Pick one of the two answers first."
    window.locator(".card").first.click()
    window.click("button.main")
    assert window.locator(".hint").inner_text() == "Say how sure you are, too."
    window.locator("#sure label").last.click()
    window.click("button.main")
    assert "2 of 2" in window.locator("main").inner_text()


@pytest.mark.slow
def test_going_back_shows_what_was_chosen_and_it_can_be_changed(opened):
    window = opened(made([trial(0, first=0)]))
    window.click("button.main")
    pick(window, "What I say", 2, read=True)
    window.click("button.main")
    before = codes.read(code_of(window))[0][0]
    window.click("text=Back to the questions")
    assert window.locator(".card.chosen").inner_text().startswith("What I say")
    assert (
        window.locator("#sure .chosen").inner_text() == "fairly"
        and window.locator(".tick input").is_checked()
    )
    pick(window, "What it says", 3, read=False)
    window.click("button.main")
    after = codes.read(code_of(window))[0][0]
    assert (before.choices, after.choices) == ((Choice(0, 2, True),), (Choice(1, 3, False),))
    assert before.friend == after.friend


@pytest.mark.slow
def test_the_state_outlasts_a_reload(opened):
    window = opened(made([trial(n) for n in range(3)]))
    window.fill("#name", "Anna")
    window.click("button.main")
    pick(window, "What I say", 1)
    window.click("button.main")
    question = window.locator("h2").inner_text()
    window.reload()
    assert (
        window.locator("h2").inner_text() == question
        and "2 of 3" in window.locator("main").inner_text()
    )
    window.click("text=Stop here and get the result code")
    reply = codes.read(code_of(window))[0][0]
    assert reply.name == "Anna" and sum(choice is not None for choice in reply.choices) == 1


@pytest.mark.slow
def test_it_works_where_nothing_may_be_kept(opened):
    forbidden = """Object.defineProperty(window, "localStorage",
        {get() { throw new DOMException("no", "SecurityError"); }});"""
    window = opened(made([trial(0), trial(1)]), before=forbidden)
    assert "keep it open until you are done" in window.locator("main").inner_text()
    for _ in range(3):
        if window.locator("#pick").count():
            pick(window, "What I say", 1)
        window.click("button.main")
    assert len(codes.read(code_of(window))[0]) == 1


@pytest.mark.slow
def test_the_language_is_the_browsers_and_can_be_switched_in_the_middle(opened):
    window = opened(made([trial(0)], author="Ning"), locale="zh-TW")
    assert window.locator("h1").inner_text() == "哪一个才是 Ning 写的？"
    window.click("button.main")
    window.locator(".card").first.click()
    window.click("text=English")
    assert (
        "How sure are you?" in window.locator("main").inner_text()
        and window.locator(".card.chosen").count() == 1
    )
    assert window.evaluate("document.documentElement.lang") == "en"


@pytest.mark.slow
def test_one_question_is_not_called_questions(opened):
    said = {
        count: opened(made([trial(number) for number in range(count)])).locator("main").inner_text()
        for count in (1, 2)
    }
    assert "There is 1 question with two answers. One answer" in said[1]
    assert "There are 2 questions with two answers each. One answer" in said[2]
    assert "It takes about 1 minute. You can" in said[1] and "|" not in said[1] + said[2]


@pytest.mark.slow
def test_any_text_is_shown_as_it_is_and_runs_nothing(opened):
    window = opened(made([trial(0, owner=EVIL, other="好。", question=EVIL)], author=EVIL))
    assert window.title() == f"Which one is really {EVIL}?"
    window.click("button.main")
    assert EVIL in [text.text_content() for text in window.locator(".card .text").all()]
    assert window.locator("h2").text_content() == EVIL and window.locator("img").count() == 0


@pytest.mark.slow
def test_the_code_is_copied_by_button_or_marked_to_be_copied_by_hand(opened):
    window = opened(made([trial(0)]), permissions=["clipboard-read", "clipboard-write"])
    window.click("button.main")
    pick(window, "What I say", 1)
    window.click("button.main")
    code = code_of(window)
    window.click("text=Copy")
    window.wait_for_selector("text=Copied")
    assert window.evaluate("navigator.clipboard.readText()") == code
    with window.expect_download() as download:
        window.click("text=Save as a file")
    assert codes.read(Path(download.value.path()).read_text())[0][0].choices == (
        Choice(0, 1, False),
    )
    window.evaluate(
        "navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false"
    )
    window.click("button.main")
    window.wait_for_selector("text=copy the marked code by hand")
    marked = (
        "(box => box.value.slice(box.selectionStart, box.selectionEnd))(document.activeElement)"
    )
    assert codes.read(window.evaluate(marked))[0][0].choices == (Choice(0, 1, False),)


@pytest.mark.slow
def test_it_can_be_done_with_the_keyboard_alone(opened):
    window = opened(made([trial(0)]), DESKTOP)
    window.locator("button.main").focus()
    window.keyboard.press("Enter")
    for key in (
        "Tab",
        "Space",
        "Tab",
        "Space",
        "ArrowRight",
        "Tab",
        "Space",
        "Tab",
        "Tab",
        "Enter",
    ):
        window.keyboard.press(key)
    [reply], _ = codes.read(code_of(window))
    assert reply.choices[0].sure == 2 and reply.choices[0].read is True


@pytest.mark.slow
def test_without_scripts_it_says_what_to_do(chromium, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page.page(made([trial(0)])), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False)
    window = context.new_page()
    window.goto(path.as_uri())
    assert "Open the file in a browser" in window.locator("main").inner_text()
    assert "请用浏览器打开" in window.locator("main").inner_text()
    context.close()
