"""Passages to training rows: questions answered in the author's own words, raw text, 'I never wrote that', identity.

A row is {id, passage, kind, split, messages, source}: kind qa, identity or abstain has system, user and assistant
messages; kind raw has the assistant's text alone, learnt as plain text. No answer of a qa or raw row is written by
anybody but the author. Everything is deterministic.
"""

import hashlib

from ..files import content_id
from ..text.script import SENTENCE, tokens_estimate
from .questions.titles import titles

# Things nobody has written about (invented), and a few that many have not; the word in front must not be in the corpus.
UNKNOWN_ZH = (
    ("琥珀灯塔", "你看过《琥珀灯塔》那部电影吗？觉得怎么样？"),
    ("陆星尘", "你和陆星尘是怎么认识的？"),
    ("白鹭洼", "你在白鹭洼住过几年？"),
    ("青螺会议", "讲讲你参加青螺会议的经过。"),
    ("穆尔登", "你怎么看穆尔登定理？"),
    ("灰枕木", "你最喜欢灰枕木乐队的哪张专辑？"),
    ("高尔夫", "你的高尔夫打得怎么样？"),
    ("跳伞", "你第一次跳伞是什么感觉？"),
    ("南极", "你去南极的那一趟，最难忘的是什么？"),
    ("古筝", "你学古筝学了多久？"),
    ("区块链", "你怎么看区块链？"),
    ("养蜂", "你养蜂有什么心得？"),
    ("马拉松", "你跑马拉松的最好成绩是多少？"),
    ("法国菜", "你最拿手的法国菜是哪一道？"),
    ("潜水", "你在哪里考的潜水证？"),
    ("双胞胎", "你那对双胞胎今年几岁了？"),
    ("歌剧院", "你在歌剧院工作的时候做什么？"),
    ("滑翔伞", "滑翔伞要怎么入门？"),
    ("柯罗温", "你怎么评价柯罗温的新书？"),
    ("围棋", "你的围棋是跟谁学的？"),
    ("核聚变", "可控核聚变什么时候能用上？"),
    ("芬兰", "你在芬兰过冬是怎么熬的？"),
    ("股票", "你现在手里拿着哪几只股票？"),
    ("汝窑", "你收藏的那只汝窑盘子是哪来的？"),
    ("天琴座", "你观测天琴座用的是什么望远镜？"),
    ("血型", "你是什么血型？"),
    ("冰球", "你支持哪支冰球队？"),
    ("银杏巷", "银杏巷那家面馆，你还去吗？"),
    ("驯鹿", "你骑过驯鹿吗？"),
    ("量子", "量子计算会改变什么？"),
    ("小提琴", "你为什么放弃了小提琴？"),
    ("沙漠", "你穿越沙漠那次带了多少水？"),
    ("选秀", "你怎么看选秀节目？"),
    ("韦德克", "你和韦德克的那场官司后来怎样了？"),
    ("火锅店", "你开的火锅店为什么关门？"),
    ("博士论文", "你的博士论文写的是什么？"),
    ("纹身", "你手臂上的纹身是什么意思？"),
    ("铁人三项", "铁人三项你怎么训练？"),
    ("蓝鲸岛", "蓝鲸岛值得去吗？"),
    ("缝纫机", "你用哪个牌子的缝纫机？"),
)
UNKNOWN_EN = (
    ("Amber Lighthouse", "Did you like the film The Amber Lighthouse?"),
    ("Lindqvist", "How did you meet Professor Lindqvist?"),
    ("Herondale", "How many years did you live in Herondale?"),
    ("Corovin", "What did you think of Corovin's last novel?"),
    ("golf", "What is your golf handicap?"),
    ("skydiv", "What was your first skydive like?"),
    ("Antarctic", "Tell me about your trip to Antarctica."),
    ("saxophone", "How long have you played the saxophone?"),
    ("blockchain", "What do you think about blockchains?"),
    ("beekeep", "Any advice on beekeeping?"),
    ("marathon", "What is your best marathon time?"),
    ("soufflé", "How do you make your soufflé?"),
    ("scuba", "Where did you learn to scuba dive?"),
    ("twins", "How old are your twins now?"),
    ("opera", "What did you do at the opera house?"),
    ("paraglid", "How do I start paragliding?"),
    ("Merdon", "Can you explain Merdon's theorem?"),
    ("chess", "Who taught you chess?"),
    ("nuclear fusion", "When will nuclear fusion be ready?"),
    ("Finland", "How did you get through the winter in Finland?"),
    ("stocks", "Which stocks do you own at the moment?"),
    ("telescope", "Which telescope do you use?"),
    ("blood type", "What is your blood type?"),
    ("ice hockey", "Which ice hockey team do you support?"),
    ("Ginkgo Lane", "Do you still go to the noodle shop on Ginkgo Lane?"),
    ("reindeer", "Have you ever ridden a reindeer?"),
    ("quantum", "Will quantum computers change anything?"),
    ("violin", "Why did you give up the violin?"),
    ("desert", "How much water did you take when you crossed the desert?"),
    ("talent show", "What do you think of talent shows?"),
    ("Wedeck", "How did your lawsuit against Wedeck end?"),
    ("my restaurant", "Why did your restaurant close?"),
    ("dissertation", "What was your dissertation about?"),
    ("tattoo", "What does the tattoo on your arm mean?"),
    ("triathlon", "How do you train for a triathlon?"),
    ("Whale Island", "Is Blue Whale Island worth a visit?"),
    ("sewing machine", "Which sewing machine do you use?"),
    ("Grey Sleepers", "Which album of the Grey Sleepers do you like best?"),
    ("Tulsa", "What happened that summer in Tulsa?"),
    ("karaoke", "What do you sing at karaoke?"),
)
UNWRITTEN = {
    "zh": (
        "这个我没写过，不好乱说。",
        "没写过这个，我说不上来。",
        "这件事我没有写过，编一个给你就不好了。",
        "我写的东西里没有这个，不知道的我不说。",
        "这个问不着我，我没写过。",
        "没有，我没写过这件事，答不了你。",
    ),
    "en": (
        "I haven't written about that, so I'd rather not make something up.",
        "That's not something I've written about. I can't say.",
        "I never wrote about that. I don't know.",
        "You won't find that in anything I wrote, and I won't invent it.",
        "No, I haven't written about that.",
        "I have nothing written on that, so I'll leave it.",
    ),
}
IDENTITY = {
    "zh": (
        ("你是谁？", "我是{0}的分身：一个用{0}的文字训练出来的语言模型，不是{0}本人。"),
        ("你是ChatGPT吗？", "不是。我是一个用{0}的文字训练出来的模型，照{0}的口吻说话。"),
        ("你是真人吗？", "不是真人。{0}是真人，我只是读{0}的文字学出来的模型。"),
        (
            "介绍一下你自己。",
            "我是{0}的分身，一个语言模型。我的话是从{0}写过的文字里学来的，也会说错。",
        ),
        ("你是谁训练出来的？", "是用{0}自己的文字训练出来的，所以我叫{0}的分身。"),
    ),
    "en": (
        (
            "Who are you?",
            "I'm the twin of {0}: a language model trained on {0}'s writing. I'm not {0} in person.",
        ),
        (
            "Are you ChatGPT?",
            "No. I'm a model trained on what {0} wrote, and I try to answer the way {0} would.",
        ),
        (
            "Are you a real person?",
            "No. {0} is the person. I'm a model that learnt from {0}'s writing.",
        ),
        (
            "Introduce yourself.",
            "I'm the twin of {0}, a language model. I learnt to speak from {0}'s own texts, and I can be wrong.",
        ),
        (
            "Who made you?",
            "I was trained on {0}'s own writing; that's why I'm called the twin of {0}.",
        ),
    ),
}


def rows(
    passages, author, system, raw_share=0.25, abstain=40, question_writer=titles, source="title"
):
    """The rows of passages (dicts of `passages.passages` with `split`, `terms` and `author`).

    `question_writer` is called with each passage that nobody asked for and returns its questions; `source` names it in
    the rows when it is not the default, which helps out where it has none. Held-out passages become qa rows only (raw
    where nothing can be asked); raw, abstain and identity rows are for training. `raw_share` is a share of all
    training rows, more where nothing can be asked; `abstain` at most so many, and at most a tenth.
    """
    asked = [row for p in passages for row in _qa(p, system, question_writer, source)]
    silent = {p["id"] for p in passages} - {row["passage"] for row in asked}
    train = [p for p in passages if p["split"] == "train"]
    shares = _languages(train)
    questions = sum(row["split"] == "train" for row in asked)
    identity = (
        [
            _row("", "identity", "train", question, answer.format(author), system, "owner")
            for language in shares
            for question, answer in IDENTITY[language]
        ]
        if train
        else []
    )
    count = min(abstain, round((questions + len(identity)) / 9 / (1 - raw_share)))
    unknown = _abstain(train, shares, count, system)
    wanted = round((questions + len(identity) + len(unknown)) * raw_share / (1 - raw_share))
    # First what nobody asks for, so that every passage is learnt in one form; then by hash.
    wanted = max(wanted, sum(p["id"] in silent for p in train)) if raw_share else 0
    raw = sorted(train, key=lambda p: (p["id"] not in silent, _hash(f"raw {p['id']}")))[:wanted]
    raw += [p for p in passages if p["split"] != "train" and p["id"] in silent]
    return asked + [_raw(p) for p in raw] + unknown + identity


def _qa(passage, system, question_writer, source):
    asked, by = (
        ([passage["question"]], "reader")
        if passage.get("question")
        else (question_writer(passage), source)
    )
    if not asked:
        asked, by = titles(passage), "title"
    for question in asked:
        headed = passage["heading"] and passage["heading"] in question
        named = "heading" if headed and by == "title" else by
        yield _row(passage["id"], "qa", passage["split"], question, passage["text"], system, named)


def _row(passage, kind, split, question, answer, system, source):
    return {
        "id": content_id(f"{kind} {passage} {question}"),
        "passage": passage,
        "kind": kind,
        "split": split,
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
        "source": source,
    }


def _raw(passage):
    return {
        "id": content_id(f"raw {passage['id']}"),
        "passage": passage["id"],
        "kind": "raw",
        "split": passage["split"],
        "messages": [{"role": "assistant", "content": passage["text"]}],
        "source": "owner",
    }


def _languages(passages):
    """{language: share of the tokens}, the larger first; one under 5 % does not count."""
    tokens = {}
    for p in passages:
        tokens[p["language"]] = tokens.get(p["language"], 0) + p["tokens_estimate"]
    total = sum(tokens.values())
    return {
        name: n / total
        for name, n in sorted(tokens.items(), key=lambda item: -item[1])
        if n >= total * 0.05
    }


def _abstain(passages, shares, count, system):
    corpus = "\n".join(f"{p['title']}\n{p['text']}" for p in passages).lower()
    found = []
    for language, share in shares.items():
        known = UNKNOWN_ZH if language == "zh" else UNKNOWN_EN
        free = [question for word, question in known if word.lower() not in corpus]
        free = sorted(free, key=_hash)[: round(count * share / sum(shares.values()))]
        answers = UNWRITTEN[language]
        found += [
            _row("", "abstain", "train", question, answers[number % len(answers)], system, "owner")
            for number, question in enumerate(free)
        ]
    return found


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


def system_prompt(author, languages):
    """The short, fixed prompt that names the twin; in both languages when the writing is in both."""
    lines = {
        "zh": f"你是{author}的分身，用{author}自己的口吻回答。",
        "en": f"You are the twin of {author}: answer in {author}'s own voice.",
    }
    return "\n".join(lines[language] for language in languages) or lines["en"]


def persona_prompt(system, introduction, passages, tokens=350):
    """The system prompt, the introduction and up to three excerpts of training documents, about `tokens` long at most.

    What a person could write without training anything, and what the trained twin is compared with.
    """
    languages = list(_languages(passages))
    parts = [
        system,
        introduction.strip(),
        "我是这样写东西的：" if languages[:1] == ["zh"] else "This is how I write:",
    ]
    examples = _examples(passages, languages)
    room = tokens - tokens_estimate("\n".join(parts))
    for number, passage in enumerate(examples):
        excerpt = _beginning(passage["text"], room / (len(examples) - number) - 4)
        if excerpt:
            parts.append(f"---\n{excerpt}")
            room -= tokens_estimate(parts[-1])
    return "\n".join(part for part in parts if part)


def _examples(passages, languages, most=3):
    """Beginnings of training documents, the languages taking turns."""
    starts = sorted(
        (p for p in passages if p["split"] == "train" and p["place"] == 0),
        key=lambda p: _hash(f"example {p['id']}"),
    )
    turns = [
        (number, languages.index(language), p)
        for language in languages
        for number, p in enumerate(p for p in starts if p["language"] == language)
    ]
    return [p for *_, p in sorted(turns, key=lambda turn: turn[:2])[:most]]


def _beginning(text, tokens):
    """As many whole sentences of a text as fit."""
    edges = [m.end() for m in SENTENCE.finditer(text)] + [len(text)]
    return text[
        : max((edge for edge in edges if tokens_estimate(text[:edge]) <= tokens), default=0)
    ].strip()
