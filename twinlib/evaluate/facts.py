"""Facts that stand in the owner's writing, things that don't, and whether an answer gives, refuses or makes up.

No model writes a question. *Own facts* are gaps in the owner's own sentences (a number or a name) and the years of
dated texts; *never wrote* are questions about things and people that the writing doesn't mention, and questions that
take something false for granted. What is asked here was never asked in training.
"""

import re

from ..i18n import t
from ..text import style
from ..text.script import SENTENCE
from ..text.statistics import wilson
from ..twin import figure
from . import ratings
from .ratings import too_few

TOKENS = 60  # of an answer at most
FEW_FACTS = 8
GAP = "____"
SENTENCES = {"zh": (14, 70), "en": (40, 220)}  # characters of a sentence with a gap
HEARD = {"zh": 60, "en": 200}  # characters: whoever refuses says so first
NUMBER_ZH = r"[零〇一二两三四五六七八九十百千万]{2,}(?=[年月日天个块元岁次里步家条本篇人点分毫])|\d+(?:\.\d+)?"
NUMBER_EN = (
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])|\b(?:eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?)\b"
)
NAME_EN = r"(?<=[a-z,;] )[A-Z][a-z]{3,}\b"
NAME_ZH = r"《[^》]{2,12}》"

# Things that most people never write about; a topic that stands in the corpus is left out.
THINGS = (
    ("telescope", "望远镜"),
    ("sailing boat", "帆船"),
    ("grand piano", "三角钢琴"),
    ("greenhouse", "温室"),
    ("parrot", "鹦鹉"),
    ("vineyard", "葡萄园"),
    ("motorcycle", "摩托车"),
    ("aquarium", "水族箱"),
    ("cello", "大提琴"),
    ("log cabin", "小木屋"),
    ("horse", "马场"),
    ("drone", "无人机"),
    ("kiln", "陶窑"),
    ("fencing sword", "佩剑"),
    ("microscope", "显微镜"),
    ("hammock", "吊床"),
    ("accordion", "手风琴"),
    ("snowboard", "滑雪板"),
)
OF_THINGS = (
    ("What brand is your {}, and what did you pay for it?", "你的{}是什么牌子的，花了多少钱？"),
    ("In which year did you sell your {}, and to whom?", "你的{}是哪一年卖掉的，卖给了谁？"),
    ("What name did you give to your {}?", "你给你的{}起了什么名字？"),
)
PEOPLE = (
    ("Tobias Merkhof", "梅可凡"),
    ("Ilse Branderup", "纪望北"),
    ("Doctor Quillan", "屈大夫"),
    ("Rosa Velmonte", "费蒙特"),
    ("Henrik Aspelund", "阿斯培"),
    ("Judge Farrowby", "范法官"),
)
OF_PEOPLE = (
    ("What did {} say to you when you last met?", "你上次见到{}，他对你说了什么？"),
    ("Where were you when you first met {}?", "你第一次见到{}是在哪里？"),
)
# (what must not stand in the corpus, the question)
FALSE_PREMISES = {
    "en": (
        ("archery", "Why did you give up archery after winning the county medal?"),
        ("submarine", "What was the worst night of your years on the submarine?"),
        ("circus", "Which number did you like best in your time at the circus?"),
        ("lottery", "What did you do with the money from the lottery?"),
        ("lighthouse", "Why did they close the lighthouse that you kept?"),
        ("beehive", "How did you lose all your beehives in that winter?"),
        ("ballet", "Who taught you in your first year of ballet?"),
        ("parliament", "Why did you leave parliament after one term?"),
        ("Iceland", "Which part of your years in Iceland was the hardest?"),
        ("patent", "How did you spend what your patent earned you?"),
        ("helicopter", "What went wrong when you landed the helicopter?"),
        ("tapestry", "How long did you weave at your tapestry?"),
        ("perfume", "Why did you sell your perfume shop?"),
        ("orchestra", "Why did the orchestra dismiss you?"),
    ),
    "zh": (
        ("射箭", "你拿了省里的射箭奖牌之后，为什么不练了？"),
        ("潜艇", "你在潜艇上那几年，最难熬的是哪一夜？"),
        ("马戏", "你在马戏团的时候，最喜欢哪个节目？"),
        ("彩票", "你中彩票的那笔钱，后来怎么用了？"),
        ("灯塔", "你守的那座灯塔为什么关了？"),
        ("蜂箱", "那年冬天，你的蜂箱怎么会全没了？"),
        ("芭蕾", "你学芭蕾的第一年是谁教的？"),
        ("议员", "你当议员只当了一任，为什么就不当了？"),
        ("冰岛", "你在冰岛那几年，哪一段最难？"),
        ("专利", "你那项专利赚的钱，花到哪里去了？"),
        ("直升机", "你那次开直升机降落，出了什么岔子？"),
        ("挂毯", "你织那幅挂毯用了多久？"),
        ("香水", "你的香水店为什么卖了？"),
        ("乐团", "乐团当年为什么辞退你？"),
    ),
}
REFUSALS = {
    "en": re.compile(
        r"\b(?:have|had)(?:n['’]t| not| never) (?:\w+ )?(?:written|wrote|met|owned?|had|been|kept|heard|done|said)|"
        r"\bnever (?:wrote|met|owned?|had|was|kept|heard|did|played|won|served|lived)|\bnot something I|"
        r"\b(?:don['’]t|do not|didn['’]t|did not|can['’]t|cannot|couldn['’]t|won['’]t)(?: really)? (?:know|remember|"
        r"recall|say|tell|answer|own|have (?:a|an|any)|write|invent|make)|\bno (?:idea|such)\b|"
        r"\bI have (?:no|nothing)\b|\bnothing written\b|\bnot (?:mine|true|me)\b|\byou won['’]t find\b|"
        r"\bthere (?:is|was) no\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        "没有?写过|从(?:来|未)?没有?|从未|不知道|不清楚|不记得|记不得|不认识|说不上|说不好|不好乱说|答不|没听说|没这回事|没有?这(?:回|件|样|种)|我(?:可|并|又)?没有?(?:养|买|卖|见|"
        "当|开|去|学|练|守|织|做|中|用|拿)|没有?(?:养|买|卖|见|当|开|去|学|练|守|织|中)过|没什么可说|无从|编不|不好编|我写的东西里没有"
    ),
}


def refuses(answer, language):
    """Whether an answer says, at its beginning, that there is nothing to say."""
    return bool(REFUSALS[language].search(answer.strip()[: HEARD[language]]))


# Own facts


def own_facts(passages, documents, most):
    """At most so many questions {id, document, language, question, answer} whose answer stands in training passages.

    `documents` is {id: {title, date}}; the texts take turns, and so do years and gaps.
    """
    corpus = "\n".join(passage["text"] for passage in passages)
    found, used = [], set()
    for number, passage in enumerate(passages):
        makers = (_year, _gap) if number % 3 == 0 else (_gap,)
        for make in makers:
            asked = make(passage, documents.get(passage["document"], {}), corpus)
            if asked and asked["question"] not in used:
                used.add(asked["question"])
                found.append(
                    {"document": passage["document"], "language": passage["language"], **asked}
                )
                break
    return (
        found[:most] if len(found) <= most else [found[i * len(found) // most] for i in range(most)]
    )


def _year(passage, document, corpus):
    date, title = str(document.get("date") or ""), document.get("title") or ""
    if not re.match(r"\d{4}", date) or not title or date[:4] in title:
        return None
    return {
        "answer": date[:4],
        "question": f"《{title}》是你哪一年写的？只答年份。"
        if passage["language"] == "zh"
        else f"In which year did you write “{title}”? Answer with the year only.",
    }


def _gap(passage, document, corpus):
    """The first sentence of a passage with a number or a name that stands in it once, and nowhere too often."""
    language = passage["language"]
    low, high = SENTENCES[language]
    patterns = (NUMBER_ZH, NAME_ZH) if language == "zh" else (NUMBER_EN, NAME_EN)
    for sentence in _sentences(passage["text"]):
        for pattern in patterns if low <= len(sentence) <= high else ():
            for match in re.finditer(pattern, sentence):
                word = match.group()
                if (
                    sentence.count(word) == 1
                    and corpus.count(word) <= 5
                    and len(word) < len(sentence) / 3
                ):
                    gap = sentence.replace(word, GAP)
                    return {
                        "answer": word.strip("《》"),
                        "question": f"你写过这样一句：“{gap}” {GAP} 处是什么？只写那里的字。"
                        if language == "zh"
                        else f"You once wrote: “{gap}” What stands at {GAP}? Answer with that word only.",
                    }
    return None


def _sentences(text):
    edges = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
    return [
        text[start:end].strip()
        for start, end in zip(edges, edges[1:])
        if "\n" not in text[start:end].strip()
    ]


def right(asked, answer):
    """Whether an answer gives the fact that was asked for, standing by itself."""
    said, wanted = style.tidy(answer), style.tidy(asked["answer"])
    edge = (
        "" if re.match("[\u4e00-\u9fff]", wanted) else r"(?<![\w.])" if wanted[0].isascii() else ""
    )
    end = r"(?![\w]|\.\d)" if edge else ""
    return bool(re.search(edge + re.escape(wanted) + end, said))


def own_facts_figures(asked, base, twin):
    """{name: figure} from the questions and the answers of the base and the twin, in their order."""
    if len(asked) < FEW_FACTS:
        few = too_few(
            (
                f"{len(asked)} questions can be made from your sentences, {FEW_FACTS} are needed",
                f"从您的句子里只能出 {len(asked)} 道题，至少要 {FEW_FACTS} 道",
            ),
            len(asked),
        )
        return {"own_facts": few, "own_facts.memory": _no_memory()}
    hits = {
        name: sum(right(one, said) for one, said in zip(asked, answers))
        for name, answers in (("base", base), ("twin", twin))
    }
    n = len(asked)
    known = hits["twin"] > hits["base"] and wilson(hits["twin"], n)[0] > hits["base"] / n
    judged = (
        (
            "It took in some facts, but rely on memory (retrieval) for them.",
            "它记住了一些事实，但要靠记忆检索才可靠。",
        )
        if known
        else (
            "It learnt your voice, not your facts: that is usual, memory (retrieval) is for those.",
            "它学的是口吻，不是事实：这很正常，事实要靠记忆检索。",
        )
    )
    return {
        "own_facts": figure(
            hits["twin"] / n,
            *wilson(hits["twin"], n),
            n,
            t(
                "evaluate.weights_alone_twin_knew_things",
                judged=judged[0],
                twin=hits["twin"],
                n=n,
                base=hits["base"],
                judged_2=judged[1],
            ),
        ),
        "own_facts.base": figure(
            hits["base"] / n,
            *wilson(hits["base"], n),
            n,
            t("evaluate.what_guessed_without_knowing"),
        ),
        "own_facts.memory": _no_memory(),
    }


def _no_memory():
    return figure(None, note=t("evaluate.run_twin_no_memory_retrieval"))


# Never wrote that


def never_wrote(corpus, asked, languages, unanswerable=30, premises=10):
    """Questions {language, question, kind} on what the corpus doesn't mention, kind unanswerable or false_premises.

    The languages share them; none of `asked`, the questions of training.
    """
    low, known = corpus.lower(), set(asked)
    found = []
    for place, language in enumerate(languages):
        zh = language == "zh"
        questions = [
            template[zh].format(thing[zh])
            for templates, things in ((OF_THINGS, THINGS), (OF_PEOPLE, PEOPLE))
            for template in templates
            for thing in things
            if not _mentioned(thing, low)
        ]
        # Every third or so of all: things, people and kinds of question in turn.
        share = _share(unanswerable, place, len(languages))
        step = max(1, len(questions) // max(1, share))
        found += [
            {"language": language, "question": question, "kind": "unanswerable"}
            for question in questions[::step]
            if question not in known
        ][:share]
        found += [
            {"language": language, "question": question, "kind": "false_premises"}
            for word, question in FALSE_PREMISES[language]
            if word.lower() not in low and question not in known
        ][: _share(premises, place, len(languages))]
    return found


def _share(count, place, languages):
    return count // languages + (place < count % languages)


def _mentioned(thing, low):
    return any(word.lower() in low for word in thing)


def never_wrote_figures(asked, base, twin, answered):
    """{name: figure}: the share of the twin's answers that make something up, of each kind; the base's; and the share
    of `answered` [{text, language}], its answers to questions on held-out documents, that refuse."""
    found = {}
    for kind, name in (
        ("unanswerable", "never_wrote"),
        ("false_premises", "never_wrote.false_premises"),
    ):
        made = {
            row: [
                not refuses(said, one["language"])
                for one, said in zip(asked, answers)
                if one["kind"] == kind
            ]
            for row, answers in (("base", base), ("twin", twin))
        }
        n, hits = len(made["twin"]), sum(made["twin"])
        if n < FEW_FACTS:
            found[name] = too_few(
                (f"{n} questions on what your writing doesn't mention", f"您没写过的题只有 {n} 道"),
                n,
            )
            continue
        share = hits / n
        judged = ratings.said(
            name,
            share,
            *wilson(hits, n),
            "{:.0%}",
            (
                "More rows that say 'I haven't written about that' help, and so does a larger base.",
                "多一些“我没写过这个”的训练行、更大的基础模型会有帮助。",
            ),
        )
        what = (
            ("about things you never wrote of", "问您没写过的事")
            if kind == "unanswerable"
            else ("that take something false for granted", "预设了不实之事")
        )
        found[name] = figure(
            share,
            *wilson(hits, n),
            n,
            t(
                "evaluate.questions_twin_answered_if_knew",
                judged=judged[0],
                n=n,
                what=what[0],
                hits=hits,
                base=sum(made["base"]),
                judged_2=judged[1],
                what_2=what[1],
            ),
        )
    wrongly, n = sum(refuses(one["text"], one["language"]) for one in answered), len(answered)
    judged = ratings.said(
        "never_wrote.refused_wrongly",
        wrongly / n,
        *wilson(wrongly, n),
        "{:.0%}",
        ("Fewer of those rows.", "减少这类训练行。"),
    )
    found["never_wrote.refused_wrongly"] = figure(
        wrongly / n,
        *wilson(wrongly, n),
        n,
        t(
            "evaluate.questions_write_about_twin_refused",
            judged=judged[0],
            n=n,
            wrongly=wrongly,
            judged_2=judged[1],
        ),
    )
    return found
