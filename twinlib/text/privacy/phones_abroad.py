"""Telephone numbers beside a word for a telephone or a call, in a dozen languages.

Without such a word only numbers with a country's prefix, and the forms in numbers.py, are taken.
"""

import re

from .numbers import FREE, NUMBER, NUMBER_LABEL, REACH, Detector

_GAP = r"(?: ?[-./_·•・~*|,] ?| {1,2})"
_NUMBER = re.compile(
    rf"(?<![0-9A-Za-z.,-])(?<![0-9] )(?:[(（][0-9]{{1,5}}[)）]{_GAP}?)?[0-9]{{1,5}}"
    rf"(?:(?:{_GAP}?[(（]|{_GAP})[0-9]{{1,5}}[)）]?|[0-9]{{1,5}}){{1,6}}{FREE}"
)
# Words that speak of telephones alone: other words may stand between them and the number.
_STRONG = (
    r"(?:(?:cell|mobile|tele|smart)?phones?|mobile|cell|mob|ph|cel|"
    r"t(?:el)?[eé]?lf|tlfn|tfno|fone?|fono|"
    r"landline|fax|tel|fijo|fixo|fixe|whats?app|sms|voicemail|"
    r"tel[eé]fonos?|telefones?|telem[oó]vel|celular|m[oó]vil|zap|zapzap|t[eé]l[eé]phone|t[eé]l|"
    r"handy(?:nummer)?|telefon(?:nummer)?|festnetz|mobilnummer|rufnummer|cellulare|telefono|"
    r"telefoon(?:nummer)?|telefonum|telefonu?|"
    r"ll[aá]m[ae](?:r|rme|me|nos|lo|la|le)?|marca[r]?|lig(?:ue|a|ar)(?:-me)?|chamar?|"
    r"contacta?(?:r|-me)?|"
    r"(?:melde? dich|erreich\w{0,6}|zu erreichen) (?:\w{1,8} )?unter|appel(?:le|ez|er)(?:-moi)?|"
    r"(?:m['’]|nous )?(?:appeler|joindre)|rufe?n?(?: mich| uns)? an|anrufen|"
    r"chiama(?:mi|lo|la|ci|re)|"
    r"bel (?:me|mij|ons)|apunta|anota)"
)
_OTHER = (
    r"(?:電話|携帯|ケータイ|スマホ|电话|手机|手機|전화|휴대폰|핸드폰|연락처|폰번호|телефон|звони|позвони"
    r"|мобильн|тел\.)"
)
# Words for any number: it must follow at once.
_OWNED = (
    r"(?:(?:my|her|his|our|their|your|new|old|[a-z]{2,12}['’]s) (?:new |old |work |home )?"
    r"(?:number|no\.|digits)|call(?: me| him| her| us| them)?|ring|text|dial|ruf|"
    r"(?:mi|su|tu|meu|minha|seu|mon|ma|son|mein|meine|il mio|mijn) (?:\w{2,8} )?"
    r"(?:n[uú]mero|num[eé]ro|nummer)|numaram|contact[oe]?|contato|kontakt)"
)
_LOOSE = r"(?:n[uú]mero|num[eé]ro|nummer)"
_LOOSE_OTHER = r"(?:(?:мой|её|его|наш|новый)? ?номер|番号|번호|号码|號碼|打|连络|連絡先|联系)"
_LINK = (
    r"(?:['’]s|s| (?:is|was|es|é|est|ist|è|at|on|to|al|au|a|o|en|na|no|de|del|du|do|unter|me op|op"
    r"|el|le|la|now|still)|[はが는은이가을를係系是为為]|[ :：=,，.;—–-]){0,5}"
)
_BETWEEN = r"(?:[^0-9\n(（+]|[0-9](?![0-9.:/-])|[(（](?![0-9])){0,28}"
_NAMES = r"(?:(?: [^\W\d]{1,14}){0,4} ?[:：] ?|" + _LINK + ")"
_WORD_BEFORE = re.compile(
    rf"(?:(?:(?<![A-Za-z])(?:{_STRONG})(?![A-Za-z])|{_OTHER}){_BETWEEN}"
    rf"|(?:(?<![A-Za-z]){_OWNED}(?![A-Za-z])|{_LOOSE_OTHER}){_NAMES}"
    rf"|(?P<loose>(?<![A-Za-z]){_LOOSE}(?![A-Za-z])(?: [^\W\d]{{1,14}}){{0,3}}?{_NAMES}))\Z",
    re.IGNORECASE,
)
_AT_ONCE = re.compile(
    rf"(?:(?<![A-Za-z])(?:{_STRONG}|{_OWNED})(?![A-Za-z])|{_OTHER}|{_LOOSE_OTHER}){_LINK}\Z",
    re.IGNORECASE,
)
# '0412 345 678 is Mum's new mobile'
_WORD_AFTER = re.compile(
    rf"['’\"”)）]?,?(?: (?:is|was|es|é|est|ist|è|=)| ?[(（—–-]|[是はが이가]|은|는)"
    r"(?:[^0-9\n.!?。！？]{0,28}[^0-9A-Za-z.!?。！？])?"
    rf"(?:(?<![A-Za-z])(?:{_STRONG})(?![A-Za-z])|{_OTHER}|座机|座機|号码|號碼)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}(?:[-./ ](?:0?[1-9]|1[0-2])[-./ ][0-3]?[0-9]"
    r"|(?:0[1-9]|1[0-2])[0-3][0-9](?![0-9])"
    r"|[-–][0-9]{2,4}$)"
    r"|[0-3]?[0-9][-./](?:0?[1-9]|1[0-2])[-./](?:19|20)?[0-9]{2}(?:[^0-9]|$)"
)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+")
_UNITS = re.compile(
    r" ?(?:[%€$£¥₹°]|(?:euros?|dollars?|pounds?|people|users|times|words|years|calls|minutes|km|mm|"
    r"eur|usd|personas|pessoas|personnes|leute|menschen|nutzer|habitantes|habitants)(?![a-z])"
    r"|[人次元円원명个個])",
    re.IGNORECASE,
)


def _phone(match):
    """The span; None for a date, a sum, a count, or a number that belongs to an order or a book."""
    value = match.group()
    digits = re.sub("[^0-9]", "", value)
    start, end = match.span()
    if not 8 <= len(digits) <= 13 or _DATE.match(value) or _THOUSANDS.fullmatch(value):
        return None
    if NUMBER_LABEL.search(match.string[max(0, start - 24) : start]):
        return None
    if _UNITS.match(match.string, end) or re.search("[$€£¥₹]", match.string[start - 2 : start]):
        return None
    before = match.string[max(0, start - 44) : start]
    if value.isdigit() and len(digits) < 9:  # the usual length of a count
        named = _AT_ONCE.search(before)
    else:
        named = _WORD_BEFORE.search(before)
        named = named and not (named["loose"] and len(digits) < 9)
    return (start, end) if named or _WORD_AFTER.match(match.string, end) else None


DETECTORS = (Detector("phone", NUMBER, REACH, _NUMBER, _phone, of_digits=True),)
