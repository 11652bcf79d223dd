"""Conversations to documents: owner, bursts, questions, months and placeholders."""

import pytest

from twinlib.corpus import conversations
from twinlib.corpus.readers.chats.messages import (
    Conversation,
    Message,
    is_short,
    strip_placeholders,
)
from twinlib.text.inputs.input_file import Options

ME = Options(me=("Ning",))


def chat(*lines, kind="chat"):
    return Conversation("Lee", [Message(*line) for line in lines], kind)


def turns(conversation, options=ME):
    return [
        (turn.question, turn.answer)
        for document in conversations.documents(conversation, "f", options)
        for turn in document.turns
    ]


def parts(conversation, options=ME):
    return [
        (part.what, part.reason, part.text)
        for document in conversations.documents(conversation, "f", options)
        for part in document.removed
    ]


@pytest.mark.parametrize(
    "options, found",
    [
        (Options(me=("ning haiping",)), {"Ning Haiping"}),
        (Options(me=(" ＮＩＮＧ haiping ",)), {"Ning Haiping"}),
        (Options(author="Ning Haiping"), {"Ning Haiping"}),
        (Options(me=("Lee",), author="Ning Haiping"), {"Lee"}),
        (Options(me=("Ning",)), set()),
        (Options(), set()),
    ],
)
def test_the_owner_is_found_by_name_whatever_the_case_and_width(options, found):
    assert (
        conversations.owner(chat(("Ning Haiping", "hello"), ("Lee", "hi"), ("", "?")), options)
        == found
    )


def test_what_the_export_itself_says_comes_before_names():
    said = Conversation(
        "", [Message("x", "my own words here", "", True), Message("x", "what is it?", "", False)]
    )
    assert conversations.owner(said, Options(me=("Lee",))) == {"x"}
    assert turns(said) == [("", "my own words here")]


def test_a_chat_without_a_known_owner_gives_nothing():
    assert list(conversations.documents(chat(("Lee", "a long enough message")), "f", ME)) == []


def test_a_burst_is_joined_and_answers_what_was_said_just_before():
    assert turns(
        chat(
            ("Lee", "It squeaks.", "2023-05-01T09:00:00"),
            ("Lee", "Do I charge?", "2023-05-01T09:01:00"),
            ("Ning", "Not for a squeak.", "2023-05-01T09:02:00"),
            ("Ning", "Never.", "2023-05-01T09:03:00"),
            ("Lee", "ok", "2023-05-01T09:04:00"),
            ("Ning", "Good. Tighten it and go.", "2023-05-01T09:05:00"),
        )
    ) == [
        ("It squeaks.\nDo I charge?", "Not for a squeak.\nNever."),
        ("ok", "Good. Tighten it and go."),
    ]


def test_six_hours_end_a_burst_and_a_question():
    assert turns(
        chat(
            ("Lee", "Are you there?", "2023-05-01T01:00:00"),
            ("Ning", "Good morning to all of you.", "2023-05-01T07:00:01"),
            ("Ning", "Good evening to all of you.", "2023-05-01T13:00:02"),
        )
    ) == [("", "Good morning to all of you."), ("", "Good evening to all of you.")]
    assert turns(
        chat(
            ("Lee", "Are you there?", "2023-05-01T01:00:00"),
            ("Ning", "Yes, since six o'clock.", "2023-05-01T07:00:00"),
        )
    ) == [("Are you there?", "Yes, since six o'clock.")]


def test_a_long_question_keeps_its_end_from_a_sentence_on():
    question, _ = turns(
        chat(("Lee", "第一句话不要紧。" * 90 + "那茶还喝吗？"), ("Ning", "喝，当然要喝的。"))
    )[0]
    assert (
        question.endswith("那茶还喝吗？")
        and question.startswith("第一句")
        and 500 < len(question) <= 600
    )


def test_short_words_laughter_and_emoji_are_left_out_and_named():
    said = chat(
        ("Ning", "嗯"),
        ("Lee", "?"),
        ("Ning", "哈哈哈哈哈哈哈哈"),
        ("Lee", "?"),
        ("Ning", "👍👍"),
        ("Lee", "?"),
        ("Ning", "hahahahaha"),
        ("Lee", "?"),
        ("Ning", "[捂脸][捂脸][捂脸]"),
        ("Lee", "?"),
        ("Ning", "今天不出摊了。"),
    )
    assert turns(said) == [("?", "今天不出摊了。")]
    assert parts(said) == [
        ("message", "short", text)
        for text in ("嗯", "哈哈哈哈哈哈哈哈", "👍👍", "hahahahaha", "[捂脸][捂脸][捂脸]")
    ]


def test_a_short_word_inside_a_longer_burst_stays():
    assert turns(chat(("Ning", "嗯"), ("Ning", "过两天把车推来。"))) == [
        ("", "嗯\n过两天把车推来。")
    ]


def test_what_was_forwarded_is_a_repost_and_no_turn():
    said = Conversation(
        "",
        [
            Message("Ning", "The pier closes at six.", "", True, "repost"),
            Message("Ning", "So the kettle goes off at five.", "", True),
        ],
    )
    assert turns(said) == [("", "So the kettle goes off at five.")]
    assert parts(said) == [("message", "repost", "The pier closes at six.")]


def test_a_reply_answers_the_message_that_it_replies_to():
    said = Conversation(
        "",
        [
            Message("Lee", "And the tea?"),
            Message("Ning", "Charge him twice over.", "", None, "", "Do I charge?"),
            Message("Ning", "The tea is on the house.", "", None, "", "And the tea?"),
        ],
    )
    assert turns(said) == [
        ("Do I charge?", "Charge him twice over."),
        ("And the tea?", "The tea is on the house."),
    ]


def test_posts_are_never_joined_and_answer_nobody():
    said = chat(
        ("Ning", "Half a turn is free."),
        ("Lee", "Is it?"),
        ("Ning", "A whole turn is not."),
        kind="post",
    )
    assert turns(said) == [("", "Half a turn is free."), ("", "A whole turn is not.")]


def test_every_month_is_a_document_and_what_has_no_time_goes_by_number():
    said = chat(
        ("Ning", "The last of the month.", "2023-05-31T23:59:00"),
        ("Lee", "And now?", "2023-06-01T00:00:00"),
        ("Ning", "The first of the month.", "2023-06-01T00:01:00"),
    )
    found = list(conversations.documents(said, "a.json", ME))
    assert [(d.source, d.title, d.date, d.text, d.kind) for d in found] == [
        ("a.json#2023-05", "Lee 2023-05", "2023-05-31", "The last of the month.", "chat"),
        ("a.json#2023-06", "Lee 2023-06", "2023-06-01", "The first of the month.", "chat"),
    ]
    many = chat(
        *[
            pair
            for n in range(300)
            for pair in (("Lee", "?"), ("Ning", f"Answer number {n} of many."))
        ]
    )
    found = list(conversations.documents(many, "a.json", ME))
    assert [(d.source, len(d.turns), d.date) for d in found] == [
        ("a.json#1", 250, None),
        ("a.json#2", 50, None),
    ]
    assert all(d.text == "\n\n".join(turn.answer for turn in d.turns) for d in found)


def test_several_conversations_of_one_file_have_names_of_their_own():
    one, two, three = (Conversation(title, []) for title in ("Lee", "Heng", "Lee"))
    assert [name for name, _ in conversations.named([one], "f")] == ["f"]
    assert [name for name, _ in conversations.named([one, two, three], "f")] == [
        "f#Lee",
        "f#Heng",
        "f#Lee-2",
    ]


def test_senders_are_counted_by_messages_with_words():
    said = chat(("Lee", "<Media omitted>"), ("Lee", "hi"), ("Ning", "hello"), ("Ning", "yes"))
    assert conversations.senders(said) == {"Lee": 1, "Ning": 2}


def test_the_owner_is_not_counted_under_the_partners_name():
    said = Conversation(
        "老张",
        [
            Message("老张", "去爬山吗", "", False),
            Message("老张", "去啊", "", True),
            Message("老张", "带水", "", True),
        ],
    )
    assert conversations.senders(said) == {"老张": 1, "me": 2}
    said = Conversation(
        "Lee", [Message("Lee", "hi", "", False), Message("Ning", "hello", "", True)]
    )
    assert conversations.senders(said) == {"Lee": 1, "Ning": 1}
    assert conversations.senders(Conversation("", [Message("", "a post", "", True)])) == {"": 1}


NOTHING = (
    "<Medien ausgeschlossen>",
    "<Multimedia omitido>",
    "<Médias omis>",
    "<Mídia oculta>",
    "<Media omessi>",
    "Bild weggelassen",
    "imagen omitida",
    "image absente",
    "imagem ocultada",
    "immagine omessa",
    "audio omesso",
    "IMG-1.jpg (Datei angehängt)",
    "IMG-1.jpg (archivo adjunto)",
    "IMG-1.jpg (fichier joint)",
    "<Irgendwas anderes>",
    "IMG-1.jpg (arquivo anexado)",
    "IMG-1.jpg (file allegato)",
    "<Diese Nachricht wurde bearbeitet.>",
    "Diese Nachricht wurde gelöscht.",
    "Du hast diese Nachricht gelöscht.",
    "Se eliminó este mensaje.",
    "Eliminaste este mensaje.",
    "Ce message a été supprimé",
    "Vous avez supprimé ce message",
    "Mensagem apagada",
    "Você apagou esta mensagem",
    "Esta mensagem foi eliminada",
    "Questo messaggio è stato eliminato",
    "Hai eliminato questo messaggio",
    "Standort: https://maps.google.com/?q=1,2",
    "Live-Standort: https://maps.google.com/?q=1,2",
    "ubicación: https://maps.google.com/?q=1,2",
    "localisation: https://maps.google.com/?q=1,2",
    "localização: https://maps.google.com/?q=1,2",
    "posizione: https://maps.google.com/?q=1,2",
    "Verpasster Sprachanruf",
    "Llamada perdida",
    "Appel vocal manqué",
    "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats kann "
    "sie lesen.",
    "Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie fuera de este chat "
    "puede leerlos.",
    "<Media omitted>",
    "\u200eimage omitted",
    "\u200e<attached: 00000042-PHOTO.jpg>",
    "IMG-2023.jpg (file attached)",
    "You deleted this message",
    "This message was deleted.",
    "Missed voice call",
    "Missed group video call at 9:41 PM",
    "Messages and calls are end-to-end encrypted. No one outside of this chat can read them. Tap "
    "to learn more.",
    "location: https://maps.google.com/?q=1,2",
    "https://example.com/a?b=c",
    "看 https://example.com".split()[1],
    "<省略多媒体文件>",
    "<媒體已略去>",
    "图像已省略",
    "你已删除这条消息",
    "此消息已被删除",
    "這則訊息已被刪除",
    "未接语音通话",
    "消息和通话已进行端到端加密。对话之外的任何人，甚至包括 WhatsApp 都无法读取或收听。",
    "[图片]",
    "[表情]",
    "[动画表情]",
    "[语音]",
    '[语音] 12"',
    "[视频]",
    "[文件] 报告.pdf",
    "[链接] 一篇文章的题目",
    "[微信红包]恭喜发财，大吉大利",
    "[转账] 收款",
    "转账 200元",
    "微信转账：￥1,200.50",
    "收到转账0.01元",
    "红包 8.88元（已领取）",
    "Transfer received: ¥200.00",
    "[聊天记录]",
    "[Photo]",
    "[Sticker]",
    '"翁婶"撤回了一条消息',
    "你撤回了一条消息",
    '我拍了拍 "许会计"',
    '"翁婶" 拍了拍我',
    '"小满"邀请"阿立"加入了群聊',
    "收到红包，请在手机上查看",
    "许会计领取了你的红包",
    "通话时长 01:22",
    "对方已取消",
    "我通过了你的朋友验证请求，现在我们可以开始聊天了",
    "你已添加了翁婶，现在可以开始聊天了。",
    "<msg><img aeskey='1'/>\n</msg>",
    "",
)
WORDS = (
    "Du hast diese Nachricht gelöscht, warum?",
    "Der Standort: hinter dem Hafen.",
    "<3 gute Nacht, ihr beiden",
    "Ich habe das Bild weggelassen, es war schief.",
    "1 < 2 und 3 > 2",
    "Llamada perdida otra vez, perdona.",
    "他拍了拍我的肩膀，说没事。",
    "我撤回了上周的决定，不卖了。",
    "You deleted this message by mistake, I think.",
    "I missed your call, sorry.",
    "The media omitted the best part.",
    "红包我没领，心意领了。",
    "转账200元给他，别忘了。",
    "转账",
    "收款 200元，修了三辆车。",
    "Payment of $20 is late again.",
    "把图片发我看看。",
    "端到端加密到底是什么？",
    "[重要] 明天不出摊。",
    "He left the group early.",
    "Look at https://example.com, it squeaks.",
    "他已删除这条消息的截图。",
    "我邀请他来喝茶。",
    "？？？",
)


@pytest.mark.parametrize("text", NOTHING)
def test_what_the_app_wrote_itself_is_no_message(text):
    assert strip_placeholders(text) == ""


@pytest.mark.parametrize("text", WORDS)
def test_what_a_person_wrote_about_such_things_is(text):
    assert strip_placeholders(text) == text


@pytest.mark.parametrize(
    "text, words",
    [
        ("Zu laut. <Diese Nachricht wurde bearbeitet.>", "Zu laut."),
        ("Bonne nuit <Ce message a été modifié>", "Bonne nuit"),
        ("Hasta luego <Se editó este mensaje.>", "Hasta luego"),
        ("Boa noite <Mensagem editada>", "Boa noite"),
        ("[图片]今天的晚霞", "今天的晚霞"),
        ("Good night <This message was edited>", "Good night"),
        ("晚安 <此消息已编辑>", "晚安"),
        ("\u200eNot \u2068a\u2069 call", "Not a call"),
    ],
)
def test_the_words_beside_a_picture_or_a_mark_stay(text, words):
    assert strip_placeholders(text) == words


@pytest.mark.parametrize(
    "text, short",
    [
        ("好的没问题", True),
        ("好的没问题啊", False),
        ("thanks", False),
        ("ok then", False),
        ("ok", True),
        ("lol lol lol lol", True),
        ("2023-05-01 12:30", True),
        ("ok https://example.com/long/path", True),
    ],
)
def test_six_letters_are_the_least(text, short):
    assert is_short(text) is short
