"""Contacts and secrets: e-mail addresses, account names, keys and passwords."""

import re

from .numbers import FREE, LEFT, RIGHT, Detector, is_phone_abroad, value_if, value_span

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}+(?:@| ?[\[(（](?:at|AT)[\])）] ?)"
    r"(?:[A-Za-z0-9-]{1,63}(?:\.| ?[\[(（](?:dot|DOT)[\])）] ?)){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
# icon@2x.png is a file; Instagram@pier.three is an account.
_FILE_ENDINGS = ("png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "css", "py", "md")
_SITES_AS_USERS = ("git", "instagram", "twitter", "telegram", "tiktok", "ins", "ig", "x")


def _is_email(address):
    user, _, domain = address.rpartition("@")
    *hosts, last = domain.lower().split(".")
    version = len(hosts) > 1 and all(host.isdigit() for host in hosts)  # numpy@1.2.rc
    return user.lower() not in _SITES_AS_USERS and last not in _FILE_ENDINGS and not version


# Keys, known by their form

_TOKEN_CUES = ("sk-", "_", "akia", "aiza", "xox", "glpat-", ":aa")
_WORD = "[A-Za-z0-9_-]"
_TOKEN = re.compile(
    rf"{LEFT}(?:sk-{_WORD}{{20,250}}|[sr]k_(?:live|test)_[A-Za-z0-9]{{16,250}}|"
    rf"gh[pousr]_[A-Za-z0-9]{{30,250}}"
    rf"|github_pat_[A-Za-z0-9_]{{30,250}}|hf_[A-Za-z0-9]{{30,50}}|AKIA[A-Z0-9]{{16}}|"
    rf"AIza{_WORD}{{35}}"
    rf"|xox[abeprs]-[A-Za-z0-9-]{{10,250}}|glpat-{_WORD}{{20,80}}|npm_[A-Za-z0-9]{{36}}"
    rf"|[0-9]{{8,10}}:AA{_WORD}{{33}}){RIGHT}"
)
_JWT = re.compile(rf"(?<!{_WORD})eyJ{_WORD}{{8,8000}}+\.eyJ{_WORD}{{8,8000}}+\.{_WORD}{{8,8000}}+")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"(?:\s{0,4}[A-Za-z-]{1,30}: [ -~]{0,200}){0,4}[A-Za-z0-9+/=\s\\]*+"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)


def _is_token(text):
    """Whether a match is a key: with digits or capitals, unlike 'sk-learn-is-a-library-for'."""
    return any(c.isdigit() for c in text) or (text.lower() != text and "-" not in text)


# Passwords, after a word that names them

_SECRET_CUES = tuple(
    "passw passc pwd secret api token bearer 密码 密碼 口令 密钥 秘钥 令牌".split()
)
_SECRET = re.compile(
    r"(?P<zh>密[码碼]|口令|[密秘]钥|令牌)"
    r"(?P<how>(?:就|还|一直|都|现在)?(?:是|为|叫|改成了?|改为|设成了?|设为)?了? ?[:：=]? ?)"
    r"[\"'“「]?(?P<a>[!#-&(-+.-:=?-~-]{3,63}[A-Za-z0-9@#$%^&*_+=~!-])"
    r"(?![位年月日个次条页章岁行天秒倍])"
    r"|(?<![A-Za-z])(?:password|passwd|pwd|passcode|(?:client )?secret(?:[ _]key)?|api[ _-]?key"
    r"|(?:access[ _]|auth[ _])?token)[\"']?(?: is| was)?(?: |(?=[=:：])|(?<=s ))[:：=]?"
    r"(?<=[:：=s ]) ?[\"'“]?"
    r"(?P<b>[!#-&(-+.-:=?-~-]{3,63}[A-Za-z0-9@#$%^&*_+=~!-])"
    r"|(?<![A-Za-z])bearer (?P<c>[A-Za-z0-9._~+/=-]{16,2000})",
    re.IGNORECASE,
)


def _secret(match):
    """The span of the secret; None for a web address and for what may be an ordinary word."""
    which = match.lastgroup if match.lastgroup in "abc" else "a"
    value, before = match.group(which), match.string[match.start() : match.start(which)]
    if value.lower().startswith(("http:", "https:")):
        return None
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    if which == "a":
        is_named = re.search("[是为叫成:：=]", before)
        likely = digits and len(value) >= (4 if is_named else 6) or is_named and len(value) >= 6
    elif which == "b":
        is_named = re.search("[:：=]| is | was ", before)
        is_key = re.search("token|key|secret", before, re.IGNORECASE)
        jumbled = digits or re.search("[@#$%^&*_+=~]|[a-z][A-Z]", value)
        long = len(value) >= 8 and letters and digits
        likely = is_named and jumbled and (long or not is_key)
    else:
        likely = digits
    return match.span(which) if likely else None


# Account names

_CLAIM = (
    r"(?P<how>(?:群|频道|公众号)?(?:号码?|號碼?| ?id|帐号|账号|帳號| account| handle| username)?"
    r"(?:后台的?)?(?:就|还|一直|也)?(?:是|为|叫| is| was)? ?[:：=]? ?)"
)
_WECHAT_CUES = tuple("wechat weixin vx wx 微信 薇信 威信 卫星 v信 加v 加w 加微 加薇".split())
_WECHAT = re.compile(
    r"(?:(?P<who>微信|薇信|威信|卫星|(?<![A-Za-z])(?:v信|wechat|weixin|vx|wx))|加[vw微薇](?:信)?)"
    + _CLAIM
    + r"(?:(?P<v>[A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_-])"
    r"|(?<=[号:：] )(?P<n>[1-9][0-9]{4,9})(?![0-9])"
    r"|(?<=[号:：])(?P<m>[1-9][0-9]{4,9})(?![0-9]))",
    re.IGNORECASE,
)
_NO_ACCOUNTS = tuple(
    "wechat weixin iphone android windows macos http https www official desktop".split()
)
_QQ = re.compile(
    r"(?:(?<![A-Za-z])qq|扣扣|企鹅)(?:群)?(?: ?号码?)?(?:就|还|一直)?(?:是|为|叫)? ?[:：=]? ?"
    r"([1-9][0-9]{4,10})(?![0-9]|\.[0-9]| ?[人个万亿元年次块版])",
    re.IGNORECASE,
)
_SITES = (
    r"(?:(?<![A-Za-z])(?:tg|telegram|twitter|instagram|ins|ig|discord|skype|snapchat|tiktok|"
    r"bluesky|threads"
    r"|mastodon|facebook|(?-i:LINE|Line|X))|电报|電報|纸飞机|飞机|推特|微博|抖音|小红书|快手|b站|"
    r"知乎|豆瓣|脸书)"
)
_AT_NAME = (
    r"(@(?:[A-Za-z0-9_][A-Za-z0-9_.]{1,30}[A-Za-z0-9_](?![A-Za-z0-9_@])"
    r"|[\u4e00-\u9fff][\u4e00-\u9fffA-Za-z0-9_-]{1,15}))"
)
_AT = re.compile(
    rf"{_SITES}{_CLAIM}(?:找我|我是|上|见)?[:：]? ?{_AT_NAME}"
    rf"|(?:follow|dm|message|find|add|关注|私信)(?: me| us|我)?(?: on [A-Z][A-Za-z]{{0,11}})?"
    rf"(?: at)?[:：]? ?{_AT_NAME}"
    r"|(?<![A-Za-z0-9_.])(@[A-Za-z0-9_]{3,30})"
    r"(?= on (?:telegram|x|twitter|instagram|discord|threads|bluesky)(?![A-Za-z]))",
    re.IGNORECASE,
)
_SITE_CUES = tuple(
    (
        "telegram|twitter|instagram|discord|skype|tiktok|line i|line:|tg:|ig:|line：|line号|tg：|"
        "tg号|ig：|ins：|ins号|x账号|x帐号|电报|電報|纸飞机|推特|微博|抖音|小红书|快手|b站|豆瓣|"
        "脸书"
    ).split("|")
)
_NAMED = re.compile(
    rf"{_SITES}{_CLAIM}(?:([A-Za-z][A-Za-z0-9_.#-]{{3,31}})(?![A-Za-z0-9_@])"
    r"|(?<=[号:：D ])([0-9]{6,12})(?![0-9年元]))",
    re.IGNORECASE,
)
_LINKED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:t|telegram)\.me/(?:s/)?|line\.me/ti/p/~?|weibo\.com/(?:u/|n/)?"
    r"|(?:x|twitter|instagram)\.com/|tiktok\.com/@)"
    r"(?!share|joinchat|addstickers|home|search|hashtag|i/|p/|explore|intent|reel)"
    r"([A-Za-z0-9_.\u4e00-\u9fff]{3,31}[A-Za-z0-9_])"
    r"|(?<![A-Za-z0-9])(wxid_[A-Za-z0-9]{6,30})",
    re.IGNORECASE,
)

# WhatsApp mentions people without a name by their number, or by an id of 14 or 15 digits.
_MENTION = re.compile(rf"(?<![A-Za-z0-9._%+@/-])@\u2068?([1-9][0-9]{{9,14}})(?![_@]){FREE}")


def _is_mention(number):
    return len(number) > 13 or is_phone_abroad("+" + number)


def _wechat(match):
    """The span of a WeChat name, if it has a digit or is called a name; of a number in any case."""
    which = next(name for name in "vnm" if match.group(name))
    value, how = match.group(which), match.group("how").lower()
    if which != "v" or value.lower().startswith(_NO_ACCOUNTS):
        return match.span(which) if which != "v" else None
    is_named = re.search("[号號是为叫:：=]|id|账|帐", how) or not match.group("who")
    return match.span(which) if re.search("[0-9_-]", value) or is_named else None


def _named(match):
    """The span of an account name without '@', if it is called one or is no ordinary word."""
    value, how = match.group(match.lastindex), match.group("how").lower()
    is_named = re.search("号|號|id|账|帐|帳|account|handle|username", how)
    linked = not value[0].isdigit() and re.search("[:：=]|是|为| is", how)
    unusual = linked and re.search(r"[0-9_#]|[A-Za-z]\.[A-Za-z]", value)
    if not (is_named or unusual) or value.lower().startswith(_NO_ACCOUNTS):
        return None
    return value_span(match)


DETECTORS = (
    Detector("key", ("-----begin",), (0, 20000), _PRIVATE_KEY),
    Detector("key", ("eyj",), (1, 24000), _JWT),
    Detector("key", _TOKEN_CUES, (12, 260), _TOKEN, value_if(_is_token)),
    Detector("email", ("@", "[at]", "(at)", "（at）"), (80, 260), _EMAIL, value_if(_is_email)),
    Detector("key", _SECRET_CUES, (1, 100), _SECRET, _secret),
)
HANDLES = (
    Detector("handle", (".me/", ".com/", "wxid_"), (16, 50), _LINKED),
    Detector("handle", _WECHAT_CUES, (1, 60), _WECHAT, _wechat),
    Detector("handle", ("qq", "扣扣", "企鹅"), (1, 40), _QQ),
    Detector("handle", ("@",), (40, 50), _AT),
    Detector("phone", re.compile(r"@\u2068?[0-9]{10}"), (1, 30), _MENTION, value_if(_is_mention)),
    Detector("handle", _SITE_CUES, (1, 60), _NAMED, _named),
)
