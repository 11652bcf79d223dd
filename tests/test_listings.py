"""Lists and records are put aside; what people write in lines stays."""

import pytest

from twinlib.corpus.clean import clean

PROSE = {
    "en": "I oil the gate every Sunday, whether it squeaks or not, and nobody has asked me why.",
    "zh": "每个礼拜天我都给门上油，不管它响不响，也从来没有人问过我为什么。",
}
ASIDE = {
    "packages": ("- numpy==1.26.4\n- torch 2.13.0\n- scikit-learn>=1.4\n- rjieba@0.2", "technical"),
    "files": (
        "├── src/main.py\n├── src/utils/io.py  # reading\n├── config.yaml\n└── README.md",
        "technical",
    ),
    "commands": ("- pip install twinlib\n- git pull --rebase\n- make test", "technical"),
    "records": (
        "【类别】散文\n【来源】日报\n【字数】800\n\n【类别】杂文\n【来源】周刊\n【字数】1200\n\n"
        "【类别】书信\n【来源】手稿\n【字数】300",
        "records",
    ),
    "fields": (
        "Title: The Pier\nDate: 2019-04-01\nTags: boats\n\nTitle: The Gate\nDate: 2019-05-02\n"
        "Tags: oil\n\nTitle: The Lamp\nDate: 2019-06-03\nTags: light",
        "records",
    ),
    "sources": (
        "[1] 张三. 论自行车的保养[J]. 机械学报, 2003, 12(3): 4-9.\n\n"
        "[2] Lee A. Tram brakes[M]. London: Pier Press, 1999.\n\n"
        "Whitlock, Robert. The Oiling of Gates and Hinges. Harbour Press, 1987.\n\n"
        "《电车修理手册》，海港出版社，1990年",
        "references",
    ),
    "chapters": (
        "第一章 出发\n\n第二章 码头\n\n第三章 归来\n\n第四章 灯\n\n第五章 后来的事",
        "contents",
    ),
}


@pytest.mark.parametrize("name", ASIDE)
@pytest.mark.parametrize("language", PROSE)
def test_lists_and_records_are_put_aside_with_their_reason(name, language):
    listing, reason = ASIDE[name]
    cleaned = clean(f"{PROSE[language]}\n\n{listing}\n\n{PROSE[language]}")
    assert cleaned.text == f"{PROSE[language]}\n\n{PROSE[language]}"
    assert {part.reason for part in cleaned.removed} == {reason}
    restored = frozenset(part.id for part in cleaned.removed)
    again = clean(f"{PROSE[language]}\n\n{listing}\n\n{PROSE[language]}", restored=restored)
    assert not again.removed and len(again.text) > len(cleaned.text) + 20


KEPT = {
    "a poem": "静夜\n窗外有灯\n灯下有人\n人在等船\n船还没有来",
    "an English poem": "bread\nsalt\nwater\na little light\nand then\nnothing",
    "a recipe": "材料：面粉三百克\n时间：一小时\n做法：和面，醒面，擀开。\n\n水开了再下，煮三滚。",
    "a recipe in a list": "- 2 eggs\n- 300 g flour\n- 1.5 cups of milk\n- salt\n\nMix and wait.",
    "a dialogue": "老周：船呢？\n我：走了\n老周：走了？\n我：走了\n老周：那明天\n我：明天也没有",
    "an English dialogue": "Ann: Is it late\nBob: It is\nAnn: Very\nBob: Yes\nAnn: Home\nBob: Yes",
    "an interview": "问：你几岁开始修车？\n\n答：十四岁。\n\n问：谁教的？\n\n答：没人教。\n\n"
    "问：后来呢？\n\n答：后来就一直修。",
    "short lines": "我不喜欢开会。\n\n我也不喜欢散会。\n\n散会以后，人还是那些人。",
    "years": "In 1999, I left.\n\nIn 2001, I came.\n\nIn 2004, I left again.\n\nIn 2010, I stayed.",
    "books in sentences": "《边城》我读过三遍。\n\n《围城》只读了一遍，因为笑不动了。\n\n"
    "《城南旧事》是母亲念给我听的。\n\n《半生缘》我没有读完。",
    "versions in sentences": "I moved to Python 3.11.\n\nNumpy 2.0 broke everything.\n\n"
    "So I went back to 1.26, and slept well.",
    "a letter": "亲爱的小周：\n\n信收到了。\n\n这里一切都好，只是雨多。\n\n祝好。\n\n宁半圈",
    "headed notes": "【早】下雨，没有出摊。\n\n【晚】雨停了，去看船。\n\n【早】又下雨。\n\n"
    "【晚】还在下，就睡了。\n\n【早】晴。\n\n【晚】修了三辆车，都是链条。",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_people_write_in_lines_stays(name):
    cleaned = clean(KEPT[name], markup=False)
    assert not cleaned.removed
    assert "".join(cleaned.text.split()) == "".join(KEPT[name].split())
