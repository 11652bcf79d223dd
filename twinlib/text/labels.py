"""What steps and figures are called, said once: (English, Chinese) for notebooks, pictures, the terminal and cards."""

import re

from . import script

STEPS = {  # as the notebooks are called
    "corpus": ("Prepare your corpus", "整理您的文字"),
    "persona": ("Teach it your voice", "学会您的口吻"),
    "reasoning": ("Practise reasoning", "练练推理"),
    "quantize": ("Make it run anywhere", "到处都能跑"),
    "evaluate": ("How much like you?", "有多像您？"),
    "publish": ("Publish, if you like", "想发布的话"),
}
ROWS = {
    "base": ("base", "基础模型"),
    "prompt": ("base with persona prompt", "基础模型加提示词"),
    "twin": ("twin", "分身"),
}

SCORES = {  # of the score card, in its order
    "fool_rate": ("Fool rate", "骗过率"),
    "sounds_like_me": ("Sounds like the author", "像不像作者"),
    "told_apart": ("Told apart from the author", "被认出不是作者"),
    "prediction_gain": ("Prediction gain", "预测增益"),
    "pick_my_reply": ("Picks the author's reply", "选中作者的回答"),
    "copied": ("Copied from the texts", "照抄训练文字"),
    "copied.exact": ("Copied word for word", "一字不差照抄"),
    "membership": ("Training texts recognised", "看得出训练过"),
    "personal_data": ("Personal data in answers", "回答中的个人信息"),
    "nonsense": ("Nonsense", "胡言乱语"),
    "forgetting": ("Forgotten: instructions", "遗忘：听指令"),
    "forgetting.problems": ("Forgotten: problems", "遗忘：解题"),
    "own_facts": ("Facts known by heart", "记住的事实"),
    "own_facts.memory": ("Facts with memory", "借助记忆的事实"),
    "never_wrote": ("Makes things up", "编造没写过的事"),
    "never_wrote.false_premises": ("False premises taken", "轻信假前提"),
    "never_wrote.refused_wrongly": ("Refused wrongly", "错误拒答"),
    "quantization_loss": ("Loss by quantization", "量化损失"),
}
FIGURES = SCORES | {
    "forgetting.base": ("Instructions followed: base", "听对的指令：基础模型"),
    "forgetting.twin": ("Instructions followed: twin", "听对的指令：分身"),
    "forgetting.problems.base": ("Problems solved: base", "解对的题：基础模型"),
    "forgetting.problems.twin": ("Problems solved: twin", "解对的题：分身"),
    # 01
    "documents": ("Documents", "文章"),
    "formats": ("Files read, by format", "读到的文件，按格式"),
    "dropped": ("Documents put aside", "放到一边的文章"),
    "parts_dropped": ("Parts put aside", "放到一边的片段"),
    "passed_over": ("Files passed over", "跳过的文件"),
    "passages": ("Passages", "段落"),
    "train_passages": ("Passages to learn from", "用来学习的段落"),
    "rows": ("Training rows", "训练行"),
    "asked_by": ("Questions, by source", "问题，按来源"),
    "questions_failed": ("Questions that failed", "没写成的问题"),
    "characters_in": ("Characters read", "读到的字符"),
    "characters_kept": ("Characters kept", "保留的字符"),
    "tokens": ("Tokens, estimated", "token（估计）"),
    "corpus/personal_data": ("Personal data masked", "遮住的个人信息"),
    "train_documents": ("Documents to learn from", "用来学习的文章"),
    "val_documents": ("Documents for validation", "用来验证的文章"),
    "test_documents": ("Documents held out", "留出的文章"),
    **{
        f"characters_{script}": (f"Characters kept: {en}", f"保留的字符：{zh}")
        for script, (en, zh) in script.LABELS.items()
    },
    # 02, 03
    "train_loss": ("Training loss", "训练损失"),
    "val_loss_before": ("Validation loss before", "训练前的验证损失"),
    "val_loss": ("Validation loss after", "训练后的验证损失"),
    "steps": ("Steps done", "实际步数"),
    "parameters_trained": ("Parameters trained", "训练的参数"),
    "seconds": ("Seconds", "秒数"),
    "tokens_per_second": ("Tokens a second", "每秒 token"),
    "end_of_turn_learnt": ("Learns to stop", "学会停下"),
    "gpu_memory_gb": ("GPU memory, GB", "显存（GB）"),
    "accuracy_before": ("Accuracy before", "训练前正确率"),
    "accuracy_after": ("Accuracy after", "训练后正确率"),
    "accuracy_gain": ("Accuracy gained", "正确率提高"),
    "no_signal": ("Problems that taught nothing", "学不到东西的题"),
    # 04: of a file's type
    "size_mb": ("Size, MB", "大小（MB）"),
    "kl_divergence": ("KL divergence", "KL 散度"),
    "top1": ("Same likeliest token as before quantization", "最可能的 token 与量化前相同"),
    "llama_top1": ("Same likeliest token in llama.cpp", "llama.cpp 里最可能的 token 相同"),
    "tokens_equal": ("Texts cut into the same tokens", "切成同样 token 的文字"),
    "ended": ("Answers that ended by themselves", "自己结束的回答"),
    "ended_twin": ("Answers that ended by themselves: twin", "自己结束的回答：分身"),
    "decimals": ("9.9 or 9.11: questions", "9.9 还是 9.11：题数"),
    "decimals_base": ("9.9 or 9.11, base", "9.9 还是 9.11，基础模型"),
    "decimals_persona": ("9.9 or 9.11, persona", "9.9 还是 9.11，口吻"),
    "decimals_reasoning": ("9.9 or 9.11, reasoning", "9.9 还是 9.11，推理"),
    # 06
    "repositories": ("Repositories", "仓库"),
    "files": ("Files", "文件"),
    "megabytes": ("Together, MB", "合计（MB）"),
    "uploaded": ("Uploaded", "已上传"),
}

# What a reader of the card must know beside the label: what is counted, and which way is better.
MEANINGS = {
    "fool_rate": (
        "Share of answers that friends took for the author's; 0.5: they can't tell.",
        "朋友把它的回答当成作者所写的比例；0.5 就是分不出来。",
    ),
    "sounds_like_me": (
        "0 is the base, 1 the author's own writing; higher is better.",
        "0 是基础模型，1 是作者自己的文字；越高越好。",
    ),
    "told_apart": (
        "How often a classifier knows the author's text from the model's; 0.5 is guessing, lower is better.",
        "分类器认出哪段是作者原文的比例；0.5 是瞎猜，越低越好。",
    ),
    "prediction_gain": (
        "How much less the author's unseen writing surprises it than its base, beyond other people's "
        "writing (nats a character); higher is better.",
        "和基础模型相比，读作者未训练过的文字时意外减少多少，扣除读别人文字的部分（每字 nat）；越高越好。",
    ),
    "pick_my_reply": (
        "How often it finds the author's reply among four; 0.25 is guessing, higher is better.",
        "四个回答里选中作者真实回答的比例；0.25 是瞎猜，越高越好。",
    ),
    "copied": (
        "Share of training passages that it goes on with nearly word for word; lower is better.",
        "给出开头就几乎照抄下去的训练段落比例；越低越好。",
    ),
    "copied.exact": (
        "The same, without any difference; lower is better.",
        "同上，一字不差；越低越好。",
    ),
    "membership": (
        "How often a text it was trained on can be told from another; 0.5 is guessing, lower is better.",
        "能认出哪段文字训练过的比例；0.5 是瞎猜，越低越好。",
    ),
    "personal_data": ("Pieces found in its answers; 0 is best.", "在回答里找到的条数；0 最好。"),
    "nonsense": (
        "Share of answers that are empty, broken or go in circles; lower is better.",
        "空白、乱码或车轱辘话的回答比例；越低越好。",
    ),
    "forgetting": (
        "Share of instructions that the base followed, less its own; lower is better.",
        "听对指令的比例，基础模型减去它；越低越好。",
    ),
    "forgetting.problems": (
        "The same for problems to solve; lower is better.",
        "同上，换成解题；越低越好。",
    ),
    "own_facts": (
        "Share of facts in the author's texts that it knows by heart; higher is better.",
        "作者写过的事，它不查资料答对的比例；越高越好。",
    ),
    "never_wrote": (
        "Share of questions about what the author never wrote of that it answers as if it knew; lower is "
        "better.",
        "问作者没写过的事，它照答不误的比例；越低越好。",
    ),
    "never_wrote.false_premises": (
        "Share of questions with a false premise that it goes along with; lower is better.",
        "问题的前提不实，它也照着说的比例；越低越好。",
    ),
    "never_wrote.refused_wrongly": (
        "Share of questions about what the author did write of that it refuses; lower is better.",
        "问作者写过的事，它却拒答的比例；越低越好。",
    ),
    "quantization_loss": (
        "How far the recommended file's predictions are from those before quantization (nats a "
        "token); lower is better.",
        "推荐文件的预测与量化前相差多少（每 token 的 nat）；越低越好。",
    ),
}

_FIGURE_OF_FILE = r"(\w+?)_((?:I?Q\d|B?F\d\d)\w*)"  # NAME_TYPE: top1_Q4_K_M, size_mb_BF16


def row(name):
    """What a row of the score card is called: 'twin-Q8_0' is 'twin as Q8_0'."""
    if name.startswith("twin-"):
        kind = name.removeprefix("twin-")
        return f"twin as {kind}", f"分身（{kind}）"
    return ROWS.get(name, (name, name))


def figure(name, step=""):
    """What a figure of a step's report is called: NAME, NAME.ROW of the score card, or NAME_TYPE of a GGUF file."""
    known = FIGURES.get(f"{step}/{name}") or FIGURES.get(name)
    if known:
        return known
    of_file = re.fullmatch(_FIGURE_OF_FILE, name)
    first, part = of_file.groups() if of_file else name.rpartition(".")[::2]
    if first not in FIGURES:  # of a report that an older version wrote
        return (name.replace("_", " "),) * 2
    return tuple(
        f"{label}{colon}{said}"
        for label, colon, said in zip(FIGURES[first], (": ", "："), row(part))
    )
