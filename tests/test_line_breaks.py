"""Line breaks: the author's are kept, those that a program made in prose are undone."""

import importlib.util
from pathlib import Path

import pytest

from twinlib.corpus.clean import clean
from twinlib.corpus.clean.wrapping import unwrap, unwrap_text
from twinlib.corpus.readers import Options
from twinlib.corpus.readers.chats import chat_text
from twinlib.text.inputs.input_file import File

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "line_breaks.py"


def _benchmark():
    spec = importlib.util.spec_from_file_location("line_breaks", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    return benchmark


def test_the_benchmark_of_line_breaks_holds_on_small_samples():
    benchmark = _benchmark()
    folders = [BENCHMARK.parent.parent / "data_samples"]
    results, _ = benchmark.measure(benchmark.paragraphs(folders), messages=300, texts=40)
    missed = {
        key: (total, right)
        for key, (total, right) in results.items()
        if right < total * (0.98 if key[0].startswith("wrapped") else 1)
    }
    assert len(results) == 21 and not missed


@pytest.mark.parametrize(
    "lines",
    [
        "on my way\nbring the rope please",
        "今天老板又让我改了三遍方案\n改完他说还是第一版比较好\n我差点把电脑扔到他脸上去",
        "我在码头上等一艘没有名字的船\n船上有一个人替我看着那盏灯火\n"
        "灯火照着水，水里有另一个码头\n那里也有人在等，等我把手举起",
        "two eggs and the end of the bread from Tuesday\nthe good oil, not the one by the window\n"
        "salt, and then salt again, and nobody may say\nthat it is enough before I have tasted it",
        "12 Harbour Lane, second floor, by the ropemaker\nNewtown on Sea, behind the old customs\n"
        "ring twice, wait for the dog to stop",
        "“你昨天晚上到底去了什么地方呢，妈一直在等你”\n“我在码头上，看他们把最后一艘船拖上来”\n"
        "“那你也该打个电话回来，汤都热了三遍了”",
    ],
)
def test_lines_of_verse_lists_addresses_and_messages_stay(lines):
    assert unwrap_text(lines) == lines
    assert unwrap([("text", lines)]) == [("text", lines)]
    assert clean(lines, markup=False, wrapped=False).text == lines


def test_in_a_message_even_full_lines_are_its_senders():
    lines = (
        "This text was wrapped by an editor at about forty\n"
        "columns, as mail used to be, so that every line\n"
        "is full and the breaks in it mean nothing."
    )
    assert clean(lines, markup=False, wrapped=False).text == lines
    assert "\n" not in clean(lines, markup=False).text


def test_words_cut_in_two_are_one_again_and_hyphens_take_no_space():
    cut = (
        "The lamp that I bought in June, from a man who had\n"
        "no use for it, hangs over the bench; it is a well-\n"
        "made thing, green on the outside, white within, and\n"
        "its cord is long."
    )
    assert "a well-made thing" in unwrap_text(cut)
    prose = "我学Python那年，电车厂关了门，轨道当废铁卖，两块一一公斤；领导跟我握手，握得很松。" * 4
    lines = "\n".join(prose[n : n + 33] for n in range(0, len(prose), 33))
    assert unwrap_text(lines) == prose


def test_a_hyphen_that_a_program_put_into_a_word_goes_and_the_authors_stays():
    text = (
        "The man from the rope yard, whom nobody had seen since the st-\n"
        "orm in March, came back with a well-made boat, and told us, w-\n"
        "ithout any explanation, that it was the one that had been lo-\n"
        "st; it was long, and winded, and not one of us believed the s-\n"
        "tory, a long-winded one, although he told us it in a well-\n"
        "made boat, and all the neighbours liked to listen, as always."
    )
    joined = unwrap_text(text)
    assert "-" not in joined.replace("well-made", "").replace("long-winded", "")
    assert joined.count("well-made") == 2
    assert all(word in joined for word in ("storm", "without", "lost", "the story"))


def test_indented_lines_begin_paragraphs_where_no_blank_line_does():
    text = (
        "　　三号码头，候船室背后，看见蒸汽往左走二十一步，我量过，步\n"
        "子大的十八步。八点开摊，六点收摊，星期一歇，台风天不来，猫也\n"
        "不来。\n"
        "　　邮箱我三天看一次，回得短。问车的，写清楚三样：响不响，什\n"
        "么时候响，响的时候你在不在蹬，这三样写清楚，一半的毛病就不用\n"
        "再来。"
    )
    assert [len(line) for line in unwrap_text(text).split("\n")] == [63, 63]


def test_a_wrapped_transcript_is_unwrapped_by_speaker():
    said = {
        "Ada": "I started in the rope yard when I was nine, sweeping up, and nobody told me that\n"
        "there was another way to earn a living, so I stayed, as my father had, for forty\n"
        "years.",
        "Bo": "Did you ever think of leaving, or was it, as they say here, a thing that one does\n"
        "not think about?",
    }
    text = "\n\n".join(f"{name}: {words}" for name, words in list(said.items()) * 3)
    (conversation,) = chat_text.conversations(File("talk.txt", text.encode()), Options())
    assert {m.text for m in conversation.messages} == {w.replace("\n", " ") for w in said.values()}


# Chinese prose in narrow lines


@pytest.mark.parametrize(
    "lines",
    [
        # Each paragraph's last line happens to be full.
        "她知道我看什么。别人看风景，我看轮子。\n今年这张，前轮跟轨道中间有一道缝，放大\n"
        "镜底下我量过，照比例有三毫米。我回信叫\n她告诉司机。她说哥，那照片拍了二十年了。\n\n"
        "有街坊讲，亲人走那么远，跟没有一样。我\n想过这个。两颗螺丝固定一块板，不能挨着，\n"
        "要离开一点，板才稳。她在那头，我在这头，\n当中是爸妈那块板。爸妈不在了，板还在。",
        # Few lines, most of which end where a clause does.
        "一节一滴，一百一十四滴，多的擦掉。街坊最爱犯的错是浇，\n"
        "浇完了沙子全粘上来，等于给自己买了一条砂纸。上好油，\n"
        "倒转三十圈，拿旧袜子捏住，再转十圈，袜子黑了就行。\n\n"
        "油一瓶十二块，用一年。袜子你家里有，单只的那种，总算\n"
        "派上用场。拿来我上，收六块，十分钟，茶不要钱。\n\n"
        "晴，退大潮，桩子露出来一半。台上没活，写一篇有用的。\n老有街坊问怎么找我。",
    ],
)
def test_narrow_lines_of_prose_are_joined(lines):
    assert unwrap_text(lines) == "\n\n".join(part.replace("\n", "") for part in lines.split("\n\n"))


@pytest.mark.parametrize(
    "sentence",
    [
        # Several marks may hang over the margin.
        "他说“这本书叫《灯塔志》。”我说“是《灯塔志》？”他又说“是《灯塔志》！”书很旧，里面夹着票。",
        # No space comes between narrow marks of Chinese.
        '他看了半天,说:"这灯不转了!!"我说:"转,是你不看!"他又看(看了很久),真的在转,慢慢的,像从前.',
        # Nor before a dash or another sign.
        "他看了半天，其实没多久--又说，灯在转--我也看，看它一圈一圈地转，很慢--很久，像从前一样。",
    ],
)
@pytest.mark.parametrize("width", range(18, 30))
def test_chinese_comes_out_as_it_was_at_any_width(sentence, width):
    text = "".join(sentence + "灯又转了一圈它还转着"[:n] for n in (3, 8, 2, 5, 9, 4, 7))
    assert unwrap_text("\n".join(_benchmark().wrapped(text, width, "chinese"))) == text


def test_lines_of_verse_that_are_full_and_have_a_mark_within_stay():
    lines = (
        "灯在海上，海在窗外，窗在我的梦里\n我在楼下，楼在雨中，雨在你的伞上\n"
        "伞在门后，门在街边，街在他的诗里\n诗在纸上，纸在火中，火在谁的手上"
    )
    assert unwrap_text(lines) == lines
