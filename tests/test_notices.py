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
    assert sum(notices.chance(sentence) > 0.6 for sentence in PROGRAMS) >= 12


@pytest.mark.parametrize("sentence", PEOPLE)
def test_what_people_write_is_theirs(sentence):
    assert notices.chance(sentence) < 0.6
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=False)
    assert judge.judge(sentence, "Nele").own == sentence


def test_in_a_chat_of_an_unknown_program_its_sentences_are_put_aside():
    judge = doubtful.Judge(["Nele", "Ole Wrede"], [], known=False)
    judged = judge.judge("This chat was archived automatically\nsee you at the lake", "Nele")
    assert judged.own == "see you at the lake"
    assert judged.reason == "platform"
    # Who speaks of themselves, asks, or writes a list is no program.
    for text in ("I archived this chat", "was this chat archived automatically?", "- muted mics"):
        assert judge.judge(text, "Nele").own == text


def test_the_weights_are_those_that_the_tool_fits(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("fit_notices", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    rows = tool.sentences()
    some = [text for _, _, text in rows[::50]]
    shipped = [notices.chance.__wrapped__(text) for text in some]
    fitted = tmp_path / "notices.tsv"
    fitted.write_text(tool.weights(rows), encoding="utf-8")
    monkeypatch.setattr(notices, "WEIGHTS", fitted)
    notices._weights.cache_clear()
    try:
        assert [notices.chance.__wrapped__(x) for x in some] == pytest.approx(shipped, abs=0.03)
    finally:
        notices._weights.cache_clear()
