"""Contacts and secrets: e-mail addresses, account names, keys, passwords and codes."""

import re

from ...i18n import data
from .numbers import FREE, LEFT, RIGHT, Detector, is_phone_abroad, value_if, value_span

_SPELT_AT = (
    r" ?[\[(（{<【] ?(?:at|ät|a|@|arobase|arroba|chiocciola) ?[\])）}>】] ?|_at_"
    r"| (?:arobase|arroba|chiocciola|ät|собака) | ?(?:艾特|爱特|小老鼠|圈a) ?"
)
_SPELT_DOT = (
    r" ?[\[(（{<【] ?(?:dot|\.|point|punto|ponto|punkt) ?[\])）}>】] ?|_dot_"
    r"| (?:dot|punto|ponto|point|punkt|точка) | ?点 ?"
)
_LABEL, _LAST_LABEL = "[A-Za-z0-9-]{1,63}", "[A-Za-z]{2,24}(?![A-Za-z0-9])"
_USER = (
    r"(?<![A-Za-z0-9._%+-])(?:[A-Za-z0-9_-]{1,30} ?[\[({<](?:dot|point|punto|ponto)[\])}>] ?)?"
    r"[A-Za-z0-9](?:(?!_at_)[A-Za-z0-9._%+-]){0,63}+"
)
_EMAIL = re.compile(
    rf"{_USER}(?:"
    rf"(?:@|{_SPELT_AT})(?:{_LABEL}(?:\.|{_SPELT_DOT})){{1,8}}{_LAST_LABEL}"
    rf"|@(?:{_LABEL}。){{1,4}}(?-i:[a-z]{{2,24}})(?![A-Za-z0-9])"
    rf"|(?: at |{_SPELT_AT})(?:{_LABEL}(?:{_SPELT_DOT})){{1,4}}{_LAST_LABEL}"
    rf"| @ (?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?-i:[a-z]{{2,24}})(?![A-Za-z0-9])"
    rf"|(?-i: AT )(?:{_LABEL}(?:\.|{_SPELT_DOT})){{1,4}}(?-i:[a-z]{{2,24}})(?![A-Za-z0-9])"
    r")",
    re.IGNORECASE,
)
_EMAIL_CUES = (
    *("@", "at)", "at]", "at}", "at>", "at )", "at ]", "_at_", "(a)", "[a]", " dot "),
    *("arobase", "arroba", "chiocciola"),
    *(
        "（at",
        "（a）",
        "【at",
        "艾特",
        "爱特",
        "小老鼠",
        "圈a",
        " ät ",
        "(ät",
        "[ät",
        "{ät",
        "собака",
    ),
)
# '#' in place of '@', where e-mail is spoken of.
_HASH_EMAIL = re.compile(rf"{_USER}#(?:{_LABEL}\.){{1,4}}{_LAST_LABEL}")
_MAIL_WORD = re.compile("[Mm]ail|邮|郵|信|[@＠][)）]|换|換|qq\\.com|163\\.com|126\\.com")
# icon@2x.png is a file; Instagram@pier.three is an account.
_FILE_ENDINGS = tuple(
    "png jpg jpeg gif svg webp js ts css py md txt html htm json yaml pdf".split()
)
_SITES_AS_USERS = ("git", "instagram", "twitter", "telegram", "tiktok", "ins", "ig", "x")


def address(text: str) -> str:
    """An e-mail address that is written in any of these ways, with '@' and dots."""
    text = re.sub(rf"{_SPELT_AT}| at |#| ?@ ?", "@", text.strip(), count=1, flags=re.IGNORECASE)
    return re.sub(rf"{_SPELT_DOT}|。", ".", text, flags=re.IGNORECASE).lower()


# Only the '@' spelt, where e-mail is spoken of: 'look at example.com' is none.
_AT_EMAIL = re.compile(
    r"(?:(?:e-?)?mail|邮[箱件]|郵[箱件])[^A-Za-z0-9\n]{1,6}"
    rf"({_USER} at (?:{_LABEL}\.){{1,4}}{_LAST_LABEL})",
    re.IGNORECASE,
)


def _hash_email(match):
    start, end = match.span()
    named = _MAIL_WORD.search(match.string[max(0, start - 16) : end + 10])
    return (start, end) if named and _is_email(match.group()) else None


def _is_email(text):
    user, _, domain = address(text).rpartition("@")
    *hosts, last = domain.split(".")
    version = len(hosts) > 1 and all(host.isdigit() for host in hosts)  # numpy@1.2.rc
    if "@" not in text and user in data("common_words")["en"].split():  # 'look at home dot com'
        return False
    return user not in _SITES_AS_USERS and last not in _FILE_ENDINGS and not version


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
        likely = (
            digits
            and len(value) >= (4 if is_named or value[:4].isdigit() else 6)
            or is_named
            and len(value) >= 6
        )
    elif which == "b":
        is_named = re.search("[:：=]| is | was ", before)
        is_key = re.search("token|key|secret", before, re.IGNORECASE)
        jumbled = digits or re.search("[@#$%^&*_+=~]|[a-z][A-Z]", value)
        long = len(value) >= 8 and letters and digits
        likely = is_named and jumbled and (long or not is_key)
    else:
        likely = digits
    return match.span(which) if likely else None


# Codes that open something, after a word that names them or before it

_CODE_ZH = (
    r"(?:(?:验证|驗證|校验|校驗|动态|動態|随机|隨機|授权|授權|激活|确认|確認|安全|取件|取货|取貨"
    r"|提货|提貨|提取|短信|簡訊|手机|"
    r"兑换|兌換|核销|登录|登入|登錄)[码碼]"
    r"|(?:动态|動態|随机|授权|开门|開門|[关單单后後前院楼樓家]门|门禁|門禁|门锁|門鎖|大门|入户"
    r"|解锁|支付|交易|取款|登录)"
    r"(?:密[码碼]|口令|[码碼])|密[码碼](?=(?:就|还|還)?(?:是|为|為|[:：])))"
)
_CODE_EN = (
    r"(?:(?:verification|verify|security|confirmation|authentication|auth|access|log-?in|sign-?in|"
    r"one-time|single-use|two-factor|2fa|mfa|sms|door|gate|entry|entrance|building|lock|alarm|"
    r"password|reset|password reset|unlock|activation|redemption|backup|recovery|pick-?up"
    r"|voucher|(?:bike |pad|combination )?lock|"
    r"lock-?box|key ?safe|key-?box|safe|garage|locker|keypad|intercom|buzzer|wi-?fi|lift|elevator|"
    r"toilet|bathroom|parking|house|flat|apartment|office) (?:codes?|passcode|pin|combination)"
    r"|your code|otp|2fa|(?<!boarding )passcode|pin(?: code| number)?)"
)
_CODE_VALUE = (
    r"(?:G-[0-9]{6}|[0-9]{1,4}(?:[ -][0-9]{1,5}){1,3}#?|[0-9]{3,8}#?|[0-9]{1,4}#[0-9]{2,8}"
    r"|(?=[A-Za-z-]{0,20}[0-9])[A-Za-z0-9]{2,12}(?:-[A-Za-z0-9]{2,12}){0,5})"
)
_CODE = re.compile(
    rf"{_CODE_ZH}(?:[(（][^()（）\n]{{0,8}}[)）])?"
    r"(?:就|还|一直|都|现在)?(?:是|为|為|叫)? ?[:：=]? ?[「『“\"【\[]?"
    rf"(?:(?P<a>{_CODE_VALUE}){RIGHT}(?! ?[位次个個条條年月日号號分秒天块元]|[.-][0-9])"
    r"|(?<=[码碼令是为為:：= 「『“])(?P<b>[a-z]{12,24})(?![A-Za-z]))"
    rf"|(?<![A-Za-z]){_CODE_EN}(?:(?:'s|’s| is| was| are)? ?[:：=] ?| (?:is|was|are) |(?:'s|’s) | )"
    rf"(?P<c>{_CODE_VALUE}){RIGHT}(?!\.[0-9]| ?[%°]| (?:lines|digits|mm|times|pages|of)(?![a-z]))"
    rf"|{LEFT}(?P<d>G-[0-9]{{6}}|[0-9]{{4,8}}|[0-9]{{2,4}}(?:[ -][0-9]{{2,4}}){{1,2}})"
    r"(?= ?[(（]?(?:(?:是|为)?(?:你|您|我)?的?"
    rf"(?:登录|登入|登錄|短信|手机|随机|动态|本次){{0,2}}的?{_CODE_ZH}"
    r"| is (?:your|the|my|his|her|our) (?:[A-Za-z-]{1,14} ){0,2}(?:code|otp|pin|passcode)))"
    rf"|(?<![A-Za-z])(?:use|enter|with|type) (?:the |this )?code (?P<e>{_CODE_VALUE}){RIGHT}"
    r"(?= to (?:sign|log|verify|confirm|continue|finish|open|get|activate|reset|pay|pair|join))"
    rf"|[凭憑](?:[码碼]|取件|提货)?[码碼]? ?(?P<f>{_CODE_VALUE}){RIGHT}"
    r"(?=[^，。；！？\n0-9]{0,12}(?:取|领|領|兑|提|进|進|开|開|入))",
    re.IGNORECASE,
)
_CODE_CUES = (
    "码",
    "碼",
    "口令",
    "凭",
    "憑",
    "combination",
    "code",
    "otp",
    "2fa",
    "pin:",
    "pin：",
    "pin is",
    "pin was",
    "pin'",
    "pin’",
)


def _code(match):
    """The span of the code; None for a bare word, or a number that the word does not claim."""
    which = match.lastgroup if match.lastgroup in "abcdef" else "a"
    value = match.group(which)
    if not any(map(str.isdigit, value)) and which != "b":
        return None
    if which == "a" and len(re.sub("[^0-9A-Za-z]", "", value)) < 4:
        return None
    before = match.string[match.start() : match.start(which)].lower()
    if which == "c" and not re.search("[:：=]|is |was |are |s $", before):
        # 'the PIN 4821', 'OTP 482913', but not 'pin 13'
        return match.span(which) if sum(map(str.isdigit, value)) >= 6 or "code" in before else None
    return match.span(which)


# Account names

# Arrows, hearts and the like stand between a word and a name, or inside the word.
_EMOJI = "\u2190-\u2bff\ufe0e\ufe0f\u200d\U0001f000-\U0001faff"
# Two ranges, which are searched faster; other signs of _EMOJI stand beside one of these.
SIGNS = re.compile("[^\x00-\u218f\u2c00-\uffff]")
_SIGNS = f"[ {_EMOJI}]{{0,6}}"


def _apart(words):
    """A pattern for words between whose Chinese signs emoji may stand."""
    return re.sub(r"(?<=[\u3400-\u9fff])(?=[\u3400-\u9fff])", f"[ {_EMOJI}]{{0,3}}", words)


_CLAIM = (
    _SIGNS
    + r"(?P<how>(?:群|频道|公众号)?(?:号码?|號碼?| ?id|帐号|账号|帳號| account| handle| username"
    r"|아이디| ?아이디)?"
    rf"(?:后台的?)?(?:就|还|一直|也)?(?:是|为|叫| is| was)? ?[:：=-]? ?){_SIGNS}"
)
_WECHAT_WORD = (
    _apart("微信|薇信|威信|卫星|徽信|溦信|维信|薇心|微芯|绿泡泡|绿色软件|小绿软件")
    + rf"|(?<![A-Za-z])(?:v ?信|wechat|weixin|v[.\-]?x|w[.\-]?x|[vw][{_EMOJI}]{{1,3}}x)"
)
_WECHAT = re.compile(
    rf"(?:(?P<who>{_WECHAT_WORD})|加 ?(?:我|个|下|一下)?的?[vw微薇威][信心]?"
    r"|(?<![A-Za-z0-9])[+➕] ?我?(?:[vw](?![A-Za-z])|[微薇威])[信心]?"
    rf"|(?P<sign>(?<![A-Za-z\u3400-\u9fff])"
    rf"(?:[vw微薇威](?=[{_EMOJI}])|(?-i:V|v(?=：)|[微薇威])(?=[:：]))"
    r"|[\U0001f49a\U0001f6f0]\ufe0f?(?=[:：])))"
    + _CLAIM
    + r"(?:(?P<v>[A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_-])"
    r"|(?<=[号:：] )(?P<n>[1-9][0-9]{4,9})(?![0-9])"
    r"|(?<=[号:：])(?P<m>[1-9][0-9]{4,9})(?![0-9]))",
    re.IGNORECASE,
)
_WECHAT_CUES = tuple(
    "wechat weixin vx wx v.x w.x v-x w-x 微 薇 威信 威❤ 卫 徽信 溦信 维信 "
    "v信 加v 加w 绿泡泡 绿色软件 小绿软件 "
    "+v +w ➕v ➕w ➕ 加我v v: v：".split()
)
_NO_ACCOUNTS = tuple(
    "wechat weixin iphone android windows macos http https www official desktop python".split()
)
_QQ = re.compile(
    rf"(?:\U0001f427|(?<![A-Za-z])qq|扣扣?(?=[{_EMOJI}])|扣扣|企鹅"
    rf"|(?<![A-Za-z])q(?= ?号|[:：] ?[1-9][0-9]{{5}}))"
    rf"{_SIGNS}(?:群)?(?: ?号码?)?(?:就|还|一直)?(?:是|为|叫)? ?[:：=]? ?{_SIGNS}"
    r"([1-9][0-9]{4,10}|[1-9][0-9]{2,3} [0-9]{3,4}(?: [0-9]{1,4})?)"
    r"(?![0-9]|\.[0-9]| ?[人个万亿元年次块版])",
    re.IGNORECASE,
)
_SITES = (
    r"(?:(?<![A-Za-z])(?:tg|telegram|twitter|instagram|insta|ins|ig|kakao(?:talk)?|snap|twitch"
    r"|discord|skype|snapchat|tiktok|"
    r"bluesky|threads"
    r"|mastodon|facebook|(?-i:LINE|Line|X)|line(?= ?id))|카톡|카카오톡|カカオ|ライン|电报|電報"
    r"|纸飞机|飞机|推特|微博|抖音|小红书|快手|b站|"
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
        "tg号|ig：|ins：|ins号|x账号|x帐号|카톡|카카오톡|カカオ|ライン|电报|電報|纸飞机|推特"
        "|微博|抖音|小红书|快手|b站|豆瓣|"
        "脸书|카톡|카카오톡|カカオ|ライン|kakao|snap:|snap |insta:|twitch"
    ).split("|")
)
_NAMED = re.compile(
    rf"{_SITES}{_CLAIM}((?:live:)?[A-Za-z][A-Za-z0-9_.#-]{{3,31}}(?![A-Za-z0-9_@])"
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
    if match.group("sign"):  # 'V👉' alone may lead to anything
        return match.span(which) if re.search("[0-9_-]", value) else None
    is_named = re.search("[号號是为叫:：=]|id|账|帐", how) or not match.group("who")
    return match.span(which) if re.search("[0-9_-]", value) or is_named else None


def _named(match):
    """The span of an account name without '@', if it is called one or is no ordinary word."""
    value, how = match.group(match.lastindex), match.group("how").lower()
    is_named = re.search("号|號|id|账|帐|帳|account|handle|username|아이디", how)
    linked = not value[0].isdigit() and re.search("[:：=]|是|为| is", how)
    is_named = is_named or re.search("#[0-9]{4}$", value)
    unusual = linked and re.search(r"[0-9_#]|[A-Za-z]\.[A-Za-z]", value)
    if not (is_named or unusual) or value.lower().startswith(_NO_ACCOUNTS):
        return None
    return value_span(match)


DETECTORS = (
    Detector("key", ("-----begin",), (0, 20000), _PRIVATE_KEY),
    Detector("key", ("eyj",), (1, 24000), _JWT),
    Detector("key", _TOKEN_CUES, (12, 260), _TOKEN, value_if(_is_token)),
    Detector("email", _EMAIL_CUES, (80, 260), _EMAIL, value_if(_is_email)),
    Detector(
        "email", re.compile("#(?<=[A-Za-z0-9]#)[A-Za-z0-9]"), (66, 120), _HASH_EMAIL, _hash_email
    ),
    Detector("email", ("mail", "邮", "郵"), (2, 260), _AT_EMAIL, value_if(_is_email)),
    Detector("key", _SECRET_CUES, (1, 100), _SECRET, _secret),
    Detector("key", _CODE_CUES, (40, 60), _CODE, _code),
)
HANDLES = (
    Detector("handle", (".me/", ".com/", "wxid_"), (16, 50), _LINKED),
    Detector("handle", _WECHAT_CUES, (4, 60), _WECHAT, _wechat),
    Detector("handle", SIGNS, (3, 60), _WECHAT, _wechat),
    Detector(
        "handle",
        ("qq", "扣", "企鹅", "q号", "q:", "q：", "\U0001f427"),
        (1, 40),
        _QQ,
        of_digits=True,
    ),
    Detector("handle", ("@",), (40, 50), _AT),
    Detector("phone", re.compile(r"@\u2068?[0-9]{10}"), (1, 30), _MENTION, value_if(_is_mention)),
    Detector("handle", _SITE_CUES, (1, 60), _NAMED, _named),
)
