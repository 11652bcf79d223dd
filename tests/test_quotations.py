"""Quotations without markup in essays and mails: others' words go, the author's stay."""

import pytest

from twinlib.corpus.clean import clean

OWN = (
    "The harbour was empty when I came down to it, and the cranes stood still.",
    "I have thought about that sentence for years, and I still do not believe it.",
)
OWN_ZH = ("那天早上我走到码头，吊车都停着，风很大。", "这句话我想了很多年，到现在也还是不信。")
THEIRS = (
    "A boat that never leaves is only a house with a wet floor, and nobody who has slept in one "
    "would call it a home; we learnt this slowly, and paid for it."
)
THEIRS_ZH = "凡舟之不行者，不过湿地之屋耳；居其中者莫不知之，而莫肯言之，此古今之通病也。"


def kept(text, markup=False, author="Ning"):
    cleaned = clean(text, markup, author=author)
    return cleaned.text, [part.reason for part in cleaned.removed]


# Essays: (what announces it, the quotation as it stands on its own, whether it goes)
ANNOUNCED = [
    ("In his diary the keeper writes:", f"    {THEIRS}", "quote"),
    ("In his diary the keeper writes:", f"“{THEIRS}”", "quote"),
    ("In his diary the keeper writes:", THEIRS, "announced"),
    ("The last page of the book reads as follows:", THEIRS, "announced"),
    ("The inscription over the door reads:", f"        {THEIRS}", "quote"),
    ("My grandmother always said:", f"    {THEIRS}", "quote"),
    ("Her poem begins:", "The boat is old\nthe river is cold\nand nobody rows", "quote"),
    ("他在日记里写道：", THEIRS_ZH, "announced"),
    ("原文如次：－－", f"　　　　{THEIRS_ZH}", "quote"),
    ("序有云：——", f"“{THEIRS_ZH}”", "quote"),
    ("信中说：", f"「{THEIRS_ZH}」", "quote"),
    ("报上登的启事是这样的：", THEIRS_ZH, "announced"),
    ("他的诗里写道：", "船旧了\n水冷了\n没有人划", "quote"),
    ("In seinem Tagebuch schreibt der Wärter:", f"„{THEIRS}“", "quote"),
    ("En su diario escribe el farero:", THEIRS, "announced"),
    ("No seu diário o faroleiro escreve:", THEIRS, "announced"),
    ("Dans son journal le gardien écrit :", THEIRS, "announced"),
    # The author's own.
    ("In my diary I wrote:", THEIRS, ""),
    ("My own poem begins:", "The boat is old\nthe river is cold\nand nobody rows", ""),
    ("What I mean is this:", THEIRS, ""),
    ("The recipe is as follows:", THEIRS, ""),
    ("There are two reasons:", THEIRS, ""),
    ("My mother said:", f"“{THEIRS[:60]}.”", ""),
    ("我在日记里写道：", THEIRS_ZH, ""),
    ("我的意见如下：", THEIRS_ZH, ""),
    ("做法如下：", THEIRS_ZH, ""),
    ("理由有两个：", THEIRS_ZH, ""),
    ("妈妈说：", "“把伞带上，路上小心。”", ""),
    ("Ich schrieb in mein Tagebuch:", THEIRS, ""),
    ("En mi diario escribí:", THEIRS, ""),
    ("No meu diário escrevi:", THEIRS, ""),
    ("Dans mon journal j'ai écrit :", THEIRS, ""),
]


@pytest.mark.parametrize("markup", [False, True])
@pytest.mark.parametrize("line, quotation, reason", ANNOUNCED)
def test_a_quotation_goes_where_a_line_announces_what_others_wrote(line, quotation, reason, markup):
    before, after = OWN_ZH if line[-4:] > "\u2e80" else OWN
    text, reasons = kept(f"{before}\n\n{line}\n\n{quotation}\n\n{after}", markup)
    assert before in text and line in text and after in text
    words = "".join(filter(str.isalnum, quotation))
    assert (words in "".join(filter(str.isalnum, text))) == (not reason)
    assert reasons == [reason] * bool(reason)


# Whole paragraphs in marks: (what introduces them, the quotation, whether it goes)
THEIRS_2 = "Whoever keeps a boat for its looks will in the end keep neither the boat nor the looks."
THEIRS_2_ZH = "夫以貌取舟者，终必并其舟与貌而失之，古之人言之详矣，今之人犹不悟也。"
LONG = f"{THEIRS} {THEIRS_2} {THEIRS[:40]}; {THEIRS_2}"
LONG_ZH = THEIRS_ZH + THEIRS_2_ZH + THEIRS_ZH
WHOLE = [
    ("他那本书的译本的序文上，就说", f"“{THEIRS_ZH}”", True),
    ("怎样的船就该有怎样的舵。所以，梁先生说--", f"“{LONG_ZH}”", True),
    ("我且抄一段船长的，给大家看看罢——", f"“{THEIRS_ZH}”", True),
    ("我抄一段船长的话。", f"“{THEIRS_ZH}\n\n“{THEIRS_2_ZH}”", True),
    ("前天在《航海杂志》里看到一篇小说，觉得很好。", f"“{LONG_ZH}\n\n“{THEIRS_2_ZH}”", True),
    ("他在《舟记》里说：“凡舟皆屋。", f"“{THEIRS_ZH}”", True),
    ("上面一篇序文，道出——", THEIRS_ZH, True),
    ("As the keeper writes,", f"“{THEIRS}”", True),
    ("As the keeper writes:", f"“{THEIRS}\n\n“{THEIRS_2}”", True),
    ("Let me quote the keeper at length.", f'"{THEIRS}\n\n"{THEIRS_2}"', True),
    ("Let me quote the keeper:", THEIRS, True),
    ("I found this in a book about boats.", f"“{LONG}\n\n“{THEIRS_2}”", True),
    ("Says the old keeper:", f"“{LONG}”", True),
    ("Ich zitiere den Wärter:", f"„{THEIRS}“", True),
    ("Wie der Wärter schreibt:", f"»{THEIRS}«", True),
    ("Comme l'écrit le gardien,", f"« {THEIRS} »", True),
    ("Je cite le gardien :", f"« {THEIRS}\n\n« {THEIRS_2} »", True),
    ("Como escribe el farero:", f"«{THEIRS}»", True),
    ("Cito al farero.", f"«{THEIRS}\n\n»{THEIRS_2}»", True),
    ("Como escreve o faroleiro:", f"“{THEIRS}”", True),
    ("O faroleiro escreve num artigo:", f"— {THEIRS}", True),
    # The author's own.
    ("我且抄一段我去年的日记——", f"“{THEIRS_ZH}”", False),
    ("我想：", f"“{LONG_ZH}”", False),
    ("我们总结如下：", f"“{LONG_ZH}”", False),
    ("他在《舟记》里说过船的事。", f"“{THEIRS_ZH}”这话我不信，说了也没有用。", False),
    ("船长说：", "“把绳子拉紧！”", False),
    ("Let me quote my own diary:", f"“{THEIRS}”", False),
    ("Then I said:", f"“{LONG}”", False),
    ("These are the lines that you have to copy:", THEIRS, False),
    (
        "要在家里录一节课，得这样：",
        "先把窗关上，再把手机放稳，声音就清楚多了，我试过好几回。",
        False,
    ),
    ("As the keeper writes,", f"“{THEIRS}” And yet I doubt it, as I doubted it then.", False),
    ("The keeper came in.", f"“{THEIRS}”", False),
    ("He read the printed lines again.", f"“{LONG}\n\n“{THEIRS_2}”", False),
    ("Ich zitiere aus meinem Tagebuch:", f"„{THEIRS}“", False),
    ("Je cite mon journal :", f"« {THEIRS} »", False),
    ("Cito mi diario:", f"«{THEIRS}»", False),
]


@pytest.mark.parametrize("markup", [False, True])
@pytest.mark.parametrize("line, quotation, goes", WHOLE)
def test_whole_paragraphs_in_marks_go_where_the_text_above_introduces_them(
    line, quotation, goes, markup
):
    before, after = OWN_ZH if quotation.strip("“") > "\u2e80" else OWN
    text, reasons = kept(f"{before}\n\n{line}\n\n{quotation}\n\n{after}", markup)
    assert text.startswith(before) and line in text and text.endswith(after)
    paragraphs = quotation.split("\n\n")
    assert [part in text for part in paragraphs] == [not goes] * len(paragraphs)
    assert bool(reasons) == goes and set(reasons) <= {"quote", "announced"}


def test_quotations_in_a_story_are_its_authors():
    talk = [f"“Row {n}!” she said, and he rowed." for n in range(4)]
    speech = [f"“{THEIRS}", f"“{THEIRS_2}”"]
    story = "\n\n".join([OWN[0], *talk, "Then, as the keeper said:", *speech, OWN[1]])
    assert kept(story) == (story, [])
    excerpts = [f"“{THEIRS_ZH[:n]}，所以您不对。”" for n in (12, 14, 16, 18, 20, 22)]
    satire = "\n\n".join([OWN_ZH[0], "今谨摘录数条，以公同好——", *excerpts, OWN_ZH[1]])
    assert kept(satire) == (satire, [])


def test_phrases_in_marks_at_the_beginning_of_paragraphs_are_no_dialogue():
    phrases = [f"“船”字的第{n}个写法，谁也说不清楚，我查了半天。" for n in "一二三四五"]
    text, reasons = kept("\n\n".join([*phrases, "所以，梁先生说——", f"“{LONG_ZH}”", OWN_ZH[1]]))
    assert LONG_ZH not in text and reasons == ["quote"]
    assert all(phrase in text for phrase in phrases)


def test_a_quotation_that_is_never_closed_stays():
    text = "\n\n".join(["As the keeper writes,", f"“{THEIRS}", *OWN])
    assert kept(text) == (text, [])


def test_the_owner_can_have_an_announced_paragraph_back():
    text = f"{OWN[0]}\n\nThe keeper writes:\n\n{THEIRS}\n\n{OWN[1]}"
    [part] = clean(text, False).removed
    assert THEIRS in clean(text, False, frozenset([part.id])).text


def test_a_quotation_of_lines_cut_at_one_width_goes_whole():
    lines = [
        "坊间所刻此书固已善矣然其中一事",
        "揆之天理人情殊不可训窃不自量力",
        "妄为编辑概从割爱。",
    ]
    text, reasons = kept("\n\n".join([OWN_ZH[0], "序有云：", *lines, OWN_ZH[1]]))
    assert text == f"{OWN_ZH[0]}\n\n序有云：\n\n{OWN_ZH[1]}" and reasons == ["quote"]


LETTERS = [  # (a letter within an essay, whether it is another's)
    (["宁先生：", THEIRS_ZH, "你的读者 阿秋", "三月三日"], True),
    (["Dear Ning,", THEIRS, "Yours,", "Ann Lee"], True),
    (["Lieber Ning,", THEIRS, "Viele Grüße", "Jörg"], True),
    (["Querida Ning:", THEIRS, "Un abrazo, Inés"], True),
    (["Chère Ning,", THEIRS, "Amitiés", "Luc"], True),
    (["Dear Ning,", THEIRS, THEIRS[:80] + "."], False),  # without a name: perhaps to oneself
    (["Dear Ann,", THEIRS, "Yours,", "Ning"], False),
    (["Dear reader,", THEIRS, "Yours,", "N."], False),
    (["小秋：", THEIRS_ZH, "宁 三月三日"], False),
]


@pytest.mark.parametrize("letter, others", LETTERS)
def test_a_letter_to_the_author_in_an_essay_goes_and_the_authors_letters_stay(letter, others):
    zh = letter[1] == THEIRS_ZH
    before, after = OWN_ZH if zh else OWN
    author = "宁" if zh else "Ning"
    text, reasons = kept("\n\n".join([before, "***", *letter, after]), author=author)
    assert before in text and after in text
    assert (letter[1] in text) == (not others)
    assert reasons == ["quote"] * others


def test_a_letter_that_the_author_answers_goes_whoever_it_greets():
    text = "\n\n".join(
        ["编者先生：", THEIRS_ZH, "徐匀。七月八日。", "回信", "徐匀先生：", OWN_ZH[0], OWN_ZH[1]]
    )
    assert kept(text, author="宁") == (
        f"回信\n\n徐匀先生：\n\n{OWN_ZH[0]}\n\n{OWN_ZH[1]}",
        ["quote"],
    )


def test_an_answer_to_the_authors_letter_goes_and_the_letter_stays():
    mine = ["Dear Ann,", OWN[0], "Yours,", "Ning"]
    text, reasons = kept(
        "\n\n".join([*mine, "Dear Ning,", THEIRS, "Yours,", "Ann Lee"]), author="Ning"
    )
    assert (text, reasons) == ("\n\n".join(mine), ["quote"])


# Mails
WROTE = [
    "On 3 May 2021, at 10:02, Ann Lee <ann@example.org> wrote:",
    "On Mon, May 3, 2021 at 10:02 AM Ann Lee <\nann@example.org> wrote:",
    "Am 03.05.2021 um 10:02 schrieb Ann Lee:",
    "Am Mo., 3. Mai 2021 um 10:02 Uhr schrieb Ann Lee <ann@example.org>:",
    "El lun, 3 may 2021 a las 10:02, Ann Lee (<ann@example.org>) escribió:",
    "Em seg., 3 de mai. de 2021 às 10:02, Ann Lee <ann@example.org> escreveu:",
    "Le lun. 3 mai 2021 à 10:02, Ann Lee <ann@example.org> a écrit :",
    "Ann Lee <ann@example.org> 于2021年5月3日周一 10:02写道：",
    "在 2021年5月3日，10:02，李安 <ann@example.org> 写道：",
    "李安于2021年5月3日周一 10:02写道：",
    "李安于3/5/21上午10:02写道：",
    "2021-05-03 10:02 GMT+08:00 Ann Lee <ann@example.org>:",
    "On 3 May 2021 Ann Lee wrote:",
]
RULES = [
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "-----Mensaje original-----",
    "-----Mensagem original-----",
    "-----Message d'origine-----",
    "------------------ 原始邮件 ------------------",
    "---------- Forwarded message ---------",
    "Begin forwarded message:",
    "From: Ann Lee\nSent: Monday, May 3, 2021 10:02\nTo: Ning\nSubject: the boat",
    "Von: Ann Lee\nGesendet: Montag, 3. Mai 2021 10:02\nAn: Ning\nBetreff: das Boot",
    "De: Ann Lee\nEnviado el: lunes, 3 de mayo de 2021 10:02\nPara: Ning\nAsunto: el barco",
    "De: Ann Lee\nEnviada em: 3 de maio de 2021 10:02\nPara: Ning\nAssunto: o barco",
    "De : Ann Lee\nEnvoyé : lundi 3 mai 2021 10:02\nÀ : Ning\nObjet : le bateau",
    "发件人: 李安\n发送时间: 2021年5月3日 10:02\n收件人: 宁\n主题: 船",
]


@pytest.mark.parametrize("markup", [False, True])
@pytest.mark.parametrize("line", WROTE)
def test_replies_above_and_below_a_quoted_mail_stay(line, markup):
    marked = f"> {THEIRS[:70]}\n> {THEIRS[70:]}"
    for quoted in (marked, marked.replace("> ", ">"), marked.replace("> ", "> > ")):
        text, reasons = kept(f"{line}\n\n{quoted}\n{OWN[0]}\n\n{quoted}\n\n{OWN[1]}", markup)
        assert (text, set(reasons)) == ("\n\n".join(OWN), {"quote"})
    for below in (f"{line}\n\n{marked}\n", f"{line}\n\n{THEIRS}\n\n{THEIRS}\n"):
        text, reasons = kept(f"{OWN[0]}\n\n{OWN[1]}\n\nNing\n\n{below}", markup)
        assert (text, set(reasons)) == (f"{OWN[0]}\n\n{OWN[1]}\n\nNing", {"quote"})


@pytest.mark.parametrize("markup", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_a_mail_under_a_rule_or_a_header_goes(rule, markup):
    text, reasons = kept(f"{OWN[0]}\n\n{OWN[1]}\n\n{rule}\n\n{THEIRS}\n\n{THEIRS}\n", markup)
    assert (text, set(reasons)) == ("\n\n".join(OWN), {"quote"})


def test_in_a_file_of_mails_the_owners_stay_and_headers_go():
    mail = "From: {} <{}@example.org>\nDate: Mon, 3 May 2021 10:02\nTo: {}\nSubject: {}\n\n{}\n\n"
    text = (
        mail.format("Ning", "ning", "Ann", "boat", f"{OWN[0]}\n\n-- \nNing · +49 30 123456")
        + mail.format("Ann Lee", "ann", "Ning", "Re: boat", THEIRS)
        + mail.format("Ning", "ning", "Ann", "Re: Re: boat", f"{OWN[1]}\n\nSent from my iPhone")
    )
    text, reasons = kept(text)
    assert text == "\n\n".join(OWN)
    assert sorted(set(reasons)) == ["mail", "platform", "quote"]


@pytest.mark.parametrize(
    "line",
    [
        *("Sent from my iPhone", "Von meinem iPhone gesendet", "Enviado desde mi iPhone"),
        *("Enviado do meu iPhone", "Envoyé de mon iPhone", "发自我的iPhone"),
    ],
)
def test_what_a_phone_writes_under_a_mail_goes(line):
    assert kept(f"{OWN[0]}\n\n{OWN[1]}\n\n{line}") == ("\n\n".join(OWN), ["platform"])


@pytest.mark.parametrize("markup", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "At 10:02 on 3 May my sister wrote to me, and I wrote back the same day.",
        "In 1854 he lived here. From: that I learnt nothing.",
        "From the pier:\n\nDate the photograph, send it to Ann.",
        "-- \nThe end of the first part.\n\nThe second part begins on the pier.",
        "He asked me what I saw:\n\nOnly the boat.",
        "日期：三月三日\n天气：晴\n地点：码头\n\n那天我们没有出海。",
    ],
)
def test_what_only_looks_like_a_mail_stays(text, markup):
    result, reasons = kept(f"{OWN[0]}\n\n{text}\n\n{OWN[1]}", markup)
    assert not reasons
    assert [w for w in text.split() if w.isalpha()] == [w for w in result.split() if w.isalpha()][
        14:-16
    ] or all(word in result for word in text.split() if word.isalpha())
