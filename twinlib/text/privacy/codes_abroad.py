"""Codes and passwords after words for them in German, Spanish, Portuguese, French, Italian, Dutch,
Russian, Japanese and Korean, and after 'code' with words of any kind around it.

A word such as 'code' is also one for programs, laws and post: what names these is refused, and so
is a number that counts something.
"""

import re

from .numbers import LEFT, RIGHT, Detector

_NOUN = (
    r"(?:[a-zäöü]{0,20}-?codes?|c[oó]digos?|codice|clave|digicode|geheimzahl|combinaci[oó]n|"
    r"combina[cç][aã]o|zahlenkombination|combination|pincode|passcode|otp|puk|pin|(?-i:m?TAN))"
)
_MORE = r"(?: [a-zà-ÿ'’-]{1,16}){0,5}"
_LINK = (
    r"(?: ?[:：=] ?| (?:is|was|es|é|est|ist|lautet|war|è|luidt|dice) (?:el |o |le |la )?"
    r"|,? c['’]est (?:le )?|(?:'s|’s) )"
)
_VALUE = (
    r"(?:G-[0-9]{6}|[0-9]{1,4}(?:[ .-][0-9]{1,4}){1,3}[#*]?|[0-9]{3,8}[#*]?"
    r"|[A-Z]{0,2}[0-9]{2,8}[A-Z#]?"
    r"|(?=[A-Za-z-]{0,20}[0-9])[A-Za-z0-9]{2,12}(?:-[A-Za-z0-9]{2,12}){0,5})"
)
_COUNTS = (
    r"(?! ?(?:[%€$°]|[行桁個回件文年月日자줄번회年]|(?:lines?|lignes?|l[ií]neas?|linhas?|zeilen"
    r"|righe|"
    r"digits?|chiffres?|cifras|d[ií]gitos|stellen|zeichen|words?|mots|palabras|palavras|wörter|"
    r"times|pages?|years?|ans|años|anos|jahre|people|euros?|of|mm|cm|km)(?![a-z])"
    r"|(?:строк|цифр|знак|лет|раз)))(?!\.[0-9])"
)
_LATIN = re.compile(
    rf"(?<![A-Za-z])(?P<noun>{_NOUN}){_MORE}{_LINK}[\[(「\"“']?(?P<v>{_VALUE}){RIGHT}{_COUNTS}",
    re.IGNORECASE,
)
# 'TAN 482913', 'dein Code 482 913': six digits or more need no sign between.
_BARE = re.compile(
    r"(?<![A-Za-z])(?:(?-i:m?TAN|PUK|OTP)|(?:bestätigungs|verifizierungs|sicherheits|freischalt"
    r"|aktivierungs|zugangs|anmelde|einmal|tür|haustür|sms|login)-?code|(?:c[oó]digo|code|codice"
    r"|clave) (?:de |di )?"
    r"(?:verificaci[oó]n|verifica[cç][aã]o|v[eé]rification|verifica|seguridad|seguran[cç]a|"
    r"s[eé]curit[eé]|acceso|acesso|acc[eè]s|accesso|confirmaci[oó]n|confirma[cç][aã]o|confirmation|"
    r"activaci[oó]n|ativa[cç][aã]o|activation|sms|secret[oa]?|segreto|pin|"
    r"(?:(?:la|el|a|o|le|l['’]|do|da|del|du|d['’]|dell['’]) ?)?(?:entr[ée]e|entrada|puerta|porta"
    r"|porte|"
    r"port[aã]o|portail|portal|portone|garaje|garagem|garage|immeuble|edificio|alarma|alarme"
    r"|allarme|"
    r"caja|coffre|cofre|wi-?fi|maison|casa)))"
    rf" (?P<v>{_VALUE}){RIGHT}{_COUNTS}",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"{LEFT}(?P<v>G-[0-9]{{6}}|[0-9]{{4,8}}|[0-9]{{2,4}}(?:[ -][0-9]{{2,4}}){{1,2}})"
    r"(?= (?:is|es|é|est|ist|è) (?:(?:the|your|my|le|la|el|o|a|il|tu|su|seu|sua|teu|tua|tuo|votre|"
    r"vos|ton|mon|mi|meu|minha|ihr|dein|mein|de|jouw|uw)e? ){1,2}(?:[\w-]{1,18} ){0,3}"
    r"(?:otp|pin|(?-i:m?TAN)|[a-zäöü-]{0,20}code|c[oó]digo|codice|clave|passcode)(?![a-z]))",
    re.IGNORECASE,
)
# 'Use 482913 to verify your account'
_USED = re.compile(
    rf"(?<![A-Za-z])(?:use|enter|type|usa|utilise[zr]?|utilize) (?P<v>[0-9]{{4,8}}"
    rf"|[0-9]{{3}}[ -][0-9]{{3}}){RIGHT}"
    r"(?= (?:to|as|para|pour|per) (?:\w{1,10} )?(?:sign|log|verif|vérif|confirm|continu|finish|"
    r"activ|reset|pair|entrar|acce|iniciar|valid|connect))",
    re.IGNORECASE,
)
# Words that make a code no secret, before the noun or after it.
_PUBLIC = re.compile(
    r"error|fehler|erro |erreur|fout|status|exit|return|estado|état|postal|postcode|zip|plz"
    r"|postleit"
    r"|area|[aá]rea|zona|country|pa[ií]s|pays|länder|vorwahl|penal|civil|fiscal|labor|commerc"
    r"|comercio|trabajo|source|fuente|fonte|quell|sorgente|program|python|java|farb|colou?r|dress"
    r"|barr|bar ?code|barcode|strich|qr|morse|product|produ[ck]to|produit|produto|promo|discount"
    r"|rabatt|descuento|desconto|remise|airport|currency|unicode|ascii|http|genetic|gen[eé]ti|iso"
    r"|de conduc|of conduct|building code|of law|de la route",
    re.IGNORECASE,
)

# Japanese, Korean, Russian

_JAPANESE = (
    r"(?:(?:認証|確認|暗証|ワンタイム|セキュリティー?|ログイン|検証|承認|解[錠除]|開錠|ドア|玄関"
    r"|受取|引換)用?の?"
    r"(?:コード|番号|キー|パスワード|ナンバー)|パスコード|合い?言葉)"
)
_KOREAN = (
    r"(?:(?:인증|확인|보안|비밀|승인|현관|출입|출입문|도어락|택배함?|로그인) ?(?:번호|코드)|비번)"
)
_RUSSIAN = (
    r"(?:(?:код|пин-?код|пин)(?![а-яё])(?! (?:ошибк|город|стран|товар"
    r"|региона))(?: [а-яё-]{1,16}){0,3})"
)
_OTHER_LINK = r"(?: ?(?:[はがも]|です|는|은|이|가|[:：=—–-])){0,2}[ \[「『(（【\"]{0,2}"
_OTHER = re.compile(
    rf"(?:{_JAPANESE}|{_KOREAN}|{_RUSSIAN}){_OTHER_LINK}(?P<v>{_VALUE}){RIGHT}{_COUNTS}",
    re.IGNORECASE,
)

# Passwords

_PASSWORD = re.compile(
    r"(?:(?<![A-Za-z])(?:contraseñas?|clave|senhas?|palavra-passe|mots? de passe|mdp|passwor[td]|"
    r"kennwort|wachtwoord|parola d['’]ordine|[a-z]{2,10}-?(?:passwort|kennwort|wachtwoord)|"
    r"(?:wlan|wifi|wi-fi)-?(?:schlüssel|key|code))"
    r"(?: [a-zà-ÿ'’-]{1,16}){0,4}"
    r"(?: ?[:：=] ?| (?:is|es|é|est|ist|lautet|war|era|è) )"
    r"|(?:пароль|парол[ья])(?: [а-яё-]{1,14}){0,3} ?[:：=—–-] ?"
    r"|(?:パスワード|暗証番号|비밀번호|비번|암호|패스워드)(?:は|が|는|은|이|가)? ?[:：=]? ?)"
    r"[\"'“「『\[]?(?P<v>[!#-&(-+.-:=?-Z^-~-]{3,63}[A-Za-z0-9@#$%^&*_+=~!-])",
    re.IGNORECASE,
)


def _code(match):
    """The span of the code; None where words around make it public, or it has few signs."""
    value = match["v"]
    before = match.string[max(0, match.start() - 14) : match.start("v")]
    digits = sum(map(str.isdigit, value))
    signs = sum(map(str.isalnum, value))
    if digits < 3 or signs < 4 or _PUBLIC.search(before):
        return None
    return match.span("v")


def _plain_code(match):
    return match.span("v") if sum(map(str.isdigit, match["v"])) >= 4 else None


def _password(match):
    value = match["v"]
    if value.lower().startswith(("http:", "https:")):
        return None
    jumbled = re.search(r"[0-9@#$%^&*_+=~]|[a-z][A-Z]", value)
    return match.span("v") if jumbled and len(value) >= 4 else None


_NOUN_CUES = tuple(
    "code|digo|codice|clave|geheimzahl|combina|otp|puk |puk:|pin |pin:|pin-|pin=|tan |tan:".split(
        "|"
    )
)
_OTHER_CUES = tuple(
    "コード|番号|キー|パスワード|ナンバー|合言葉|合い言葉|번호|코드|비번|암호|код|пин".split("|")
)
_PASSWORD_CUES = (
    *("contrase", "clave", "senha", "palavra-passe", "de passe", "mdp", "passwor", "kennwort"),
    *("wachtwoord", "parola d", "hlüssel", "wifi-key", "wifi key", "wlan-key"),
)
_OTHER_PASSWORD_CUES = ("парол", "パスワード", "暗証番号", "비밀번호", "비번", "암호", "패스워드")
_REACH = (90, 130)
DETECTORS = (
    Detector("key", _NOUN_CUES, _REACH, _LATIN, _code, True),
    Detector("key", _NOUN_CUES, _REACH, _BARE, _plain_code, True),
    Detector("key", _NOUN_CUES, _REACH, _BEFORE, _plain_code, True),
    Detector("key", re.compile("[seEzrR] [0-9]{3}"), (12, 60), _USED, _plain_code, True),
    Detector("key", _PASSWORD_CUES, _REACH, _PASSWORD, _password),
    Detector("key", _OTHER_PASSWORD_CUES, _REACH, _PASSWORD, _password),
    Detector("key", _OTHER_CUES, _REACH, _OTHER, _plain_code, True),
)
