"""The role of each column of a table, by the names that exporters and people give them."""

import re
from collections.abc import Iterable

from ..privacy import private_names

CHAT = {  # {role: names}; the first name that a table has counts
    "time": (
        "StrTime time timestamp datetime date created_at create_time CreateTime sent_at "
        "send_time date_sent when 时间 发送时间 消息时间 日期 日期时间 发布时间 发表时间 "
        "创建时间 時間 發送時間 日期時間 發佈時間 Datum Uhrzeit Zeit Zeitpunkt Zeitstempel "
        "gesendet gesendet_am fecha hora fecha_y_hora marca_temporal marca_de_tiempo enviado data "
        "data_e_hora data/hora horário heure date_et_heure horodatage envoyé envoyé_le"
    ).split(),
    "sender": (
        "Remark NickName sender_name Sender from_name from author user username user_name "
        "name speaker talker who 发送者 发送人 发言人 发信人 昵称 发送者昵称 备注 用户 "
        "用户名 姓名 作者 說話人 發送者 發送人 暱稱 说话人 Absender Verfasser Autor Autorin Nutzer "
        "Benutzer Benutzername remitente usuario nombre autora remetente usuário nome expéditeur "
        "auteur utilisateur nom pseudo"
    ).split(),
    "mine": (
        "IsSender is_sender isSend is_send is_self is_mine mine from_me is_from_me outgoing "
        "direction 是否发送 是否本人 是否自己 本人 方向 收发 是否為本人"
    ).split(),
    "text": (
        "StrContent content text message msg body message_text 内容 消息内容 消息 聊天内容 "
        "发言 文本 內容 訊息 訊息內容 正文 comment Nachricht Nachrichtentext Inhalt Kommentar "
        "mensaje contenido texto comentario mensagem conteúdo comentário contenu texte commentaire"
    ).split(),
    "chat": (
        "room_name StrTalker chat chat_name conversation thread group group_name channel "
        "TalkerId 会话 会话名 聊天对象 群名 群聊 群名称 聊天名称 會話"
    ).split(),
    "type": "type_name Type msg_type message_type 消息类型 类型 類型".split(),
}
POST = (
    "微博正文 微博内容 说说内容 说说 朋友圈内容 动态内容 帖子内容 想法 tweet tweet_text "
    "full_text post post_text status_text toot 我的短评 短评"
).split()
POST_TIME = (
    "打分日期 完整日期 发布时间 发表时间 posted_at published_at publish_time pubdate".split()
)
LIKED = "点赞数 转发数 获赞数 赞同数 voteup_count".split()  # only posts are counted like this
ORIGINAL = "是否原创 原创 is_original original".split()
REPOST = "是否转发 is_retweet is_repost retweeted".split()
ANSWERS = {
    "question": (
        "question query q 问题 提问 题目 问 问句 问题内容 提问内容 題目 問題 提問 用户提问"
    ).split(),
    "answer": (
        "answer reply a final_answer 回答 答案 解答 答 答复 回复 回复内容 回答内容 答覆 "
        "我的回答 參考答案 参考答案"
    ).split(),
    "steps": (
        "steps solution explanation reasoning rationale analysis 步骤 解析 过程 思路 "
        "解题过程 解题步骤 解题思路 解答过程 讲解 推理 推理过程 分析 步驟 過程"
    ).split(),
    "time": "answered_at 回答时间 答复时间 回复时间 提问时间".split() + CHAT["time"] + POST_TIME,
    "author": "answerer answered_by 回答者 答主 回答人 解答人 老师".split(),
}
# Tables in exports that hold no writing: lists of a newsletter's posts and readers.
LISTS = ({"post_id", "is_published"}, {"email", "active_subscription"}, {"email", "created_at"})
YES = set("1 true yes y 是 发送 发出 發送 sent send out outgoing me self 我 本人 自己".split())
NO = set("0 false no n 否 接收 收到 received receive in incoming them other 对方 他人".split())


def plain(name: str) -> str:
    """A column's name without case, spaces and dashes: 'Create_Time' is 'createtime'."""
    return re.sub(r"[\s_\-:：*]+", "", name).casefold()


KNOWN = {
    plain(name)
    for names in (*CHAT.values(), *ANSWERS.values(), POST, POST_TIME, ORIGINAL, REPOST, LIKED)
    for name in names
}


def find(names: Iterable[str], columns: list[str]) -> list[str]:
    """The columns that have one of the names (compared as `plain`), in the order of the names."""
    known = {plain(column): column for column in reversed(columns)}
    return list(dict.fromkeys(known[plain(name)] for name in names if plain(name) in known))


def header(rows: list[list[str]]) -> int:
    """The index of the header among a table's first rows: the one with most known names.

    0 if none has two, or if a row above it, which would be a title or note, fills as many cells.
    """
    known = [len({plain(cell) for cell in row} & KNOWN) for row in rows]
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    best = max(range(len(rows)), key=lambda row: known[row])
    return best if known[best] > 1 and all(count < filled[best] for count in filled[:best]) else 0


def answers(columns: list[str]) -> dict[str, str]:
    """{role: column} of a table of questions and answers; {} for any other table."""
    roles = {role: next(iter(find(names, columns)), "") for role, names in ANSWERS.items()}
    return roles if roles["question"] and (roles["answer"] or roles["steps"]) else {}


def given(text: str) -> dict[str, str]:
    """{role: column} of the setting `columns`: 'time=…, sender=…, text=…'."""
    pairs = (part.split("=", 1) for part in private_names(text) if "=" in part)
    return {role.strip().lower(): name.strip() for role, name in pairs}


def chat(columns: list[str], chosen: dict[str, str]) -> dict[str, list[str]]:
    """{role: [columns]} of a table of messages or posts; {} when text or sender is unknown.

    `chosen` {role: column} is the owner's setting ('Date|日期' where tables differ) and overrides
    the rest; a chosen text without a sender is the owner's. The role 'post' means that all rows are
    posts of the owner. Of several columns of a role the first filled one counts, row by row.
    """
    by_owner = {
        role: [name for name in names.split("|") if name in columns]
        for role, names in chosen.items()
    }
    by_owner = {role: names for role, names in by_owner.items() if names}
    if by_owner.get("text"):
        if not by_owner.keys() & {"sender", "mine"}:
            by_owner["post"] = by_owner["text"]
        return by_owner
    roles = {role: find(names, columns) for role, names in CHAT.items()}
    roles |= {"original": find(ORIGINAL, columns), "repost": find(REPOST, columns)}
    posts = find(POST, columns)
    if not posts and find(POST_TIME + LIKED, columns):
        posts = find(("正文", "content", "内容"), columns)
    if posts and not roles["mine"] and (not roles["sender"] or find(POST[:7], columns)):
        time = find(POST_TIME, columns) or roles["time"]
        return {**roles, "text": posts, "post": posts, "sender": [], "time": time, **by_owner}
    sender_known = roles["sender"] or roles["mine"] or by_owner.keys() & {"sender", "mine"}
    return {**roles, **by_owner} if roles["text"] and sender_known else {}
