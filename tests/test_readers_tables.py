"""Tables as programs write them: titles above the header, replies, Weibo, cut-off files."""

import io

import pytest
from growth import grows_in_proportion
from openpyxl import Workbook

from twinlib.corpus import conversations
from twinlib.corpus.readers import qa_tables
from twinlib.corpus.readers.chats import chat_table
from twinlib.corpus.records import Removed, Turn
from twinlib.text.inputs import spreadsheets
from twinlib.text.inputs.input_file import File, Options, UnknownColumns

ME = Options(me=("半圈",))
CRAWLER = (
    "id,bid,正文,头条文章url,原始图片url,视频url,位置,日期,工具,"
    "点赞数,评论数,转发数,话题,@用户,完整日期\n"
)
WECHAT = "localId,TalkerId,Type,SubType,IsSender,CreateTime,StrContent,StrTime,Remark,NickName\n"


def of(name, data):
    return File(name, data.encode() if isinstance(data, str) else data)


def documents(file, options=ME):
    return [
        document
        for name, chat in conversations.named(chat_table.conversations(file, options), file.name)
        for document in conversations.documents(chat, name, options)
    ]


def turns(file, options=ME):
    return [
        (turn.question, turn.answer)
        for document in documents(file, options)
        for turn in document.turns
    ]


def workbook(rows):
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


# Weibo


def weibo(text, date="2023-05-02", full="2023-05-02 10:00:00"):
    return CRAWLER + f"1,a,{text},,,,灰鸥港,{date},手机,3,0,0,,,{full}\n"


def test_the_list_of_a_weibo_crawler_is_posts_with_their_full_dates():
    file = of("1.csv", weibo("修了一上午的伞，太阳出来了。"))
    assert chat_table.looks_like(file)
    assert documents(file)[0].kind == "post"
    assert documents(file)[0].turns == [
        Turn("", "修了一上午的伞，太阳出来了。", "2023-05-02T10:00:00")
    ]


def test_an_older_list_without_full_dates_is_posts_too():
    file = of("1.csv", "id,正文,日期,点赞数\n1,修了一上午的伞，太阳出来了。,2023-05-02,3\n")
    assert documents(file)[0].turns[0].time == "2023-05-02"


def test_messages_with_a_date_and_no_sender_are_not_taken_for_posts():
    with pytest.raises(UnknownColumns):
        documents(of("1.csv", "正文,日期\n修了一上午的伞，太阳出来了。,2023-05-02\n"))


@pytest.mark.parametrize(
    "text, own",
    [
        ("修到第三把才想明白。 ...全文", "修到第三把才想明白。"),
        ("修到第三把才想明白……\u200b展开全文c", "修到第三把才想明白"),
        ("修到第三把，我读了全文", "修到第三把，我读了全文"),
        ("修到第三把...全文都在讲伞", "修到第三把...全文都在讲伞"),
        ("【转角】的伞摊明天还开", "【转角】的伞摊明天还开"),
    ],
)
def test_what_weibo_puts_where_it_cuts_a_post_goes(text, own):
    assert turns(of("1.csv", weibo(text))) == [("", own)]


@pytest.mark.parametrize(
    "text",
    [
        "【转】修伞的十条秘诀：一、早睡。",
        "[转载]修伞的十条秘诀：一、早睡。",
        "（转）修伞的十条秘诀",
    ],
)
def test_a_post_that_says_it_is_a_repost_is_one(text):
    (document,) = documents(of("1.csv", weibo(text)))
    assert (document.turns, document.removed) == ([], [Removed("message", "repost", text)])


# Titles above the header

QUESTIONS = [
    ["序号", "提问者", "问题", "回答"],
    [1, "翁婶", "两个胎多少钱？", "一个十块，两个也十块。"],
]


@pytest.mark.parametrize(
    "above",
    [
        [],
        [["修车摊问答汇总"]],
        [["修车摊问答汇总"], []],
        [["修车摊问答汇总"], [], ["整理：", "半圈"], ["2023"]],
    ],
)
def test_a_header_is_found_below_titles_and_blank_lines(above):
    csv = "\n".join(",".join(map(str, row)) for row in above + QUESTIONS)
    for file in (of("问答.xlsx", workbook(above + QUESTIONS)), of("问答.csv", csv)):
        assert qa_tables.looks_like(file), file.name
        (document,) = qa_tables.read(file)
        assert document.turns == [Turn("两个胎多少钱？", "一个十块，两个也十块。")]


def test_a_row_of_known_words_is_no_header_when_rows_as_full_stand_above_it():
    (table,) = spreadsheets.read(of("a.csv", "Wer,Was\nLee,Where is it?\nuser,message\n"))
    assert table.columns == ["Wer", "Was"] and len(list(table.rows)) == 2


def test_a_header_further_down_than_the_fifth_row_is_not_looked_for():
    (table,) = spreadsheets.read(of("a.csv", "标题,\n" + "备注,\n" * 4 + "问题,回答\n"))
    assert table.columns[0] == "标题"


@pytest.mark.parametrize("head", ["question,answer,date", "提问内容,回答内容,回答时间"])
def test_days_and_months_of_answers_are_told_apart_over_the_whole_table(head):
    rows = [f"第{n}问？,答第{n}问。,{day}" for n, day in enumerate(("4/3/2021", "4/13/2021"))]
    found = qa_tables.read(of("问答.csv", "\n".join([head, *rows])))
    assert [document.date for document in found] == ["2021-04-03", "2021-04-13"]


def test_whoever_answered_a_question_is_named():
    text = (
        "提问内容,回答内容,答主\n膝盖疼还跑吗？,别跑了，去看医生。,老周\n"
        "胎压多少？,按不动就行。,半圈\n"
    )
    assert [document.author for document in qa_tables.read(of("问答.csv", text))] == [
        "老周",
        "半圈",
    ]


# Replies with a quotation


def wechat(content, kind="49", subtype="57"):
    quoted = content.replace('"', '""')
    return (
        WECHAT + "1,7,1,0,0,1682946000,台风天你出摊吗？,2023-05-01 21:00:00,翁婶,weng\n"
        "2,7,1,0,0,1682946010,伞也修吗？,2023-05-01 21:00:10,翁婶,weng\n"
        f'3,7,{kind},{subtype},1,1682946060,"{quoted}",2023-05-01 21:01:00,翁婶,半圈\n'
    )


REPLY = (
    '<?xml version="1.0"?>\n<msg><appmsg appid="" sdkver="0"><title>不出，风比我有力气 &amp; '
    "不讲理。</title><type>57</type>"
    "<refermsg><type>1</type><displayname>翁婶</displayname><content>台风天你出摊吗？</content></refermsg></appmsg></msg>"
)


@pytest.mark.parametrize(
    "content",
    [
        REPLY,
        "wxid_n1:\n" + REPLY,
        REPLY.replace("台风天你出摊吗？", "<![CDATA[台风天你出摊吗？]]>"),
    ],
)
def test_a_wechat_reply_is_the_owners_words_and_answers_what_it_quotes(content):
    assert turns(of("翁婶.csv", wechat(content))) == [
        ("台风天你出摊吗？", "不出，风比我有力气 & 不讲理。")
    ]


def test_a_reply_of_wechat_4_is_known_by_its_one_number():
    assert turns(of("翁婶.csv", wechat(REPLY, "244813135921", "")))[0][0] == "台风天你出摊吗？"


def test_of_a_quoted_link_its_title_is_what_was_asked_and_of_a_picture_nothing():
    link = REPLY.replace(
        "台风天你出摊吗？",
        "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;台风要来了&lt;/title&gt;&lt;/appmsg&gt;&lt;/msg&gt;",
    )
    assert turns(of("翁婶.csv", wechat(link)))[0][0] == "台风要来了"
    picture = REPLY.replace("台风天你出摊吗？", "&lt;msg&gt;&lt;img/&gt;&lt;/msg&gt;")
    assert turns(of("翁婶.csv", wechat(picture)))[0][0] == "台风天你出摊吗？\n伞也修吗？"


@pytest.mark.parametrize(
    "content, subtype",
    [
        ("<msg><appmsg><title>一篇公众号文章的标题</title><type>5</type></appmsg></msg>", "5"),
        ("<msg><appmsg><title>没有完", "57"),
        ("[转账] 收到转账0.01元。", "2000"),
    ],
)
def test_links_and_transfers_of_the_same_type_are_nobodys_words(content, subtype):
    assert turns(of("翁婶.csv", wechat(content, subtype=subtype))) == []


def test_entities_in_a_reply_are_never_resolved():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + REPLY.replace("不讲理", "&a;&a;")
    assert turns(of("翁婶.csv", wechat(bomb)))[0][1] == "不出，风比我有力气 & &a;&a;。"


def group(content, sort="引用消息"):
    return (
        "时间,发送者,类型,内容\n2023-05-06 10:00:00,半圈,文本消息,散会吃饭，明天再说。\n"
        f"2023-05-06 10:00:20,李雷,文本消息,哪三句？\n2023-05-06 10:00:30,小满,文本消息,我也想听\n"
        f'2023-05-06 10:02:10,半圈,{sort},"{content}"\n'
    )


@pytest.mark.parametrize(
    "content",
    [
        "[引用 李雷：哪三句？] 认真的，这三句最有用",
        "【引用：李雷：哪三句？】认真的，这三句最有用",
        "「李雷：哪三句？」\n- - - - - - - - - - - - - - -\n认真的，这三句最有用",
        "认真的，这三句最有用\n引用：李雷：哪三句？",
    ],
)
def test_quotations_written_out_are_what_was_asked(content):
    assert turns(of("群.csv", group(content)))[1] == ("哪三句？", "认真的，这三句最有用")


def test_an_emoticon_inside_a_quotation_does_not_end_it():
    assert turns(of("群.csv", group("[引用 李雷：哪三句[捂脸]？] 认真的，这三句最有用")))[1] == (
        "哪三句[捂脸]？",
        "认真的，这三句最有用",
    )


def test_somebody_who_quotes_themselves_answers_what_the_others_said():
    assert turns(of("群.csv", group("[引用 半圈：散会] 认真的，这三句最有用")))[1] == (
        "哪三句？\n我也想听",
        "认真的，这三句最有用",
    )


@pytest.mark.parametrize(
    "content", ["「修车」是我的老本行了", "我在引用别人的话：修车", "[捂脸]认真的，这三句最有用"]
)
def test_brackets_that_quote_nobody_stay(content):
    assert turns(of("群.csv", group(content, "文本消息")))[1] == ("哪三句？\n我也想听", content)


@pytest.mark.parametrize(
    "content",
    [
        lambda size: "[引用" * size,
        lambda size: "「a」" + "\n" * size,
        lambda size: "a\n引用" * size,
        lambda size: "……  " * size,
        lambda size: "[引用 " + "[捂脸]" * size,
    ],
)
def test_messages_made_to_be_slow_are_not(content):
    assert grows_in_proportion(lambda size: turns(of("群.csv", group(content(size)))), 10_000)
    quoted = lambda size: turns(of("1.csv", weibo(f'"{content(size)}"')))  # noqa: E731
    assert grows_in_proportion(quoted, 10_000)


# Broken files


def test_a_quotation_mark_that_never_closes_is_a_letter():
    text = '翁婶,"没有关上的引号,1\n' + "半圈,台风天你出摊吗？,2\n" * 5
    file = of("a.csv", f"sender,text,time\n{text}")
    assert chat_table.looks_like(file)
    assert turns(file)[0][0] == '"没有关上的引号' and not file.broken


def test_a_table_cut_off_in_its_last_line_keeps_the_rest():
    text = 'sender,text\n翁婶,台风天你出摊吗？\n半圈,"不出，风比我有力气"\n半圈,"后来雨也'
    file = of("a.csv", text)
    assert turns(file) == [("台风天你出摊吗？", "不出，风比我有力气")]
    assert file.broken == '半圈,"后来雨也'


def test_a_long_cell_over_the_first_look_is_no_damage():
    lines = "风比我有力气。\n" * 8000
    text = f'sender,text\n翁婶,台风天你出摊吗？\n半圈,"{lines}"\n'
    file = of("a.csv", text)
    assert chat_table.looks_like(file) and turns(file)[0][1] == lines.strip()
