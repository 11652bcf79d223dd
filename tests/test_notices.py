"""Sentences that programs write into chats are told from what people write, by their words."""

import importlib.util
from pathlib import Path

import pytest

from twinlib.corpus.readers.chats import doubtful, notices

TOOL = Path(__file__).parents[1] / "tools" / "notices" / "fit.py"

# None of them is a sentence that the weights are fitted to.
PROGRAMS = [
    "All participants have been muted",
    "This chat was archived automatically",
    "The server restarted, please sign in again",
    "所有成员已被静音",
    "此群聊已自动归档",
    "服务器已重启，请重新登录",
    "Alle Teilnehmer wurden stummgeschaltet",
    "Diese Unterhaltung wurde automatisch archiviert",
    "Der Server wurde neu gestartet, bitte neu anmelden",
    "Se silenció a todos los participantes",
    "Esta conversación se archivó automáticamente",
    "Todos os participantes foram silenciados",
    "Esta conversa foi arquivada automaticamente",
    "Tous les participants ont été mis en sourdine",
    "Cette conversation a été archivée automatiquement",
]
PEOPLE = [
    "the soup needs another hour",
    "nobody came to the second rehearsal either",
    "Grandpa's bees swarmed again",
    "汤还得再炖一个钟头",
    "第二次排练也没人来",
    "外公的蜜蜂又分窝了",
    "die Suppe braucht noch eine Stunde",
    "zur zweiten Probe kam auch keiner",
    "a la sopa le falta una hora",
    "al segundo ensayo tampoco vino nadie",
    "a sopa precisa de mais uma hora",
    "ao segundo ensaio também não veio ninguém",
    "la soupe a encore besoin d'une heure",
    "à la deuxième répétition non plus personne n'est venu",
]


def test_most_new_sentences_of_programs_are_told():
    assert sum(notices.NOTICES.chance(sentence) > 0.6 for sentence in PROGRAMS) >= 12


@pytest.mark.parametrize("sentence", PEOPLE)
def test_what_people_write_is_theirs(sentence):
    assert notices.NOTICES.chance(sentence) < 0.6
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=False)
    assert judge.judge(sentence, "Nele").own == sentence


# Longer than most messages
LONG = [
    "Messages that are sent in this conversation are encrypted. Nobody outside of it, not even "
    "those who run the server, can read them. Tap to learn more about it.",
    "Nachrichten in diesem Bereich werden neunzig Tage aufbewahrt und danach für alle gelöscht; "
    "Administratoren können das in den Einstellungen ändern.",
    "Las notas de este espacio se conservan noventa días y después se eliminan para todos los "
    "miembros; un administrador puede cambiarlo en los ajustes.",
]


@pytest.mark.parametrize("sentence", LONG)
def test_long_sentences_of_programs_are_told(sentence):
    assert doubtful.Judge(["Nele"], [], known=False).judge(sentence, "Nele").own == ""


def test_what_a_program_quotes_doesnt_hide_that_it_speaks():
    judge = doubtful.Judge(["Nele Brandt", "Ole Wrede"], [], known=False)
    for line in (
        "Ole Wrede pinned “Is the ferry running on Sunday, or …”",
        "Ole Wrede hat „Fährt die Fähre am Sonntag oder …“ angepinnt",
        "Ole Wrede ha fijado el mensaje «Sale el ferry el domingo o…»",
    ):
        assert judge.judge(line, "Nele Brandt").own == "", line
    said = "Ole Wrede says “bring the long rope, not the short one”"
    assert judge.judge(said, "Nele Brandt").own == said


def test_dots_at_the_end_dont_make_a_message_a_programs():
    judge = doubtful.Judge(["阿宁"], [], known=False)
    for line in ("刚到家…", "好困啊……", "饭还没熟…", "起床啦…"):
        assert judge.judge(line, "阿宁").own == line


def test_in_a_known_program_too_a_message_that_certainly_nobody_wrote_is_put_aside():
    judge = doubtful.Judge(["Nele Brandt"], [], known=True)
    for line in ("Group video call ended", "Besprechung beendet: 31m 4s", "视频通话已结束"):
        assert judge.judge(line, "Nele Brandt").own == "", line
        assert judge.judge(f"back home\n{line}", "Nele Brandt").own == f"back home\n{line}"


def test_a_script_that_was_not_learnt_is_not_judged():
    judge = doubtful.Judge(["Nele"], [], known=False)
    for line in (
        "通話が終了しました",
        "【会議】グループを作成しました",
        "통화가 종료되었습니다",
        "Звонок завершён, group call ended",
    ):
        assert judge.judge(line, "Nele").own == line


def test_where_a_program_marks_its_own_sentences_no_message_is_taken_for_one():
    line = "Group video call ended"
    assert not doubtful.Judge(["Nele"], [], known=True).judge(line, "Nele").own
    marked = doubtful.Judge(["Nele"], [], known=True, unmarked=False)
    assert marked.judge(line, "Nele").own == line


def test_a_heading_of_ones_own_list_stays():
    judge = doubtful.Judge(["Nele"], [], known=False)
    for text in ("Öffnungszeiten\nMo: 9-17\nDi: 9-12", "Zutaten\n200 g Mehl\n3 Eier"):
        assert judge.judge(text, "Nele").own == text


PASSED_ON = "The market moves to the square on the last Sunday of June because of the works"
# None of them is a line that the weights are fitted to.
INTROS = [
    "my uncle forwarded this to me, can that be right?",
    "copied from the poster at the swimming pool:",
    "我表姐转给我的，大家看看",
    "从业主群里抄来的：",
    "hat mir mein Onkel geschickt, stimmt das?",
    "esto me lo pasó mi tía, ¿será cierto?",
    "meu tio me mandou isso, é verdade?",
    "mon oncle m'a envoyé ça, c'est vrai ?",
]
OWN_FIRST_LINES = [
    "For the picnic:",
    "What we decided yesterday:",
    "星期天的安排：",
    "Noch drei Sachen für morgen:",
    "La lista de la compra:",
    "Sobre a reunião de ontem:",
    "Pour la fête :",
]


def test_of_what_is_passed_on_with_ones_own_words_these_stay():
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=True)
    judged = [judge.judge(f"{line}\n\n{PASSED_ON}", "Nele") for line in INTROS]
    assert sum(bool(x.aside) for x in judged) >= 6
    for line, found in zip(INTROS, judged):
        # A line with a colon may be taken for a heading of a program's.
        assert found.own in (line, f"{line}\n\n{PASSED_ON}") or line.endswith((":", "："))


@pytest.mark.parametrize("below", [f"I say: {PASSED_ON}", f"- {PASSED_ON}\n- so I am told"])
def test_what_tells_of_oneself_or_is_a_list_is_not_passed_on(below):
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=True)
    for line in INTROS:
        text = f"{line}\n{below}"
        assert line.endswith((":", "：")) or judge.judge(text, "Nele").own == text


@pytest.mark.parametrize("line", OWN_FIRST_LINES)
def test_what_stands_below_ones_own_first_line_is_ones_own(line):
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=True)
    text = f"{line}\n{PASSED_ON}"
    assert judge.judge(text, "Nele").own == text


def test_in_a_chat_of_an_unknown_program_its_sentences_are_put_aside():
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=False)
    judged = judge.judge("This chat was archived automatically\nsee you at the lake", "Nele")
    assert judged.own == "see you at the lake"
    assert judged.reason == "platform"
    # Who speaks of themselves, asks, or writes a list is no program.
    for text in ("I archived this chat", "was this chat archived automatically?", "- muted mics"):
        assert judge.judge(text, "Nele").own == text


# None of them is a line that the weights are fitted to.
HEADINGS = [
    "Forwarded from the ferry timetable channel",
    "Shared from Saltmarsh Weekly",
    "✉ Fwd · Harbour Office · Monday",
    "Originally posted by the rowing club",
    "转发自码头时刻表",
    "分享自公众号「盐沼周刊」",
    "来源：港务处",
    "Weitergeleitet aus dem Fährkanal",
    "Quelle: Hafenamt",
    "Reenviado del canal del transbordador",
    "Fuente: oficina del puerto",
    "Encaminhada do canal da balsa",
    "Fonte: capitania do porto",
    "Transféré depuis le canal du bac",
    "Source : bureau du port",
]
FIRST_LINES = [
    "Forwarded the bill to the landlord, he pays on Monday",
    "Soup for six:",
    "From the shed to the pier it's ten steps",
    "转给你的钱收到没",
    "六个人的汤：",
    "从棚子到码头十步路",
    "Suppe für sechs:",
    "Vom Schuppen zum Steg sind es zehn Schritte",
    "Sopa para seis:",
    "Del cobertizo al muelle hay diez pasos",
    "Sopa pra seis:",
    "Soupe pour six :",
    "Du hangar au quai il y a dix pas",
]


def test_most_new_headings_above_what_was_passed_on_are_told():
    assert sum(notices.HEADINGS.chance(line) > 0.5 for line in HEADINGS) >= 12


@pytest.mark.parametrize("line", FIRST_LINES)
def test_the_first_line_of_a_message_is_no_heading(line):
    text = f"{line}\nthe ferry leaves at seven and waits for nobody"
    for known in (False, True):
        judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=known)
        assert judge.judge(text, "Nele").own == text


@pytest.mark.parametrize("known", [False, True])
def test_what_stands_below_a_heading_is_put_aside(known):
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=known)
    judged = judge.judge("look at this\nForwarded from Harbour Office\nno ferry today", "Nele")
    assert judged == ("look at this", "Forwarded from Harbour Office\nno ferry today", "repost")
    # A list below it, or a question, is one's own.
    for text in ("Source of it all:\n- one rope\n- two ropes", "Forwarded by whom?\nby Ole"):
        assert judge.judge(text, "Nele").own == text


def _tool():
    spec = importlib.util.spec_from_file_location("fit_notices", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.mark.parametrize("kind", ["program", "heading"])
def test_the_weights_are_those_that_the_tool_fits(kind, tmp_path):
    tool = _tool()
    model = tool.KINDS[kind]
    fitted = tmp_path / "weights.tsv"
    fitted.write_text(tool.weights(kind), encoding="utf-8")
    again = type(model)(fitted, model.features)
    some = [line for *_, line in tool.lines(kind)[::50]]
    assert [again.chance(x) for x in some] == pytest.approx([*map(model.chance, some)], abs=0.03)
