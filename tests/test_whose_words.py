"""Words of others in the owner's own messages: quotations, copies, polls, the app's sentences."""

import pytest

from twinlib.corpus import conversations
from twinlib.corpus.readers import Options, ReadLog, format_of
from twinlib.corpus.readers.chats import chat_text, others, whatsapp
from twinlib.text.inputs.input_file import File


def learnt(reader, name, text, me):
    """([(question, answer)], [texts left out]) of the owner in a chat."""
    data = text if isinstance(text, bytes) else text.encode()
    options = Options((me,))
    turns, removed = [], []
    for conversation in reader.conversations(File(name, data), options):
        for document in conversations.documents(conversation, name, options):
            turns += [(turn.question, turn.answer) for turn in document.turns]
            removed += [part.text for part in document.removed]
    return turns, removed


@pytest.mark.parametrize(
    "sender, text",
    [
        ("Boris", "Boris created group “Kite Club”"),
        ("Boris", "Boris changed this group's icon"),
        ("Boris", "You're now an admin"),
        ("Boris", "Boris changed the group name to “Kites”"),
        ("Kite Club", "Boris added you"),
        ("Kite Club", "~ Boris Baker joined using a group link."),
        ("Boris", "Boris left"),
        ("阿玉", "阿玉创建了群组“风筝”"),
        ("阿玉", "阿玉更改了群组图标"),
        ("阿玉", "阿玉退出了群组"),
        ("阿玉", "阿玉變更了群組名稱"),
        ("阿玉", "您现在是群组管理员"),
        ("Jörg", "Jörg hat die Gruppe „Drachen“ erstellt."),
        ("Jörg", "Jörg hat das Gruppenbild geändert."),
        ("Jörg", "Jörg hat Anna hinzugefügt"),
        ("Jörg", "Du bist jetzt ein Admin"),
        ("Inés", "Inés creó el grupo “Cometas”"),
        ("Inés", "Inés cambió el ícono del grupo"),
        ("Inés", "Inés añadió a Luis"),
        ("Inés", "Ahora eres administrador"),
        ("João", "João criou o grupo “Pipas”"),
        ("João", "João mudou a imagem do grupo"),
        ("João", "João adicionou Rita"),
        ("João", "João saiu"),
        ("Zoé", "Zoé a créé le groupe “Cerfs-volants”"),
        ("Zoé", "Zoé a changé l’icône du groupe"),
        ("Zoé", "Zoé a ajouté Luc"),
        ("Zoé", "Vous êtes maintenant admin"),
        (
            "Karl",
            "POLL:\nWhen do we row?\nOPTION: Tuesday at six (3 votes)\nOPTION: Friday (1 vote)",
        ),
        ("Karl", "投票：\n什么时候出海？\n选项：周二（3 票）\n选项：周五（1 票）"),
        (
            "Karl",
            "UMFRAGE:\nWann rudern wir?\nOPTION: Dienstag (3 Stimmen)\nOPTION: Freitag (1 Stimme)",
        ),
        ("Karl", "ENCUESTA:\n¿Cuándo remamos?\nOPCIÓN: martes (3 votos)\nOPCIÓN: viernes (1 voto)"),
        ("Karl", "ENQUETE:\nQuando remamos?\nOPÇÃO: terça (3 votos)\nOPÇÃO: sexta (1 voto)"),
        (
            "Karl",
            "SONDAGE :\nQuand rame-t-on ?\nOPTION : mardi (3 votes)\nOPTION : vendredi (1 vote)",
        ),
    ],
)
def test_polls_and_sentences_of_the_app_are_nobodys(sender, text):
    assert others.is_by_app(text, sender, "Kite Club")


@pytest.mark.parametrize(
    "sender, text",
    [
        ("Boris", "Boris is tired and wants his dinner"),
        ("Boris", "You added too much salt again"),
        ("Karl", "Boris left an hour ago, and nobody has seen him since"),
        ("阿玉", "阿玉今天不想出门"),
        ("阿玉", "我退出了群聊，太吵了"),
        ("Jörg", "Du bist jetzt dran"),
        ("Karl", "Poll: who wants soup?"),
        ("Will", "Will you come tomorrow?"),
        ("Kite Club", "The wind is good today, come to the meadow"),
    ],
)
def test_what_people_say_is_theirs(sender, text):
    assert not others.is_by_app(text, sender, "Kite Club")


@pytest.mark.parametrize(
    "text, own, answers",
    [
        (
            "那把蓝伞借给楼下的学生了\n[引用 老周: 昨天那场雨你带伞了吗]",
            "那把蓝伞借给楼下的学生了",
            True,
        ),
        ("「老周：这是鸽子吗」\n- - - - - - - -\n是，从唐山飞回来的", "是，从唐山飞回来的", True),
        ("[回复 老周: 带伞了吗]\n带了，借给别人了", "带了，借给别人了", True),
        (
            "[Reply to Ole: did you bring it]\nyes, it is in the shed",
            "yes, it is in the shed",
            True,
        ),
        ("it is in the shed\n[Antwort auf Ole: wo ist das Boot]", "it is in the shed", True),
        ("> did you bring it\nyes, in the shed", "yes, in the shed", False),
        (
            "he wrote this\n[10:02, 5/6/2025] Herr Moos: The cellar!\nrude",
            "he wrote this\nrude",
            False,
        ),
        ("看他写的\n老周 2025/5/6 10:02\n明天不出海\n后天再说", "看他写的", False),
        ("see\nOle Voss, [06.05.2025 10:02]\nno boat today", "see", False),
        ("哈哈哈哈//@小明:笑死//@小红:真的吗", "哈哈哈哈", False),
        ("said it before RT @ole: no boat today", "said it before", False),
        ("I left at 10:02 and came at 11:15: no boat", None, False),
        ("the bus [line 4] stops here: by the pier", None, False),
    ],
)
def test_quotations_and_copied_messages_are_not_the_senders(text, own, answers):
    words = others.words(text)
    assert words.own == (text if own is None else own)
    assert bool(words.answers) == answers
    assert bool(words.pasted) == (own is not None and not answers)


@pytest.mark.parametrize(
    "first, whom, asked",
    [
        ("Replying to Mira", "Mira", ""),
        ("↩️ Replying to Ole Voss: “and so?”", "Ole Voss", "and so?"),
        ("You replied to +44 7700 900163", "+44 7700 900163", ""),
        ("Du hast Ole Voss geantwortet", "Ole Voss", ""),
        ("Antwort auf Ole „wo ist das Boot“", "Ole", "wo ist das Boot"),
        ("Respondiste a Mira", "Mira", ""),
        ("En réponse à Mme Le Goff : où ?", "Mme Le Goff", "où ?"),
        ("回复 小明：你好吗", "小明", "你好吗"),
    ],
)
def test_the_line_above_an_answer_names_whom_it_answers_and_perhaps_what(first, whom, asked):
    assert others.words(f"{first}\nyes, in the shed") == ("yes, in the shed", whom, asked, "")


def test_below_the_line_that_names_whom_it_answers_a_cut_line_is_the_quotation():
    words = others.words("Du hast Mira geantwortet\nBin so gegen sechs da, erst …\ndas ist zu spät")
    assert words == ("das ist zu spät", "Mira", "Bin so gegen sechs da, erst …", "")


def test_under_a_name_even_a_short_message_is_a_quotation():
    chat = "5/6/25, 10:0{} - {}: {}\n"
    said = [("Karl", "nope"), ("Nele", "You replied to Karl\nnope\nthen I will not go either")]
    text = "".join(chat.format(n, *row) for n, row in enumerate(said))
    turns, _ = learnt(whatsapp, "WhatsApp Chat with Karl.txt", text, "Nele")
    assert turns == [("nope", "then I will not go either")]


@pytest.mark.parametrize(
    "poll",
    [
        "What time suits?\nSeven\n3 votes\n60%\nEight\n2 votes\n40%\n5 votes ∙ Poll closed",
        "匿名投票\n中场要不要休息？\n67% 休息，吃西瓜\n33% 一口气排完\n6 人已投票",
        "Dinner on Friday\nSeven\n3 votes\n60%\nEight\n2 votes\n40%",
        "Sondage anonyme\nPique-nique ou friterie ?\n67 % Pique-nique\n33 % Friterie\n6 votes",
    ],
)
def test_a_poll_with_its_votes_on_lines_of_their_own_is_nobodys(poll):
    chat = "5/6/25, 10:0{} - {}: {}\n"
    said = [("Karl", "shall we vote?"), ("Nele", poll), ("Nele", "I have made a poll for it")]
    text = "".join(chat.format(n, *row) for n, row in enumerate(said))
    turns, removed = learnt(whatsapp, "WhatsApp Chat with Karl.txt", text, "Nele")
    assert turns == [("shall we vote?", "I have made a poll for it")]
    assert len(removed) == 1


@pytest.mark.parametrize("word", "Source Quelle Fuente Origem Provenance 来源 出处".split())
def test_a_source_above_a_text_is_whose_it_is(word):
    text = f"{word}: Gazeta\nthe tide is late again"
    assert others.words(text).pasted == text


def test_to_whom_a_post_answers_is_not_part_of_the_answer():
    assert others.words("回复@小明:好的，明天码头见") == ("好的，明天码头见", "小明", "", "")
    assert others.words("回复@小明:嗯，去//@小明:去不去").own == "嗯，去"


PASTED = """\
5/6/25, 10:00 - Nora: what did he say?
5/6/25, 10:05 - Karl: he wrote this
[10:02, 5/6/2025] Herr Moos: The cellar will be cleared
[06.05.25, 10:02:11] Herr Moos: and the bicycles, too
and I find that rude
5/6/25, 10:07 - Nora: so do I
5/6/25, 10:09 - Karl: I will answer him tonight
"""


def test_messages_copied_from_another_chat_start_none_and_are_left_out():
    turns, removed = learnt(whatsapp, "WhatsApp Chat with Nora.txt", PASTED, "Karl")
    assert turns == [
        ("what did he say?", "he wrote this\nand I find that rude"),
        ("so do I", "I will answer him tonight"),
    ]
    assert "The cellar will be cleared" in removed[0] and "bicycles" in removed[0]


def test_a_line_feed_alone_ends_no_message_where_messages_end_in_both():
    text = (
        b"[06.05.25, 10:00:00] Nora: what did he say?\r\n"
        b"[06.05.25, 10:05:00] Karl: he wrote this\n"
        b"[06.05.25, 10:02:11] Herr Moos: the cellar will be cleared\n"
        b"and I find that rude\r\n"
        b"[06.05.25, 10:07:00] Nora: so do I\r\n"
        b"[06.05.25, 10:09:00] Karl: I will answer him tonight\r\n"
    )
    turns, _ = learnt(whatsapp, "_chat.txt", text, "Karl")
    assert turns[0] == ("what did he say?", "he wrote this\nand I find that rude")
    assert [question for question, _ in turns] == ["what did he say?", "so do I"]


def test_a_header_with_a_time_that_cannot_be_read_begins_a_message():
    text = (
        "[2025/3/3 上午5:40:09] 小安: 你怎么还没睡呢\n"
        "[2025/3/3 拂晓时分刚过5:41:09] 阿玉: 我睡不着，外面在下雨\n"
        "[2025/3/3 上午5:42:09] 小安: 那就听雨，数到一百\n"
        "[2025/3/3 上午5:43:09] 阿玉: 好，我数给你听\n"
    )
    turns, _ = learnt(whatsapp, "_chat.txt", text, "小安")
    assert turns == [
        ("", "你怎么还没睡呢"),
        ("我睡不着，外面在下雨", "那就听雨，数到一百"),
    ]


def test_a_poll_that_an_iphone_marks_leaves_no_question():
    text = (
        "[06.05.25, 10:00:00] Nora: are we rowing?\n"
        "[06.05.25, 10:05:00] Karl: \u200ePOLL:\nWhen do we row?\n"
        "\u200eOPTION: Tuesday at six (3 votes)\n\u200eOPTION: Friday (1 vote)\n"
        "[06.05.25, 10:06:00] Karl: please answer the poll above\n"
    )
    assert learnt(whatsapp, "_chat.txt", text, "Karl")[0] == [
        ("are we rowing?", "please answer the poll above")
    ]


def test_a_reply_in_a_text_export_answers_what_it_quotes():
    text = (
        "2025-05-01 08:10:00 老周\n昨天那场雨你带伞了吗\n\n"
        "2025-05-01 08:11:00 阿柚\n那把蓝伞借给楼下的学生了\n[引用 老周: 昨天那场雨你带伞了吗]\n\n"
        "2025-05-01 08:12:00 老周\n窗台上那只又来了\n\n"
        "2025-05-01 08:13:00 阿柚\n「老周：这是鸽子吗」\n- - - - - - - -\n是，从唐山飞回来的\n"
    )
    assert learnt(chat_text, "老周.txt", text, "阿柚")[0] == [
        ("昨天那场雨你带伞了吗", "那把蓝伞借给楼下的学生了"),
        ("这是鸽子吗", "是，从唐山飞回来的"),
    ]


UNKNOWN = [
    "01.04.2015 - 16:00:27; Ole: {}\n01.04.2015 - 16:06:34; Nele: {}\n"
    "01.04.2015 - 16:07:34; Ole: {}\n01.04.2015 - 16:08:34; Nele: {}\n",
    "[10:02] <Ole> {}\n[10:03] <Nele> {}\n[10:04] <Ole> {}\n[10:06] <Nele> {}\n",
    "(10.02) Ole: {}\n(10.03) Nele: {}\n(10.04) Ole: {}\n(10.06) Nele: {}\n",
    "Ole @ 10h02: {}\nNele @ 10h03: {}\nOle @ 10h04: {}\nNele @ 10h05: {}\n",
    "**Ole** (10:02): {}\n**Nele** (10:03): {}\n**Ole** (10:04): {}\n**Nele** (10:05): {}\n",
    "2024-05-01 10:02 | Ole | {}\n2024-05-01 10:03 | Nele | {}\n"
    "2024-05-01 10:04 | Ole | {}\n2024-05-01 10:05 | Nele | {}\n",
    "【2024年5月1日 10:02】Ole：{}\n【2024年5月1日 10:03】Nele：{}\n"
    "【2024年5月1日 10:05】Ole：{}\n【2024年5月1日 10:06】Nele：{}\n",
    "Ole 2024-05-01T10:02:11Z\n{}\n\nNele 2024-05-01T10:03:11Z\n{}\n\n"
    "Ole 2024-05-01T10:04:11Z\n{}\n\nNele 2024-05-01T10:05:11Z\n{}\n",
    "Ole — 05/01/2024 10:02 AM\n{}\nNele — 05/01/2024 10:03 AM\n{}\n"
    "Ole — 05/01/2024 10:04 AM\n{}\nNele — 05/01/2024 10:05 AM\n{}\n",
    "Ole, [01.05.2024 10:02]\n{}\n\nNele, [01.05.2024 10:03]\n{}\n\n"
    "Ole, [01.05.2024 10:04]\n{}\n\nNele, [01.05.2024 10:05]\n{}\n",
    "Mittwoch, 1. Mai 2024 um 10:02 Uhr - Ole: {}\nMittwoch, 1. Mai 2024 um 10:03 Uhr - Nele: {}\n"
    "Mittwoch, 1. Mai 2024 um 10:04 Uhr - Ole: {}\nMittwoch, 1. Mai 2024 um 10:05 Uhr - Nele: {}\n",
]
SAID = ("is the boat afloat", "it is, and so am I", "good, then come", "码头上见，我带伞")
LONGER = (
    *SAID,
    "the tide turns at four",
    "who told you that, the gulls?",
    "伞不用带，雨停了",
    "then I shall bring the soup",
)
TAILS = "mind the rope|and the lamp|no rush|我先走|or five|shout first|鞋要带|with leeks".split("|")


@pytest.mark.parametrize("suffix", [".txt", ".md"])
@pytest.mark.parametrize("layout", UNKNOWN)
def test_a_chat_of_an_unknown_program_is_read_by_sender(layout, suffix):
    name, text = f"talk{suffix}", layout.format(*SAID)
    assert format_of(File(name, text.encode())) == "chat"
    turns, _ = learnt(chat_text, name, text, "Nele")
    assert turns == [(SAID[0], SAID[1]), (SAID[2], SAID[3])]


@pytest.mark.parametrize("phone", ["06 39 98 01 43", "(555) 201-4455", "+55 11 90000-0143"])
@pytest.mark.parametrize("layout", UNKNOWN[:5] + ["Ole: {}\nNele: {}\nOle: {}\nNele: {}\n"])
def test_a_phone_number_is_a_name_of_a_sender(layout, phone):
    layout = layout.replace("Ole", phone) * 2
    said = [f"{text}, part {n} of it." for n in (1, 2) for text in SAID]
    turns, _ = learnt(chat_text, "talk.txt", layout.format(*said), "Nele")
    assert turns == list(zip(said[::2], said[1::2]))


def test_a_line_that_ends_late_in_a_time_with_am_begins_a_message():
    long = "and it is as long as the letters that my aunt used to write from the islands in May"
    lines = [
        f"{who}: {text}, {long} 9:{n}2 AM"
        for n, who, text in zip(range(4), ("Ole", "Nele", "Ole", "Nele"), SAID)
    ]
    turns, _ = learnt(chat_text, "talk.txt", "\n".join(lines), "Nele")
    assert turns == [(f"{SAID[n]}, {long}", f"{SAID[n + 1]}, {long}") for n in (0, 2)]


def test_a_signature_that_names_the_sender_twice_is_no_part_of_the_text():
    signed = " --[[User:{0}|{0}]] ([[User talk:{0}|talk]]) 09:1{1}, 21 February 2024 (UTC)\n\n"
    people = ("Ole", "Nele") * 4
    said = LONGER
    text = "".join(said[n] + signed.format(who, n) for n, who in enumerate(people))
    turns, _ = learnt(chat_text, "talk.txt", text, "Nele")
    assert turns == list(zip(said[::2], said[1::2]))


def test_what_all_messages_of_a_chat_stand_in_is_no_part_of_them():
    people = ("Ole", "Nele") * 4
    said = LONGER
    for frame in ("{who} tells the group, '{text}'\n\n", "10:0{n} {who} (@{who}:sea.org) {text}\n"):
        rows = [frame.format(who=w, text=t, n=n) for n, (w, t) in enumerate(zip(people, said))]
        turns, _ = learnt(chat_text, "talk.txt", "".join(rows), "Nele")
        assert turns == list(zip(said[::2], said[1::2]))


PAGES = [
    # names below the texts, a line of the page's under them
    "{text}\n{who}, 27.02.2024 10:0{n}\nGelesen\n\n",
    # texts in quotation marks, names and days below
    "“{text}”\n   – {who}, 14.1., 9.1{n}\n\n",
    # a line of the program's below the name, and above what closes a message
    "{who} says:\n25 Aug. 2024 at 09:2{n}\n{text}\nReply\n\n",
    # messages of any length between the name and what the page puts below them
    "{who}\n{text}\n{n} h\nLike\nReply\nShare\n",
    # words of the page's behind names and times below the texts
    "{text}\n№{n} ☆☆☆{who}于2024-04-23 09:4{n}:26留言☆☆☆\n\n",
    # what was said, behind a dash
    "{who} [00:0{n}:12]\n— {text}\n\n",
    # the colon of Chinese keyboards in times
    "【{who}】（10：0{n}）　{text}\n",
]


@pytest.mark.parametrize("page", PAGES)
def test_messages_of_pages_are_read_by_the_names_beside_what_comes_back(page):
    said = [(*LONGER, "no, none at all", "bring two, then")[n] for n in range(10)]
    said[3] += "\nand the lamp\nand five ropes"
    rows = [page.format(who=("Ole V.", "Nele")[n % 2], text=t, n=n) for n, t in enumerate(said)]
    turns, _ = learnt(chat_text, "talk.txt", "".join(rows), "Nele")
    assert turns == list(zip(said[::2], said[1::2]))


def test_who_is_greeted_in_a_letter_did_not_write_it():
    letter = "Sun, 20 Jun 2024\n\nDear {},\n\n{}\n\nYours,\n{}\n\n* * *\n\n"
    names = ("Ole V.", "Nele", "Ole V.", "Tia Mila")
    letters = [letter.format("Nele", text, names[n % 4]) for n, text in enumerate(LONGER * 2)]
    for me in ("Nele", "Dear Nele"):
        turns, _ = learnt(chat_text, "letters.txt", "".join(letters), me)
        assert not any(text in answer for _, answer in turns for text in LONGER[::2])


@pytest.mark.parametrize(
    "text",
    [
        "他说：没学什么\n我说：那老师讲什么了？\n他说：讲我了",
        "Ask him: where is it?\nHim: Under the boat.\nMe: Of course.",
        "—¿Y usted quién es?\n—El sobrino de la novia.\n—Aquí no hay boda.\nY me salí",
        "Kurz zur Halle:\nLicht geht wieder.\nDusche nur kalt.",
        "News from the garden:\nthe beans are up and the slugs know it",
        "10 of 10, would go again",
        "Washed the shirts. Missing:\n- die 4\n- die 11\n- and one sock (left??)",
        "Le syndic m'a répondu : « votre demande est en cours ». Déjà en mars, au mot près",
    ],
)
def test_a_dialogue_that_somebody_retells_is_theirs(text):
    chat = UNKNOWN[1] * 2
    said = [*LONGER]
    said[3] = text
    turns, _ = learnt(chat_text, "talk.txt", chat.format(*said), "Nele")
    assert turns[1] == (said[2], text)


@pytest.mark.parametrize(
    "shared",
    [
        "shared a post.\nHarbour Notices\n13 May at 9:14\nNo ferry on Sunday",
        "compartió una publicación.\nAvisos del puerto\n13 de mayo a las 9:14\nNo hay barco",
        "a partagé une publication.\nPort\n13 mai, 9:14\nPas de bac dimanche",
        "Début du message réexpédié :\n\nDe : Port\n\nPas de bac dimanche",
        "码头通知群的聊天记录\n港务处: 星期天没有船",
    ],
)
def test_what_was_shared_from_a_page_or_another_chat_is_not_the_senders(shared):
    said = [*LONGER]
    said[3] = shared
    turns, removed = learnt(chat_text, "talk.txt", (UNKNOWN[1] * 2).format(*said), "Nele")
    assert said[5] in [answer for _, answer in turns]
    assert not any(line in answer for line in shared.split("\n") for _, answer in turns if line)


def test_a_list_that_members_of_a_group_sign_is_nobodys():
    said = [*LONGER]
    said[3] = "#接龙\n周三读书会，来的报名\n1. 老谢 带橘子\n2. Mia林\n3. 阿棠 晚到"
    turns, _ = learnt(chat_text, "talk.txt", (UNKNOWN[1] * 2).format(*said), "Nele")
    assert not any("报名" in answer for _, answer in turns)


def test_what_somebody_says_again_word_for_word_is_theirs():
    said = [*LONGER, *LONGER[::-1]]
    said[1] = said[7] = said[11] = "call 020 7946 0018 before you come, the bell is broken"
    said[3] = "I was at the pier until 9"
    said[9] = "I was at the pier until 10"
    said[13] = "I was at the pier until 11"
    turns, _ = learnt(chat_text, "talk.txt", (UNKNOWN[1] * 4).format(*said), "Nele")
    answers = [answer for _, answer in turns]
    assert answers.count(said[1]) == 3
    assert {said[3], said[9], said[13]} <= {*answers}  # nor what one says of oneself


def test_what_a_forum_quotes_in_tags_is_what_is_answered():
    said = [*LONGER]
    said[3] = "[quote=Ole]no boat [b]today[/b]\n[quote]none?[/quote][/quote]\n\nthen on Sunday"
    turns, _ = learnt(chat_text, "talk.txt", (UNKNOWN[1] * 2).format(*said), "Nele")
    assert turns[1] == ("no boat [b]today[/b]", "then on Sunday")


def test_a_chat_saved_as_subtitles_keeps_the_lines_of_its_messages():
    said = [f"{a}\n{b}" for a, b in zip(LONGER, TAILS)]
    cues = "".join(
        f"00:0{n}:02.000,00:0{n}:02.900\n{who}: {text}\n\n"
        for n, (who, text) in enumerate(zip(("Ole", "Nele") * 4, said))
    )
    turns, _ = learnt(chat_text, "talk.sbv", cues, "Nele")
    assert turns == list(zip(said[::2], said[1::2]))


def test_in_a_known_program_what_begins_with_the_senders_name_may_be_a_notice():
    chat = "5/6/25, 10:0{} - {}: {}\n"
    said = [
        ("Karl Brede", "where were you all week?"),
        ("Nele Voss", "Nele Voss activated low bandwidth mode"),
        ("Nele Voss", "Nele Voss is a silly person, she says, and laughs"),
        ("Nele Voss", "on the island, with no signal"),
    ]
    text = "".join(chat.format(n, *row) for n, row in enumerate(said))
    turns, removed = learnt(whatsapp, "WhatsApp Chat with Karl Brede.txt", text, "Nele Voss")
    assert turns == [(said[0][1], said[2][1] + "\n" + said[3][1])]
    assert removed == [said[1][1]]


@pytest.mark.parametrize(
    "text",
    [
        "08:00 coffee, black. It rained on the pier.\n09:30 tram 4 to the harbour: late again.\n"
        "12:00 lunch with Ann, who talked about boats.\n15:00 rain.\n20:00 home, early to bed.\n",
        "2024-05-01 10:00 Repaired the front wheel.\n2024-05-01 11:00 Repaired the brake.\n"
        "2024-05-02 10:00 Sold the lamp.\n2024-05-02 11:00 Rain, nobody came.\n",
        "It was 10:02 when Nele came in.\n\nAt 10:05 she left again: the boat was gone.\n\n"
        "Ole came at 11:00 and said nothing.\n\nNele came back at 12:00.\n",
        "00:00 Intro\n02:10 Why boats: a history\n05:30 Why ropes: a history\n10:00 Outro\n",
        "I kept this talk for years, because it was the last one.\n\n" * 9
        + UNKNOWN[7].format(*SAID),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_a_diary_a_log_and_an_essay_with_a_chat_in_it_are_none(text, suffix):
    assert format_of(File(f"a{suffix}", text.encode())) in ("text", "markdown")


def test_a_file_named_as_a_chat_whose_messages_cannot_be_told_apart_is_left_out():
    text = "5 past 3 Nele says the boat is afloat\n6 past 3 Ole says that he is glad\n" * 20
    log = ReadLog()
    with log.refusals("WhatsApp Chat with Ole.txt"):
        format_of(File("WhatsApp Chat with Ole.txt", text.encode()))
    assert [part.reason for part in log.removed] == ["speakers"]


def test_the_owner_may_be_a_phone_number_with_an_area_in_brackets():
    text = (UNKNOWN[2] * 2).replace("Ole", "(555) 201-4455").format(*LONGER)
    turns, _ = learnt(chat_text, "talk.txt", text, "(555) 201-4455")
    assert turns == [("", LONGER[0]), *zip(LONGER[1:7:2], LONGER[2::2])]
