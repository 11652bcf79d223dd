"""The pipeline: what of a document stays, what goes with a reason, and the owner's decisions."""

from twinlib.corpus import pipeline, readers
from twinlib.corpus.records import Document, Removed, Turn
from twinlib.files import content_id
from twinlib.text import privacy

ID = content_id("a.md")
PROSE = "茶要烫，水要开，鱼丸要现打，这是我奶奶传下来的规矩。"


def raw(text=PROSE * 3, **more):
    return Document("a.md", **{"title": "茶", "text": text, "markdown": True, **more})


def turns(*pairs, **more):
    return Document.of_turns("a.md", [Turn(*pair) for pair in pairs], kind="chat", **more)


def take(*raws, **rules):
    log, totals = readers.ReadLog(), pipeline.Totals()
    kept = list(
        pipeline.documents(raws, pipeline.Rules("宁半圈", **{"short": 20, **rules}), log, totals)
    )
    return kept, log.removed, totals


def test_what_comes_in_is_what_is_kept_and_what_is_put_aside():
    text = PROSE * 4 + "\n\n> 别人的话：鱼丸是冷冻的。\n\n```\nprint('hello')\n```\n"
    [kept], dropped, totals = take(raw(text))
    assert kept.text == PROSE * 4
    assert {(d.what, d.reason) for d in dropped} == {("quote", "quote"), ("code", "code")}
    assert totals.before["chinese"] == totals.kept["chinese"] + totals.aside["chinese"]


def test_a_quotation_that_the_owner_wants_is_counted_as_kept_and_not_as_dropped():
    text = PROSE * 4 + "\n\n> 别人的话：鱼丸是冷冻的。"
    _, [quote], _ = take(raw(text))
    [kept], dropped, totals = take(raw(text), decisions={quote.id: {"action": "restore"}})
    assert "鱼丸是冷冻的" in kept.text and not dropped
    assert totals.before["chinese"] == totals.kept["chinese"] and not totals.aside["chinese"]


def test_what_a_reader_left_out_can_come_back_too():
    chat = turns(
        ("吃了吗？", "吃了，鱼丸汤，烫得很。"),
        removed=[Removed("message", "repost", "转发：台风明天登陆，请大家注意。")],
    )
    _, [left], _ = take(chat)
    assert (left.what, left.reason) == ("message", "repost")
    [kept], dropped, _ = take(chat, decisions={left.id: {"action": "restore"}})
    assert not dropped and [turn.answer for turn in kept.turns] == [
        "吃了，鱼丸汤，烫得很。",
        left.text,
    ]


def test_a_chat_is_kept_however_short_and_both_sides_are_masked():
    [kept], _, totals = take(
        turns(("我的电话是13800000000，你呢？", "写到 ning@example.com 好了，白天风大听不见电话。"))
    )
    [turn] = kept.turns
    assert turn.question == "我的电话是[电话-1]，你呢？"
    assert turn.answer == "写到 [邮箱-1] 好了，白天风大听不见电话。"
    assert kept.text == turn.answer and totals.masked == {"phone": 1, "email": 1}


def test_a_message_that_only_says_how_to_reach_its_sender_is_put_aside():
    """Or the twin would learn to answer with placeholders."""
    said = [
        "说完便上床。\ncall me at 13800000000 or write ning@example.com\nok",
        "加我 ning@example.com",
        "我手机13800000000，到了打我，微信有时候不响。",
        "The boat has 1200 rivets.",
    ]
    chat = turns(*(("", text) for text in said))
    [kept], dropped, totals = take(chat)
    assert [turn.answer for turn in kept.turns] == [
        "说完便上床。\nok",
        "我手机[电话-1]，到了打我，微信有时候不响。",
        said[3],
    ]
    assert [(part.what, part.reason) for part in dropped] == [("message", "contact")] * 2
    assert totals.before["chinese"] == totals.kept["chinese"] + totals.aside["chinese"]
    again = {dropped[1].id: {"action": "restore"}}
    [kept], dropped, _ = take(chat, decisions=again)
    assert len(dropped) == 1 and "加我 [邮箱-1]" in [turn.answer for turn in kept.turns]
    for more in ({"mask": False}, {"decisions": {"privacy email": {"action": "keep"}}}):
        [kept], _, _ = take(turns(("", said[1])), **more)
        assert kept.text == said[1], "it stays as it is, and is no placeholder"
    [kept], dropped, _ = take(raw(PROSE + "\n\n加我 ning@example.com"))
    assert "加我 [邮箱-1]" in kept.text and not dropped, "in a post"


def test_what_web_sites_put_around_a_text_is_no_sign_in_a_chat():
    said = [
        "listen",
        "评论 3",
        "关注我的公众号吧，今天写了茶。",
        "read more, sleep more",
        "3 claps",
    ]
    [kept], removed, _ = take(turns(*(("?", text) for text in said)))
    assert [turn.answer for turn in kept.turns] == said and not removed
    _, removed, _ = take(raw("\n\n".join([PROSE * 3, *said])))
    assert {part.reason for part in removed} == {"platform", "footer"}


def test_personal_data_of_messages_that_are_left_out_is_recorded_as_such():
    rules, totals = pipeline.Rules("Ning"), pipeline.Totals()
    message = "我手机13800000000，到了打我。"
    for recorded in (True, False, True):
        assert "138" not in pipeline.mask_left_out(message, "zh", rules, totals, recorded)
    [record] = totals.personal.values()
    assert (record["value"], record["count"], record["left_out"]) == ("13800000000", 0, 2)
    assert record["masked"] and not totals.masked


def test_a_number_alone_on_a_line_of_a_chat_is_no_heading():
    [kept], _, _ = take(turns(("多少钱？", "补一个胎，再换线。\n30\n二、明天来。")))
    assert kept.turns[0].answer.split() == ["补一个胎，再换线。", "30", "二、明天来。"]


def test_mojibake_is_mended_before_anything_else_sees_it():
    garbled = (PROSE * 3).encode("utf-8").decode("cp1252", errors="ignore")
    [kept], _, _ = take(raw((PROSE * 3).encode().decode("latin-1")))
    assert kept.text == PROSE * 3 and garbled != PROSE


def test_traditional_and_simplified_are_unified_only_when_asked():
    text = "這個時候，我們對於電車的聲音，已經聽得很慣了。" * 3
    assert take(raw(text))[0][0].text == text
    assert (
        take(raw(text), script="simplified")[0][0].text
        == "这个时候，我们对于电车的声音，已经听得很惯了。" * 3
    )


def test_personal_data_is_masked_unless_the_owner_keeps_the_kind_or_the_value():
    text = PROSE * 2 + "写信到 ning@example.com 或 mei@example.com，电话13800000000。"
    mine = privacy.value_id("email", "ning@example.com")
    [kept], _, totals = take(raw(text))
    assert "@" not in kept.text and "[邮箱-1]" in kept.text and "[邮箱-2]" in kept.text
    assert {(r["kind"], r["value"], r["masked"]) for r in totals.personal.values()} == {
        ("email", "ning@example.com", True),
        ("email", "mei@example.com", True),
        ("phone", "13800000000", True),
    }
    assert all(record["value"] in record["examples"][0] for record in totals.personal.values())
    [kept], _, totals = take(raw(text), decisions={mine: {"action": "keep"}})
    assert (
        "ning@example.com" in kept.text and "mei@" not in kept.text and totals.masked["email"] == 1
    )
    decisions = {"privacy email": {"action": "keep"}, mine: {"action": "mask"}}
    [kept], _, _ = take(raw(text), decisions=decisions)
    assert (
        "mei@example.com" in kept.text
        and "ning@" not in kept.text
        and "13800000000" not in kept.text
    )


def test_with_masking_off_what_is_there_is_still_shown_to_the_owner():
    [kept], _, totals = take(raw(PROSE * 2 + "电话13800000000。"), mask=False)
    assert "13800000000" in kept.text and not totals.masked
    assert [record["masked"] for record in totals.personal.values()] == [False]


def test_an_edited_document_is_what_the_owner_wrote_in_one_piece():
    edited = {ID: {"action": "edit", "text": "我自己改过的一段话，电话13800000000。"}}
    [kept], _, _ = take(turns(("?", "原来的话，已经不算数了。")), decisions=edited)
    assert kept.text == "我自己改过的一段话，电话[电话-1]。" and kept.turns is None


def test_exercises_drafts_and_reposts_are_put_aside_and_come_back_when_asked():
    exercise = turns(("9.9 和 9.11 哪个大？", "9.9"), skip_reason="exercise")
    repost = raw("本文转载自某某公众号，作者：别人。\n\n" + PROSE * 5, title="转载：鱼丸的做法")
    for document, reason in (
        (exercise, "exercise"),
        (raw(draft=True), "draft"),
        (repost, "repost"),
        (raw("短。"), "short"),
    ):
        kept, [dropped], _ = take(document)
        assert not kept and (dropped.what, dropped.reason, dropped.id) == ("document", reason, ID)
        assert len(take(document, decisions={ID: {"action": "restore"}})[0]) == 1


def test_of_a_text_that_is_too_short_what_was_left_out_can_come_back():
    _, dropped, _ = take(raw("短。\n\n> " + PROSE * 2))
    assert [(d.what, d.reason) for d in dropped] == [("quote", "quote"), ("document", "short")]
    [kept], _, _ = take(
        raw("短。\n\n> " + PROSE * 2), decisions={dropped[0].id: {"action": "restore"}}
    )
    assert PROSE in kept.text


def test_ids_of_parts_are_those_of_their_text():
    _, [quote], _ = take(raw(PROSE * 4 + "\n\n> 别人的话：鱼丸是冷冻的。"))
    assert quote.id == content_id(quote.text)
