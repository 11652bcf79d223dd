"""Several quantities in one answer: '5 apples and 3 pears' is no number, '8 in total' is.

An answer that lists quantities, names a range, or writes one in two units ('2 hours 30 minutes')
says no single number, unless the quantities agree or their sum stands with them.
"""

import re
from decimal import Decimal

from .numerals import Chain

_WORDS = r"(?: ?[^\W\d_]+(?:['’-][^\W\d_]+)?){0,4}?"
_AND = (
    r"(?:,? ?(?<![A-Za-z])(?:and|as well as|plus)(?![A-Za-z])|,? ?&"
    r"|和|及|与|與|还有|還有|跟|、|要么)"
)
_LISTED = re.compile(rf"{_WORDS} ?{_AND}{_WORDS} ?[$€£¥￥]?")
_BARE = re.compile(r", ?(?:and|plus|as well as)\b.*", re.DOTALL)  # "12, and 3 people came"
_RANGE = re.compile(r" ?(?:to|through|until|~|～|–|—|到|至) ?")
_COMMA = re.compile(rf"(?P<unit>{_WORDS}) ?[,，] ?(?P<whose>{_WORDS}) ?")
_UNIT = re.compile(r" ?(?:[^\W\d_]+ ?){0,3}")
# Of a remark about one quantity, not of another one.
_REMARK = re.compile(
    r"(?:left|more|less|fewer|each|of|per|every|over|than|remain\w*|spare|apart|in|total\w*|times|"
    r"off|not|since|because|so|from|for|with|after|before|on|at)(?![A-Za-z])|[剩余餘每一多少比其共不因为因从从总总左]"
)
_TOTAL_BEFORE = re.compile(
    r"(?:total(?:s|ling)?|altogether|in all|together|makes?|gives?|sums? to|adds? up to|that is|or)"
    r"(?![A-Za-z])\D{0,12}$|(?:共|总共|一共|合计|总计|得|等于|就是|也就是|加起来)\D{0,4}$"
)
_TOTAL_AFTER = re.compile(r"(?: ?[^\W\d_]+){0,2} ?(?:in total|altogether|in all|together)")
_EQUATION = re.compile(r"[^=＝]*[=＝][^=＝]*")
_OPERATORS = re.compile(r"[-+−*×·÷/]")
_UNITS = (
    r"(?:(?:hours?|hrs?|h|minutes?|mins?|seconds?|days?|weeks?|months?|years?|feet|foot|ft"
    r"|inch(?:es)?"
    r"|dollars?|cents?|pence|pounds?|lbs?|ounces?|oz|km|cm|mm|m|kg|g|met(?:er|re)s?|miles?|yards?"
    r"|quarts?|gallons?)(?![A-Za-z])|小时|分钟?|秒|天|周|个?月|日|号|年|岁|元|角|块|毛|厘米|公里|米|公斤|斤|两|千克"
    r"|克|吨|毫升|升)"
)
_COMPOSITE = re.compile(rf" ?{_UNITS},? ?(?:and|零|又)? ?")
_SECOND = re.compile(rf" ?{_UNITS}")


def of_several(sentence: str, found: list[Chain]) -> tuple[Decimal | None] | None:
    """(the number that a list of quantities comes to,), (None,) without any; None for no list.

    `found` are the chains of the sentence.
    """
    items = found[:1]
    for after in found[1:]:
        gap = sentence[items[-1].end : after.start]
        if re.fullmatch(r" ?", gap):  # 12 345
            return (None,)
        spelt = sentence[after.start : after.end]
        if _OPERATORS.search(spelt) and _EQUATION.fullmatch(spelt):
            break  # "12, and 3 + 4 = 7"
        if not _joins(sentence, items[-1], after, gap):
            break
        items.append(after)
        if _EQUATION.fullmatch(spelt):  # "5 apples and 3 pears = 8"
            return (after.value,)
    if len(items) < 2:
        return None
    before = items[-1]
    for chain in found[len(items) :]:
        gap = sentence[before.end : chain.start]
        if _TOTAL_BEFORE.search(gap) or _TOTAL_AFTER.match(sentence, chain.end):
            return (chain.value,)
        before = chain
    return (items[0].value if len({item.value for item in items}) == 1 else None,)


def _joins(sentence, first, second, gap):
    """Whether what stands between two numbers makes them two quantities."""
    if _RANGE.fullmatch(gap) or _COMPOSITE.fullmatch(gap) and _SECOND.match(sentence, second.end):
        return True
    if _LISTED.fullmatch(gap):
        return not _BARE.fullmatch(gap)
    comma = _COMMA.fullmatch(gap)
    if not comma or _REMARK.search(comma["whose"]):
        return False
    rest = re.split(r"[,，;；(（]|(?:和|and) ", sentence[second.end :])[0].rstrip(" .。*")
    is_unit = bool(_UNIT.fullmatch(rest)) and not _REMARK.search(rest)
    whose = sentence[: first.start].split("：")[-1].strip()
    labelled = bool(comma["whose"].strip() and whose)
    return is_unit and (labelled or bool(comma["unit"].strip() and rest.strip()))
