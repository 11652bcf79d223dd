"""Numbers that a register or a service gave to a person, known by their form or by a word for them.

Identity numbers of other countries, student and staff numbers, parcels, orders, meetings, wallets,
licence keys; accounts in banks.
"""

import re

from .numbers import LEFT, NUMBER, REACH, RIGHT, Detector

_TOKEN = r"[A-Z]{0,4}[0-9][A-Z0-9]*"
_VALUE = (
    rf"(?P<v>(?:[A-Z]{{1,3}}[ -]?)?{_TOKEN}(?:[ ./-]{{1,3}}{_TOKEN}){{0,6}}"
    r"(?:[ -]?[A-Z](?![A-Za-z]))?)"
)
_CLAIM = (
    r"(?:(?: [^\W\d_]{1,12}){1,3}(?= ?[:：]))?"
    r"(?:[\"'”’]?(?: ?(?:number|no\.?|nº|n°|nr\.?|num\.?|code|id|号码?|號碼?|番号|번호|は"
    r"|는|is|es|é|ist|est|è"
    r"|was|就?是|为|為|[:：#=–—-])){0,3} ?)"
)
# {kind: words that name such a number}. A word that is also an ordinary one has 'number' with it.
_WORDS = {
    "identity": (
        r"(?:social security|SSN|national insurance|NI number|CPF|CNPJ|DNI|NIE|NIF|NISS"
        r"|PESEL|BSN|Aadhaar"
        r"|codice fiscale|Steuer-?ID|Ausweisnummer|Sozialversicherungsnummer"
        r"|(?:sécurité sociale|sécu|NIR|seguridad social|segurança social|NHS|Personalausweis)"
        r"|carte d['’]identité|carta d['’]identità|cédula|CURP|RG|IMEI|VIN"
        r"|driver'?s licen[cs]e|driving licen[cs]e|F(?:ü|ue)hrerscheinnummer|(?:student"
        r"|employee|staff|patient)"
        r" (?:number|id|no\.?)|Matrikelnummer)",
        r"(?:社保(?:卡)?号?|医保(?:卡)?号?|学号|學號|工号|工號|驾驶证号?|駕駛證號?"
        r"|驾照号?|车架号|車架號|就诊卡号?|就診卡號?"
        r"|病历号|病歷號|住院号|准考证号?|报名(?:序列)?号|序列号|统一编号|統一編號"
        r"|主民番号|マイナンバー|個人番号"
        r"|주민등록번호|주민번호|房产证号?|房產證號?|公积金账?号|税号|稅號)",
    ),
    "card": (
        r"(?:Kontonummer|Konto-?Nr\.?|BLZ|Bankleitzahl|sort code|account (?:number|no\.?)"
        r"|(?<=[0-9] )account"
        r"|routing (?:number|no\.?)|CVV2?|CVC2?|numéro de compte|número de (?:cuenta|conta))",
        r"(?:银行账号|銀行帳號|账户号|开户账号|口座番号|계좌번호)",
    ),
    "handle": (
        r"(?:tracking (?:number|no\.?|id|code)|order (?:number|no\.?|id)|Sendungsnummer"
        r"|Bestellnummer"
        r"|meeting (?:id|number|no\.?)|numéro de (?:suivi|commande)"
        r"|número de (?:seguimiento|pedido)|friend code)",
        r"(?:快递单?号|快遞單?號|运单号|運單號|物流单号|订单号|訂單號|会议号|會議號"
        r"|会议id|好友代码|好友代碼|邀请码)",
    ),
    "key": (
        r"(?:PIN|backup code|recovery code)",
        r"(?:备用码|備用碼|恢复码|恢復碼|(?:锁屏|解锁|支付|开机)密码)",
    ),
}
_UNITS = (
    r"(?! ?(?:[年月日天个個本元块塊次人岁歲页頁条條%°]"
    r"|(?:years|people|times|pages|books)(?![a-z])))"
)
_FEWEST = {"identity": 5, "card": 3, "handle": 6, "key": 4}  # digits


# {kind: (Latin, other) cues in lower case}, which are looked for first
_CUES = {
    "identity": (
        "social security|ssn|national insurance|ni number|"
        "cpf|cnpj|dni|nie |nie:|nif|niss|pesel|bsn|"
        "aadhaar|codice fiscale|steuer|ausweisnummer|sozialversicherung|"
        " sociale| secu|nir |nir:|nhs |nhs:|personalausweis|cedula|curp|rg |rg:|imei|"
        "vin |vin:|driver|driving licen|hrerscheinnummer|"
        "student |employee |staff |patient |matrikel",
        "社保|医保|学号|學號|工号|工號|驾驶证|駕駛證|驾照|车架号|車架號|"
        "就诊卡|就診卡|病历号|病歷號|住院号|准考证|"
        "报名|序列号|统一编号|統一編號|"
        "主民番号|マイナンバー|個人番号|주민|房产证|房產證|公积金|税号|稅號",
    ),
    "card": (
        "kontonummer|konto|blz|bankleitzahl|sort code|account|routing|cvv|cvc|compte|cuenta|conta",
        "银行账号|銀行帳號|账户号|开户账号|口座番号|계좌번호",
    ),
    "handle": (
        "tracking|order |sendungsnummer|bestellnummer|meeting |suivi|commande|seguimiento|pedido|"
        "friend code",
        "快递单|快遞單|运单号|運單號|物流单号|订单号|"
        "訂單號|会议号|會議號|会议id|好友代码|好友代碼|邀请码",
    ),
    "key": (
        "pin |pin:|backup code|recovery code",
        "备用码|備用碼|恢复码|恢復碼|锁屏密码|解锁密码|支付密码|开机密码",
    ),
}


def _named(kind, words):
    latin, other = words
    pattern = rf"(?<![A-Za-z])(?:(?i:{latin}))(?![A-Za-z])(?i:{_CLAIM}){_VALUE}{RIGHT}{_UNITS}"
    there = rf"{other}(?i:{_CLAIM}){_VALUE}{RIGHT}{_UNITS}"

    def span(match):
        digits = sum(map(str.isdigit, match["v"]))
        return match.span("v") if digits >= _FEWEST[kind] else None

    cues = [tuple(text.split("|")) for text in _CUES[kind]]
    return [
        Detector(kind, cues[0], (24, 70), re.compile(pattern), span, True),
        Detector(kind, cues[1], (4, 60), re.compile(there), span, True),
    ]


_DASHED = re.compile("[0-9] ?- ?[0-9]")
_KEYS = ("key", "serial", "licen", "激活", "序列", "产品")
_MACS = ("mac", "wifi", "wi-fi", "wlan", "网卡")
# Known by their form
_FORMS = (
    (
        "identity",
        _DASHED,
        r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}",
    ),
    ("identity", _DASHED, r"[0-9]{3}\.[0-9]{3}\.[0-9]{3} ?- ?[0-9]{2}"),
    (
        "identity",
        _DASHED,
        r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])-[1-4][0-9]{6}",
    ),
    ("identity", ("pan ", "pan:", "pancard"), r"[A-Z]{3}[ABCFGHJLPT][A-Z] ?[0-9]{4} ?[A-Z]"),
    (
        "identity",
        NUMBER,
        r"[12]([ .])[0-9]{2}\1(?:0[1-9]|1[0-2]|[2-9][0-9])\1[0-9][0-9AB]\1[0-9]{3}\1[0-9]{3}"
        r"(?:\1[0-9]{2})?",
    ),
    ("identity", ("字第",), r"[\u4e00-\u9fff]{1,6}字第?[0-9]{4,12}[号號]"),
    (
        "ip",
        _MACS,
        r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}",
    ),
    ("key", ("0x",), r"0x[0-9A-Fa-f]{40}(?:[0-9A-Fa-f]{24})?"),
    (
        "key",
        ("bc1", "bitcoin", "btc", "wallet", "比特币", "比特幣", "钱包"),
        r"(?:bc1[0-9a-z]{25,60}"
        r"|[13](?=[1-9A-HJ-NP-Za-km-z]*[A-Z])(?=[1-9A-HJ-NP-Za-km-z]*[a-z])"
        r"[1-9A-HJ-NP-Za-km-z]{25,34})",
    ),
    (
        "key",
        _KEYS,
        r"(?=[A-Z-]*[0-9])(?=[0-9-]*[A-Z])[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){3,7}",
    ),
    (
        "coordinates",
        ("+",),
        r"[23456789CFGHJMPQRVWX]{6,8}\+[23456789CFGHJMPQRVWX]{2,3}",
    ),
)
_LINKED = re.compile(
    r"(?<![A-Za-z0-9])(?:paypal\.me|ko-fi\.com|cash\.app|venmo\.com"
    r"|steamcommunity\.com/(?:id|profiles)"
    r"|bsky\.app/profile)/(?P<v>[$A-Za-z0-9_.-]{3,40}[A-Za-z0-9_])"
    r"|(?P<w>[a-z0-9-]{3,30}\.bsky\.social)"
)
_BRAZIL = r"\([1-9][0-9]\) ?9? ?[0-9]{4}[-. ][0-9]{4}(?![0-9])"


def _linked(match):
    return match.span("v") if match["v"] else match.span("w")


DETECTORS = (
    *(detector for kind, words in _WORDS.items() for detector in _named(kind, words)),
    *(
        Detector(
            kind,
            cue,
            REACH if cue is NUMBER else (30, 70),
            re.compile(f"{LEFT}(?:{form}){RIGHT}"),
            re.Match.span,
            of_digits=isinstance(cue, re.Pattern),
        )
        for kind, cue, form in _FORMS
    ),
    Detector("phone", ("(",), (0, 20), re.compile(_BRAZIL), of_digits=True),
    Detector("handle", (".me/", ".com/", ".app/", ".bsky.social"), (30, 60), _LINKED, _linked),
)
