"""The interview's questions in both languages, when to ask on, and how saved answers are read.

Questions invite a voice: open, to be answered in a hundred words or more, and never about what a stranger could
misuse. A record is {id, question, answer, language, when, skipped}, and `draft` while something half-typed waits.
"""

import json
import re
from typing import NamedTuple

from .script import HAN, tokens_estimate

ENOUGH = (
    80  # tokens, about 60 words or 110 Chinese characters: from here on nobody is asked to go on
)
TOPICS = {
    "life": ("Life", "生活"),
    "opinions": ("Opinions", "看法"),
    "mind": ("Habits of mind", "想事情的习惯"),
    "tastes": ("Tastes", "口味"),
    "stories": ("Stories", "故事"),
    "friends": ("What you'd write", "你会怎么回"),
}
# An id is the topic and the place in its list: new questions go to the end, reworded ones stay where they are.
ASKED = {
    "life": (
        (
            "What does an ordinary day of yours look like, from waking up to putting out the light?",
            "平常的一天你是怎么过的？从睁眼说到关灯。",
        ),
        (
            "What do you do for work, and what would surprise people who only know it from outside?",
            "你是做什么的？这一行里有什么是外人想不到的？",
        ),
        (
            "Which skill did you learn the hard way, and how?",
            "有什么本事是你吃了苦头才学会的？说说经过。",
        ),
        (
            "What is keeping you busy these days, and why that of all things?",
            "最近在忙什么？怎么偏偏是这件事？",
        ),
        (
            "Describe the place where you work or write. What is lying on the table?",
            "你干活或者写字的地方是什么样？桌上都摆着些什么？",
        ),
        (
            "Which decision changed the course of your life, and how did you come to it?",
            "哪个决定让你的日子拐了个弯？当时是怎么定下来的？",
        ),
        (
            "Who taught you something you still use? No name needed: what were they like?",
            "谁教过你至今还用得上的东西？不用说名字，说说是个怎样的人。",
        ),
        ("What has to happen for a weekend to feel well spent?", "周末怎么过，你才觉得没白过？"),
        (
            "How did you come to make things for others to read, hear or look at?",
            "你是怎么开始写东西、做东西给别人看的？",
        ),
        (
            "What did you want to become when you were ten, and what came of it?",
            "十岁那会儿你想当什么？后来呢？",
        ),
        (
            "What did you give up, and do you ever miss it?",
            "有什么是你后来放下了的？现在还会想起吗？",
        ),
        (
            "Which sounds and smells belong to your childhood?",
            "说起小时候，你先想到哪些声音、哪些气味？",
        ),
        (
            "Where do you spend without a second thought, and where are you stingy?",
            "什么钱你花得痛快？什么钱你一分都舍不得？",
        ),
        (
            "Which year would you gladly live again, and which one not for anything?",
            "哪一年你愿意再过一遍？哪一年说什么也不想重来？",
        ),
        (
            "What is different about your days compared with five years ago?",
            "跟五年前比，你的日子有哪些不一样？",
        ),
        (
            "What would you tell yourself of ten years ago, and would you have listened?",
            "要是能跟十年前的自己说几句，你会说什么？那时的你听得进去吗？",
        ),
    ),
    "opinions": (
        (
            "Which piece of common advice do you think is wrong, and what would you say instead?",
            "哪句人人都说的道理，你觉得是错的？换你来说，会怎么说？",
        ),
        (
            "What have you changed your mind about, and what did it?",
            "有什么事你后来改了主意？是什么让你改的？",
        ),
        ("What do most people in your field get wrong?", "你这一行里，多数人在哪件事上想岔了？"),
        ("What should school teach that it doesn't?", "学校里该教却没教的是什么？"),
        (
            "Is hard work overrated or underrated? Say why.",
            "努力这回事，大家看得太重，还是看得太轻？为什么？",
        ),
        (
            "What do you make of people who let a machine write for them?",
            "让机器替自己写东西，你怎么看？",
        ),
        ("What makes a life a good one?", "什么样的日子才算过得好？"),
        ("When is it all right not to tell the truth?", "什么时候可以不说真话？"),
        (
            "A big city or a small place: where does a person live better?",
            "大城市和小地方，人在哪儿过得更好？",
        ),
        (
            "What is worth paying more for, and what is only a label?",
            "什么东西贵得有道理？什么东西只是牌子贵？",
        ),
        (
            "Must a person be reachable all the time? Where do you draw the line?",
            "人是不是非得随叫随到？你的线画在哪儿？",
        ),
        (
            "What do the young understand better than the old, and what is it the other way round?",
            "年轻人比老一辈看得明白的是什么？反过来呢？",
        ),
        ("If it were up to you, which rule would go first?", "要是你说了算，先废掉哪条规矩？"),
        (
            "What does everybody complain about that is really quite all right?",
            "大家都在抱怨、你倒觉得挺好的，是什么？",
        ),
        ("Does one have to finish what one has begun?", "开了头的事，是不是都得做完？"),
        (
            "The next ten years: what will get better, what worse?",
            "往后十年，什么会变好，什么会变坏？",
        ),
    ),
    "mind": (
        ("You can't make up your mind. What do you do?", "拿不定主意的时候，你怎么办？"),
        (
            "You have to learn something you know nothing about. Where do you start?",
            "要学一样完全不懂的东西，你从哪儿下手？",
        ),
        (
            "Take something you know well and explain it the way you would to a neighbour.",
            "挑一样你很懂的东西，像跟邻居聊天那样讲给我听。",
        ),
        ("How do you notice that you are wrong?", "你一般是怎么发觉自己错了的？"),
        (
            "You're stuck. What helps, and what never does?",
            "卡住了的时候，什么管用，什么从来不管用？",
        ),
        (
            "A large task with no beginning and no end lies before you: what are your first three steps?",
            "一件大事摆在面前，看不出头尾，你头三步做什么？",
        ),
        (
            "How can you tell whether somebody knows what they are talking about?",
            "你怎么看出一个人是真懂还是装懂？",
        ),
        (
            "What do you always check twice, and what made you that way?",
            "什么事你总要再看一遍？是怎么养成的？",
        ),
        ("Which risks do you take easily, and which never?", "什么险你说冒就冒？什么险你绝不碰？"),
        (
            "When you are angry, what goes on in you and what do others see of it?",
            "你生气的时候，心里是什么样？别人看得出来吗？",
        ),
        (
            "How do you put things off, and what gets you going in the end?",
            "你拖延起来是什么样？最后又是怎么动手的？",
        ),
        (
            "What do you write down, and what do you leave to your memory?",
            "什么事你会记下来？什么事就放在脑子里？",
        ),
        ("When and where do your best ideas come?", "好主意一般在什么时候、什么地方找上你？"),
        ("How do you say no?", "你怎么拒绝别人？"),
        (
            "Everybody around the table sees it differently from you. What now?",
            "一桌人都跟你想的不一样，这时候你怎么做？",
        ),
        ("Which question keeps coming back to you?", "有哪个问题总在你心里打转？"),
    ),
    "tastes": (
        (
            "Which book, film or song do you press on everyone, and what do you say about it?",
            "哪本书、哪部电影或哪首歌，你逢人就推荐？怎么推荐的？",
        ),
        (
            "What do you love to eat, and how exactly must it be made?",
            "你最爱吃什么？怎么做才算对？",
        ),
        ("What does everybody love that leaves you cold?", "什么是人人都说好、你却无感的？"),
        (
            "Which thing do you use every day and would buy again at once?",
            "哪样东西你天天用，坏了马上会再买一个？",
        ),
        (
            "What makes a text a pleasure to read, and what makes you stop?",
            "什么样的文字你读着舒服？读到什么你就不想读了？",
        ),
        ("What makes you laugh?", "什么会把你逗笑？"),
        (
            "Which words do you love, and which make you wince?",
            "你喜欢哪些词？哪些词一听就皱眉头？",
        ),
        (
            "You have an hour to yourself. What kind of place do you go to, and what do you do there?",
            "有一个钟头全归你自己，你会去什么样的地方？做什么？",
        ),
        (
            "Tea, coffee or something else: how do you take it, and how serious are you about it?",
            "茶、咖啡还是别的？你怎么喝，讲究到什么地步？",
        ),
        (
            "What do you find beautiful that others walk past?",
            "有什么别人走过不看、你却觉得好看的？",
        ),
        (
            "Which season suits you, and what do you do with it?",
            "你喜欢哪个季节？到了那时候都做些什么？",
        ),
        (
            "What plays while you work, or why must it be quiet?",
            "干活的时候你听什么？还是非得安静不可？",
        ),
        (
            "How do you like to travel, and what do you never do on a journey?",
            "你喜欢怎么出门玩？出门在外绝不做的是什么？",
        ),
        (
            "What did you like ten years ago and no longer do?",
            "十年前喜欢、现在不喜欢了的，有什么？",
        ),
        (
            "Tidy or untidy: what would your shelves say about you?",
            "你收拾得整齐吗？光看你的架子，能看出你是什么样的人？",
        ),
        (
            "You are cooking for friends. What's on the table, and why that?",
            "请朋友来家吃饭，你做哪几样？为什么做这几样？",
        ),
    ),
    "stories": (
        ("Tell a story that you have told many times.", "讲一个你讲过好多遍的故事。"),
        ("Tell about a time when something went thoroughly wrong.", "讲一次彻底搞砸了的经历。"),
        (
            "Which small thing from the last few weeks has stuck in your mind?",
            "最近有什么小事，过去了还一直记着？",
        ),
        (
            "What is the kindest thing a stranger ever did for you?",
            "陌生人为你做过的最暖心的事是什么？",
        ),
        ("Tell about a day when you were proud of yourself.", "讲讲你很为自己骄傲的一天。"),
        ("When were you really afraid?", "你真正害怕过的是哪一回？"),
        (
            "A journey that went quite differently from the plan: what happened?",
            "讲一次跟计划完全不一样的出行。",
        ),
        ("What did you break and mend, or fail to mend?", "有什么东西被你弄坏过？后来修好了没有？"),
        (
            "An argument you still remember: what was it about, and who was right?",
            "有哪次争吵你还记得？吵的是什么？谁对？",
        ),
        ("Tell about the first day of something new.", "讲讲你头一天做一件新鲜事的情形。"),
        (
            "Which meal will you never forget, and who sat at the table?",
            "哪顿饭你一直忘不了？和谁一起吃的？",
        ),
        ("Tell about a misunderstanding that grew bigger and bigger.", "讲一个越闹越大的误会。"),
        (
            "What did you lose, and how did you find it again (or not)?",
            "你丢过什么东西？后来找回来了吗？",
        ),
        ("Tell about an animal that crossed your path.", "讲一只你遇见过的动物。"),
        ("When did you last laugh until it hurt?", "上一次笑到肚子疼，是因为什么？"),
        (
            "A conversation that you go on having in your head: how did it go, how should it have gone?",
            "有哪次谈话你至今还在心里接着说？当时怎么说的，要是重来会怎么说？",
        ),
    ),
    "friends": (
        (
            "A friend cancels on you an hour before. What do you write?",
            "约好了见面，朋友提前一小时说不来了。你怎么回？",
        ),
        (
            "A friend asks: should I quit my job? What do you answer?",
            "朋友问你：“这工作我要不要辞？”你怎么说？",
        ),
        (
            "A friend is proud of a text that isn't good, and asks what you think. What do you write back?",
            "朋友得意地发来一篇自己写的东西，其实不怎么样，问你觉得如何。你怎么回？",
        ),
        (
            "Past midnight a friend writes: are you awake? I can't sleep. What do you write?",
            "半夜朋友发来一句：“睡了吗？我睡不着。”你怎么回？",
        ),
        (
            "A reader writes that you are completely wrong. How do you reply?",
            "有读者留言，说你写的全不对。你怎么回？",
        ),
        (
            "A beginner asks how to get started in what you do. What do you tell them?",
            "有个新手问你，你做的这行该怎么入门。你怎么跟他说？",
        ),
        (
            "You forgot something you had promised. Write the apology.",
            "答应别人的事你给忘了。写一段道歉的话。",
        ),
        (
            "A friend got the thing they had long hoped for. Congratulate them.",
            "朋友盼了很久的事成了。写几句祝贺。",
        ),
        (
            "Someone close to you has been left. They write: I don't know how to go on. Your answer?",
            "身边的人失恋了，跟你说：“不知道往后怎么过。”你怎么回？",
        ),
        (
            "A friend asks you to lend money, for the second time. What do you write?",
            "朋友第二回开口跟你借钱。你怎么回？",
        ),
        (
            "In the family group somebody posts an article you think is nonsense. What do you write, if anything?",
            "家族群里有人转了一篇你觉得胡说八道的文章。你回不回？怎么回？",
        ),
        (
            "Somebody you hardly know asks you to do a job for free. Write the reply.",
            "一个不太熟的人请你白帮忙干个活。你怎么回？",
        ),
        (
            "You haven't been in touch with an old friend for a year, and today is their birthday. What do you write?",
            "一年没联系的老朋友今天过生日。你写点什么？",
        ),
        (
            "A friend has one free day and no idea what to do with it. What do you suggest?",
            "朋友白得了一天假，不知道干什么好。你给出个主意。",
        ),
        (
            "In a group chat people make fun of someone who isn't there. What do you write?",
            "群里有人拿一个不在场的人开玩笑，越说越过分。你说什么？",
        ),
        (
            "Somebody thanks you for something you wrote years ago. What do you write back?",
            "有人来谢你，说你几年前写的东西帮了他。你怎么回？",
        ),
    ),
}
GO_ON = {
    "life": (
        ("What does that look like on an ordinary day?", "平常具体是什么样？"),
        ("Since when is it so?", "从什么时候开始这样的？"),
        ("Who else has a part in it?", "这里头还有谁？"),
        ("What would you change about it?", "要是能改，你想改哪一点？"),
        ("What do others not see of it?", "这里面别人看不见的是什么？"),
    ),
    "opinions": (
        ("What made you see it this way?", "你是怎么想到这一层的？"),
        ("Give an example.", "举个例子吧。"),
        (
            "What would somebody say against it, and what would you answer?",
            "要是有人反对，他会怎么说？你怎么答他？",
        ),
        ("When is it not true?", "什么时候又不是这样？"),
        ("What follows from it?", "照这么说，该怎么做？"),
    ),
    "mind": (
        ("When was the last time you did that?", "上一次这么做是什么时候？"),
        ("Does it always work?", "每回都管用吗？"),
        ("What goes through your head just then?", "那一刻你脑子里在想什么？"),
        ("Where did you learn that?", "这是跟谁学的，还是自己琢磨的？"),
        ("What would you advise somebody else?", "换成别人，你会怎么劝他？"),
    ),
    "tastes": (
        ("How did you come across it?", "你是怎么碰上它的？"),
        ("What exactly is it that you like?", "到底好在哪儿？"),
        ("With whom would you share it?", "你会跟谁分享？"),
        ("What comes second, and why only second?", "排第二的是什么？差在哪儿？"),
        ("Describe it for someone who has never met it.", "给从没见过的人形容一下。"),
    ),
    "stories": (
        ("What happened next?", "后来呢？"),
        ("What did the others say?", "旁边的人怎么说？"),
        ("What did you see and hear just then?", "当时你看见了什么、听见了什么？"),
        ("And how did it end?", "最后怎么收的场？"),
        ("Why do you still remember it?", "为什么到现在还记得？"),
    ),
    "friends": (
        ("They write back: really? What do you say?", "对方回：“真的吗？”你再说什么？"),
        ("And if they don't answer?", "要是对方不回呢？"),
        ("How would you say it to someone you know less well?", "换成不太熟的人，你会怎么说？"),
        ("What would you add when you meet?", "见了面你还会补一句什么？"),
        ("What do you not write, and why?", "有什么话你不会写出来？为什么？"),
    ),
}


class Question(NamedTuple):
    """One question; `en` and `zh` ask the same, each in its own way."""

    id: str
    topic: str
    en: str
    zh: str

    def text(self, language):
        return self.zh if language == "zh" else self.en


# The topics take turns, so that whoever stops after 15 answers has said something of everything.
QUESTIONS = tuple(
    Question(f"{topic}-{place + 1:02d}", topic, *ASKED[topic][place])
    for place in range(max(map(len, ASKED.values())))
    for topic in TOPICS
    if place < len(ASKED[topic])
)
BY_ID = {question.id: question for question in QUESTIONS}


def count(text):
    """How long a text is as people count: Latin words, and each Chinese character."""
    return len(re.findall(rf"[{HAN}]|[A-Za-z0-9]+(?:['’\-][A-Za-z0-9]+)*", text))


def nudge(question, answer, language):
    """What to ask on when an answer is begun but short; '' otherwise. It changes as the answer grows."""
    tokens = tokens_estimate(answer)
    if not tokens or tokens >= ENOUGH:
        return ""
    asked = GO_ON[question.topic]
    return asked[(int(question.id[-2:]) + tokens // 20) % len(asked)][language == "zh"]


def parse(text):
    """(records in the order of QUESTIONS, number of lines that are no record) of the answers' JSON Lines.

    Of two records of one question the later counts; questions of another version stay, at the end.
    """
    found, damaged = {}, 0
    for line in filter(str.strip, text.split("\n")):
        record = _record(line)
        if record is None:
            damaged += 1
        else:
            found[record["id"]] = record
    places = {name: place for place, name in enumerate(BY_ID)}
    return sorted(found.values(), key=lambda record: places.get(record["id"], len(places))), damaged


def _record(line):
    """The record in a line, or None."""
    try:
        record = json.loads(line)
        json.dumps(
            record, ensure_ascii=False
        ).encode()  # half a character could never be saved again
    except (ValueError, RecursionError):
        return None
    empty = {"id": "", "question": "", "answer": "", "language": "", "when": "", "skipped": False}
    if not isinstance(record, dict) or not record.get("id"):
        return None
    record = {**empty, **record}
    texts = ("id", "question", "answer", "language", "when", "draft")
    return record if all(isinstance(record.get(key, ""), str) for key in texts) else None
