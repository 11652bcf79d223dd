"""Personal data found and masked by stable placeholders: e-mail, phones, identity and card numbers, IPs, own list.

Not detected: addresses, handles, plates, passports, keys, and names that are not on the owner's list. Borders are
digits and Latin letters, never word boundaries, which don't exist beside Chinese.
"""

import re

LABELS = {"email": "邮箱", "phone": "电话", "identity": "身份证", "card": "卡号", "ip": "IP", "name": "人名"}
EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,}(?![A-Za-z0-9])")
IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{16}[\dXx](?![0-9A-Za-z])")
CARD = re.compile(r"(?<![0-9A-Za-z.])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,4}(?:[ -]?\d{1,3})?(?![0-9A-Za-z])")
# A word before that makes it the number of a section or version belongs to the match, which is then no address.
IP = re.compile(
    r"(?:(?:第|版本|§|(?<![A-Za-z])(?:(?:sub)?sections?|sec\.|chapters?|clauses?|appendix|versions?|ver\.?|release)"
    r"(?![A-Za-z])) ?(?:号|number)? ?(?:是|为|is|[:：=])? ?)?"
    r"(?<![\d.vV])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d| ?[章节])", re.IGNORECASE)
PHONE = re.compile(
    r"(?:(?<![\d.A-Za-z+-])(?:"
    r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"      # mainland mobile
    r"|0\d{2,3}[- ]\d{7,8}|0(?:10|2\d)\d{8}|0[3-9]\d{9,10}"  # mainland landline
    r"|\+[1-9]\d{0,2}[ -]?(?:\(\d{1,4}\)[ -]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"  # international
    r"|(?:1[ .-])?(?:\d{3}-\d{3}-\d{4}|[2-9]\d{2}\.[2-9]\d{2}\.\d{4})|1[ -]?\(\d{3}\) ?\d{3}-\d{4}"  # North America
    r")|\(0\d{2,3}\)[ -]?\d{7,8}|\(\d{3}\) ?\d{3}-\d{4}"  # the area code in brackets, whatever stands before
    r")(?!\d|[.-]\d|[A-Za-z])")
WIDE = str.maketrans("０１２３４５６７８９＋－（）", "0123456789+-()")  # one for one: a match keeps its place


def mask(text, language, seen, names=()):
    """(masked text, {kind: how many}); `seen` maps (kind, value) to its number and grows, so placeholders are stable.

    `language` ('zh' or 'en') is that of the text, and of the placeholders: [邮箱-1], [email-1]. Masking twice
    changes nothing.
    """
    counts = {}

    def placeholder(kind, value):
        numbers = seen.setdefault(kind, {})
        signs = r"[\s().-]" if kind == "phone" else r"[\s()-]"
        number = numbers.setdefault(re.sub(signs, "", value).lower(), len(numbers) + 1)
        counts[kind] = counts.get(kind, 0) + 1
        return f"[{LABELS[kind] if language == 'zh' else kind}-{number}]"

    before = None
    while text != before:  # what stood against a number may be a border once it is masked
        before = text
        for kind, pattern, right in KINDS:
            text = _replaced(text, pattern, lambda value: placeholder(kind, value) if right(value) else None)
    pattern = _names(names)
    return (pattern.sub(lambda m: placeholder("name", m.group()), text) if pattern else text), counts


def _replaced(text, pattern, put):
    """The text with put(match) for each match, where that isn't None; full-width digits match as the usual ones."""
    pieces, end = [], 0
    for match in pattern.finditer(text.translate(WIDE)):
        pieces += [text[end:match.start()], put(match.group()) or text[match.start():match.end()]]
        end = match.end()
    return "".join(pieces) + text[end:]


def private_names(text):
    """The names of the owner's list, as typed: separated by commas of either script, semicolons or lines."""
    return [name.strip() for name in re.split(r"[,，、;；\n]", text) if name.strip()]


def _names(names):
    if not names:
        return None
    # A Latin name must stand alone ('Ann' is not in 'Annual'); a Chinese one stands anywhere, but not in a placeholder.
    longest = sorted(names, key=len, reverse=True)
    each = [rf"(?<![A-Za-z]){re.escape(n)}(?![A-Za-z])" if n[0] < "\u0250" else re.escape(n) for n in longest]
    return re.compile(rf"(?<!\[)(?:{'|'.join(each)})(?!-\d+\])")


def luhn(number):
    """Does a card number's check digit hold? Spaces and dashes don't count."""
    digits = [int(d) for d in re.sub(r"\D", "", number)]
    doubled = [d if place % 2 == 0 else d * 2 - 9 * (d > 4) for place, d in enumerate(reversed(digits))]
    return 15 <= len(digits) <= 19 and sum(doubled) % 10 == 0


def identity_number(number):
    """Is this a resident identity number: a date inside, and the check digit of GB 11643?"""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    check = "10X98765432"[sum(int(d) * w for d, w in zip(number, weights)) % 11]
    return 1850 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31 and number[-1].upper() == check


def _address(number):
    if not number[0].isdigit():
        return False
    parts = [int(part) for part in number.split(".")]
    return max(parts) <= 255 and parts[0] not in (0, 127) and number != "255.255.255.0"


def _always(value):
    return True


# Identity numbers before cards, and both before phones: the longest digits first.
KINDS = (("email", EMAIL, _always), ("identity", IDENTITY, identity_number), ("card", CARD, luhn),
         ("ip", IP, _address), ("phone", PHONE, _always))
