"""Messages and conversations, and the placeholders that exports write for what is not text.

Placeholders stand for pictures, calls, deleted messages and the like. The patterns are the phrases
of the exports of WhatsApp, WeChat and QQ in English and Chinese; WhatsApp's also in German,
Spanish, French, Portuguese and Italian.
"""

import re
from itertools import accumulate
from typing import NamedTuple

from ....text.script import STRAY

_FEWEST_LETTERS = 6  # of a message to learn from
# Marks of text direction and other characters without width, but for the joiners in emoji.
INVISIBLE = re.compile(rf"[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]{STRAY}")
_EDITED = re.compile(
    r"[<(（](?:this message was edited|edited|此消息已编辑|已编辑|此訊息已編輯|已編輯|"
    r"diese nachricht wurde bearbeitet|"
    r"(?:se editó este mensaje|este mensaje fue editado)|ce message a été modifié|"
    r"(?:esta )?mensagem (?:foi )?editada|"
    r"questo messaggio è stato modificato)\.?[>)）]$",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+", re.IGNORECASE
)
_EMOTICON = re.compile(r"[\[【][^\[\]【】\n]{1,8}[\]】]")
_FROM = r"(?: (?:from|von|de|da|di|d['’]) ?[^\n]{1,40})?(?: (?:at|um|à|às|a las) [^\n]{1,12})?\.?"
_LENGTH = r"\s*[(（\[]?\s*\d{1,3}(?:[:：]\d\d|\s?(?:s|sec|秒|min|分钟?))[^\n]{0,8}[)）\]]?"
# A placeholder within a message: the text around it is the sender's.
_PICTURE = re.compile(
    r"[\[【](?:图片|圖片|照片|表情|表情包|动画表情|動畫表情|贴图|貼圖|语音|語音|视频|視頻|影片|"
    r"闪照|动图|スタンプ|写真|動画|"
    r"photo|image|picture|sticker|voice|voice message|video|gif|"
    r"animated sticker)[\]】](?:\s*\d+\s*[\"”″秒s]?(?=\s|$))?",
    re.IGNORECASE,
)
# Messages that are nothing but the export's own phrase.
_NOTHING = re.compile(
    "|".join(
        (
            # WhatsApp
            r"<?(?:media|image|video|audio|sticker|gif|document|photo|voice message|contact card|"
            r"video note) omitted>?",
            r"<attached: [^>\n]+>",
            r"[^\n]+\.\w{2,5} \((?:file attached|文件附件|檔案附件|附件|已附加檔案)\)",
            r"<(?:已?省略|忽略|已?略去)[^<>\n]{0,12}>|<[^<>\n]{0,10}(?:已?省略|已?略去|已?忽略)>",
            r"(?:图像|图片|视频|音频|贴图|文档|圖片|影片|音訊|貼圖|文件|GIF|联系人名片)已(?:省略|"
            r"略去|忽略)",
            r"you deleted this message\.?|this message was deleted\.?(?: by [^\n]{1,40})?|null",
            r"waiting for this message[^\n]*",
            r"(?:你|您)已?(?:删除|刪除)了?(?:这条消息|此消息|此訊息|這則訊息)。?|(?:此|该|这条|"
            r"這則)(?:消息|訊息)已(?:被)?(?:删除|刪除)。?",
            r"messages (?:and calls |you send )?[^\n]{0,60}end-to-end encrypt[^\n]*",
            r"(?:消息|訊息|信息)[^\n]{0,12}端[到对對]端[^\n]*WhatsApp[^\n]*",
            r"(?:missed|incoming|outgoing|declined|cancell?ed) (?:group )?(?:(?:voice|"
            r"video) )?calls?(?: at [^\n]{0,20})?\.?",
            r"(?:voice|video) call, [^\n]{0,30}|(?:live )?location(?: shared)?: https?://\S+|"
            r"live location shared|☎ ?[^\n]{0,40}",
            r"未接(?:来电|來電|(?:群组)?(?:语音|視訊|视频|語音)(?:通话|通話|来电))[^\n]{0,20}",
            # WhatsApp in other languages of Europe
            r"(?:bild|video|audio|sticker|gif|dokument|kontaktkarte|videonachricht|"
            r"medien) (?:weggelassen|ausgeschlossen)",
            r"(?:imagen|video|vídeo|audio|sticker|gif|documento|multimedia|"
            r"tarjeta de contacto) omitid[oa]s?",
            r"(?:image|vidéo|audio|sticker|gif|document|médias?|fiche contact) (?:omise?s?|"
            r"absente?s?)",
            r"(?:imagem|vídeo|áudio|figurinha|gif|documento|mídia|cartão do contato) (?:ocult|"
            r"omitid)(?:ad)?[oa]s?",
            r"(?:immagine|video|audio|sticker|gif|documento|media|scheda contatto) omess[oaie]",
            r"[^\n]+\.\w{2,5} \((?:datei angehängt|archivo adjunto|fichier joint|(?:arquivo|"
            r"ficheiro) anexado|file allegato)\)",
            r"(?:diese nachricht wurde|du hast diese nachricht) gelöscht\.?|(?:se eliminó|"
            r"eliminaste) este mensaje\.?",
            r"(?:este mensaje fue eliminado|ce message a été supprimé|"
            r"vous avez supprimé ce message|tu as supprimé ce message)\.?",
            r"(?:mensagem apagada|(?:você )?apagou esta mensagem|"
            r"(?:esta )?mensagem (?:foi )?(?:apagada|eliminada))\.?",
            r"(?:questo messaggio è stato eliminato|hai eliminato questo messaggio)\.?|"
            r"warte auf diese nachricht[^\n]*",
            r"(?:(?:live-?)?standort|ubicación|localisation|position|localização|"
            r"posizione)[^\n:]{0,20}: ?https?://\S+",
            r"(?:nachrichten und anrufe|los mensajes y las llamadas|"
            r"les messages et (?:les )?appels|as mensagens e (?:as )?"
            r"(?:ligações|chamadas)|i messaggi e le chiamate)[^\n]{0,60}(?:ende-zu-ende|"
            r"extremo a extremo|bout en bout|"
            r"ponta a ponta|end-to-end)[^\n]*",
            # missed calls, voice messages and deleted messages of any program
            rf"(?:missed (?:group )?(?:voice |video |audio )?call|"
            rf"verpasster (?:sprach|video|audio|gruppen)?anruf|(?:video)?llamada (?:de (?:voz|"
            rf"vídeo|video|audio) )?perdida|appel (?:vocal |vidéo |audio )?manqué|"
            rf"(?:vídeo|video)?chamada (?:de (?:voz|vídeo|áudio) )?perdida|"
            rf"(?:video)?chiamata (?:vocale )?persa){_FROM}",
            r"(?:(?:voice|audio|video) (?:message|note|call)|(?:sprach|video|audio)nachricht|"
            r"(?:sprach|video)anruf|mensaje de (?:voz|audio|vídeo|video)|(?:video)?llamada|"
            r"mensagem de (?:voz|áudio|vídeo)|(?:vídeo|video)?chamada(?: de (?:voz|vídeo))?|"
            r"message (?:vocal|audio|vidéo)|appel (?:vocal|vidéo)|(?:语音|語音|视频|視訊)(?:消息"
            r"|訊息|"
            r"通话|通話))" + _LENGTH,
            r"(?:语音|視訊|视频|語音)?(?:通话|通話)(?:已(?:取消|结束|結束|拒绝)|未接听|無人接聽)",
            r"(?:you )?missed (?:a |your )?(?:group |voice |video "
            r"|audio )?calls?(?: from [^\n]{1,40}|"
            r" \([^()\n]{1,12}\))?|"
            r"(?:verpasster anruf|anruf verpasst)(?: von [^\n]{1,40})?|(?:对方|對方)已?(?:取消"
            r"|拒绝|挂断|掛斷)了?"
            r"(?:通话|通話)?|(?:系统|系統)(?:提示|消息|通知)[:：][^\n]{1,80}",
            r"(?:(?:voice |video |group |audio )?call|(?:sprach|video|gruppen)?anruf|"
            r"appel(?: vocal| vidéo| audio)?|(?:video)?llamada(?: de \w+)?|(?:vídeo"
            r"|video)?chamada(?: de \w+)?) "
            r"(?:ended|declined|cancell?ed|missed|finished|beendet|abgelehnt|abgebrochen"
            r"|verpasst|terminé|"
            r"refusé|annulé|manqué|entrant|sortant|finalizada|rechazada|cancelada|perdida"
            r"|entrante|saliente|"
            r"terminada|recusada|encerrada|recebida|efetuada)(?:\W{0,3}\d[^\n]{0,16})?|"
            r"(?:incoming|outgoing|eingehender|ausgehender) (?:\w{1,8} )?(?:call"
            r"|anruf)(?:\W{0,3}\d[^\n]{0,16})?",
            r"(?:the |this )?message (?:was |has been |is )?(?:deleted|removed|unsent|unavailable)|"
            r"(?:die |diese )?nachricht (?:wurde |ist )?(?:gelöscht|entfernt|zurückgerufen"
            r"|zurückgezogen)|"
            r"(?:el |este )?mensaje (?:fue |ha sido )?(?:eliminado|borrado|anulado)|"
            r"(?:a |esta )?mensagem (?:foi )?(?:eliminada|apagada|removida|anulada)|"
            r"(?:le |ce )?message (?:a été |est )?(?:supprimé|effacé|annulé)|"
            r"(?:该|該|此|这条|這則)?(?:消息|訊息|信息)(?:已|已被|被)(?:(?:作者|发送者|管理员"
            r"|對方|对方))?(?:删除|刪除|撤回|收回|移除)",
            r"se (?:eliminó|borró|anuló) (?:este|el) mensaje|(?:le |ce )?message (?:a été )?retiré|"
            r"(?:photo|foto|image|video|vídeo|vidéo|gif|sticker|audio|áudio|bild|imagen|imagem"
            r"|照片|图片|圖片|视频|"
            r"動画表情)",
            # '<… omitted>' in any other language; '<|im_end|>' is what somebody wrote
            r"<(?![|｜/\s])(?=[^<>\n]*(?:\s|[^\x00-\x7f]))[^<>\n]{1,80}(?<!\|)>",
            # WeChat and QQ
            r"[\[【](?:文件|檔案|位置|地理位置|链接|連結|网页|卡片消息?|红包|紅包|微信红包|"
            r"QQ红包|转账|轉帳|微信转账|名片|聊天记录|合并转发|小程序|语音通话|"
            r"視訊通話|语音聊天|视频通话|拍一拍|戳一戳|音乐|卡片|直播|视频号|接龙|群公告|"
            r"系统消息|礼物|其他消息|不支持[^\]】]{0,12}|file|location|link|"
            r"red packet|transfer|contact card|chat history|mini program|voice call|"
            r"video call)[\]】][^\n]*",
            r"(?:[\"“'「][^\n]{1,40}[\"”'」]|你|您|对方|"
            r"[^\n，。,.]{1,20}?)\s?撤回了一条(?:成员)?(?:的)?消息[^\n]{0,12}",
            r"(?:[\"“「]?[^\n]{1,40}[\"”」]?|你|"
            r"我)\s*拍了拍\s*[\"“「][^\n]{1,40}[\"”」][^\n]{0,20}",
            r"[\"“「][^\n]{1,40}[\"”」]\s*拍了拍[^\n]{1,40}|[^\n]{1,40}领取了[^\n]{1,30}的红包|"
            r"收到红包，请在手机上查看|收到转账[^\n]{0,30}",
            # KakaoTalk
            r"사진(?: \d{1,2}장)?|동영상|이모티콘|음성메시지|\((?:이모티콘|emoticon)\)|"
            r"삭제된 메시지입니다\.?",
            # a payment, with its amount alone
            r"(?:收到|发出|發出)?(?:微信|支付宝|支付寶|QQ)?(?:转账|轉帳|轉賬|红包|紅包|收款|付款)"
            r"[:：]?\s?[¥￥]?\s?\d[\d,.]*\s?(?:元|块|塊)?(?:\s?[，,（(]?\s?(?:已|待)[^\n，。]{1,8})?",
            r"(?:transfer|payment|red packet)(?: (?:sent|received))?:? ?[¥￥$€£] ?\d[\d,.]*",
            r"[^\n]{0,40}邀请[^\n]{1,60}加入了?群聊|[\"“「][^\n]{1,40}[\"”」]\s*(?:加入|退出|"
            r"通过扫描[^\n]{1,40}加入)了?群聊",
            r"你已添加了[^\n]{1,40}，现在可以开始聊天了。?|以上是打招呼的内容|"
            r"我通过了你的(?:朋友|好友)验证请求，现在我们可以开始聊天了。?",
            r"(?:语音|视频)?通话(?:时长|中断)[^\n]{0,20}|(?:对方)?已(?:取消|拒绝)|对方(?:无应答|"
            r"忙线中)|\[?该消息类型暂[^\n]{0,20}",
            r"<(?:\?xml|msg|voicemsg|sysmsg|appmsg|emoji|img|videomsg)\b.*",
        )
    ),
    re.IGNORECASE | re.DOTALL,
)


class Message(NamedTuple):
    """One message of a chat.

    `time` is ISO ('2023-05-01T21:03:00') or ''. `mine` is True or False when the export itself says
    whose it is. `skip_reason` is why the text isn't the sender's own ('repost', 'quote', 'code') or
    is too short to learn from ('short'), else ''. `reply_to` is the text by somebody else that it
    replies to, if the export says so.
    """

    sender: str
    text: str
    time: str = ""
    mine: bool | None = None
    skip_reason: str = ""
    reply_to: str | None = None


class Conversation(NamedTuple):
    """A chat with a person or group, or a series of posts, in order; `kind` is chat or post.

    `known` says whether it is in the layout of a program that a reader knows, and `any_layout`
    whether it is in none that is listed, so that its program may write anything. `unmarked` says
    whether nothing but its words tells a sentence of the program from a message, as in plain text.
    """

    title: str
    messages: list[Message]
    kind: str = "chat"
    known: bool = True
    any_layout: bool = False
    unmarked: bool = False


def oldest_first(messages: list[Message]) -> list[Message]:
    """The messages, turned round where most steps from one time to the next go back."""
    turned = go_back([message.time for message in messages])
    return messages[::-1] if turned else messages


def go_back(times: list[str]) -> bool:
    """Whether most steps from one ISO time to the next go back; '' is none."""
    known = list(filter(None, times))
    back = sum(later < earlier for earlier, later in zip(known, known[1:]))
    forward = sum(later > earlier for earlier, later in zip(known, known[1:]))
    return back > forward


def in_order(messages: list[Message]) -> list[Message]:
    """The messages in order of time, for exports that are sorted otherwise.

    Those of one time stay in their order, and one without a time behind the message before it.
    """
    messages = oldest_first(messages)
    times = list(accumulate((message.time for message in messages), lambda last, t: t or last))
    return [messages[place] for place in sorted(range(len(messages)), key=times.__getitem__)]


def strip_placeholders(text: str) -> str:
    """A message without the export's own phrases; '' when it is nothing else, or a lone link."""
    # Most messages lack what these patterns must have.
    text = text.strip() if text.isascii() else INVISIBLE.sub("", text).strip()
    if text.endswith((">", ")", "）")):
        text = _EDITED.sub("", text).strip()
    if _NOTHING.fullmatch(text):
        return ""
    if "[" in text or "【" in text:
        text = _PICTURE.sub("", text).strip()
    bare = _LINK.sub("", text) if "." in text or "://" in text else text
    return text if bare == text or re.search(r"\w", bare) else ""


def is_short(text: str) -> bool:
    """Whether a message has too few letters to learn from.

    Repeated syllables (laughter) count once, emoticons and links not at all.
    """
    letters = "".join(filter(str.isalpha, _EMOTICON.sub("", _LINK.sub("", text[:2000]))))
    once = re.sub(r"(.{1,4}?)\1{2,}", r"\1", letters)
    return len(set(letters)) < _FEWEST_LETTERS and len(once) < _FEWEST_LETTERS
