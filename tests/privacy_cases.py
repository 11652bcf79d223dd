"""The labelled set for the detectors of personal data: planted values, and what resembles them.

A case is written with its values marked, «kind|value»; everything outside the marks must stay. The
sign ¦ is removed: it keeps scanners for leaked keys from taking an invented one for real; ⏎ is a
line break. Values
are written by hand or made after the public specifications (GB 11643 for identity numbers, ISO/IEC
7812 for cards, E.164 for phones, GA 36 for plates), never with the detectors' own patterns. The
lines of privacy/*.txt are written by hand. All data are invented.
"""

import random
import re
import string
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "privacy"
SPELT_NAMES = (
    *("Alice", "José", "Müller", "O'Brien", "Jean-Luc Moreau", "Mary Ann Lee", "Will", "Mark"),
    *("Rose", "Strauß", "Zoë", "张三丰", "王五", "林晓东", "司马光远"),
)
HELD_OUT_NAMES = (
    *("Inês", "Björn", "O'Leary", "Anna-Lena", "Peter van der Berg", "Hope", "May", "Grant"),
    *("Kasia Wójcik", "Renée", "陈国栋", "欧阳小雨", "刘洋洋"),
)
ABROAD_NAMES = (
    *("Zoë Dupré", "François", "Łukasz", "Åsa Lindqvist", "Søren", "Nguyễn Văn Hùng"),
    *("Begoña", "João", "Conceição", "Günther Weiß", "Séamus O'Dowd", "D'Angelo"),
    *("María José", "Jean-Baptiste", "Çağla", "İpek", "Ștefan", "Алёна"),
    *("Γιώργος", "김민준", "田中 花子", "さくら", "प्रिया", "刘丽华"),
    *("诸葛青云", "叶芳", "钟灵", "郑发财", "于谦", "黄 锦"),
    *("Grace", "Jack Summers", "Priya", "Raj", "Élodie Marchand", "Bjørn"),
    *("Małgorzata", "Thịnh", "Inácio", "Núria Puig", "Jörg Krämer", "O'Hara"),
    *("Fionnuala McCabe", "D'Souza", "Ana-Lívia", "José Luis", "Óscar", "Gülşen"),
    *("Răzvan", "Сёмин", "Ελένη", "박서연", "佐藤 健", "ミキ"),
    *("अनीता", "蕭薔", "欧阳锋", "苏慧", "谢小云", "冯九"),
    *("Faith", "Dean Archer", "Will Ford", "Meera", "Aarav Iyer", "Léo"),
    *("Aurélie Fontaine", "Øystein", "Wiśniewska", "Hữu Nghĩa", "Simão", "Iñaki"),
    *("Käthe Grün", "O'Neill", "Caoimhe", "Dell'Orto", "Sarah-Jane", "Rosa María"),
    *("Árpád", "Ayşe", "Mădălina", "Наталья", "Δημήτρης", "이도윤"),
    *("鈴木 一郎", "ユウタ", "राहुल", "聶鵬", "上官燕", "罗蕙兰"),
    *("万三", "贺小鹏", "Joy", "Skye Fisher", "Kavya", "Rohan Mehta"),
    *("Noël", "Mélanie Roux", "Åke", "Ewa Żak", "Trần Bảo", "Luísa"),
    *("Iván Peña", "Änne Vogt", "O'Malley", "Siobhán", "Jean-Marc", "Ana Sofía"),
    *("Ümit", "Ионова", "정하늘", "高橋 直子", "沈雪梅", "司徒静"),
    *("陆远帆", "叶芷兰", "Piper Stone", "Neha", "Anaïs", "Gaëlle Petit"),
    *("Håkon", "Jędrzej Kos", "Phạm Thu", "Estêvão", "Ramón Núñez", "Björk Óladóttir"),
    *("D'Arcy", "Niamh Ní Bhroin", "Marie-Ève", "Luz María", "Çetin", "Фёдорова"),
    *("최유나", "小林 蓮", "杜丽娟", "东方烁", "钱国梁", "罗云霞"),
    *("Penny Lane", "Sanjay", "Zoé"),
)
HELD_OUT_ABROAD_NAMES = (
    *("Océane Faure", "Jürgen", "Kryštof Šimek", "Lê Thảo", "Gonçalo", "Begoña Ibáñez"),
    *("Sólveig", "O'Connell", "Ciarán Ó Sé", "Anne-Laure", "José Ramón", "Şule"),
    *("Зайцев", "강민서", "中村 葵", "吴晓兰", "欧阳菲", "郭庆丰"),
    *("钟丽云", "Robin Marsh", "Anjali", "Maëlle"),
)
OWNERS_NAMES = ("林小满", "Marta Quill", "老秦", "周小禾", "Benno Achterberg")
SLACK = 3  # a find may be this many characters longer than the planted value: a bracket, a particle


class Case(NamedTuple):
    """`planted` are (kind, start, end) in `text`."""

    text: str
    planted: list


def parse(marked):
    """A Case from text in which values are marked «kind|value»."""
    text, planted = "", []
    marked = marked.replace("¦", "").replace("⏎", "\n")
    for piece in re.split("(«[^»]*»)", marked):
        if piece.startswith("«"):
            kind, value = piece[1:-1].split("|", 1)
            planted.append((kind, len(text), len(text) + len(value)))
            piece = value
        text += piece
    return Case(text, planted)


def read(name):
    """The hand-written cases of a file, one a line."""
    return [
        parse(line) for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    ]


def chinese_without_spaces(case):
    """Is this a sentence in Chinese, with no space in it outside the values?"""
    rest = "".join(
        c for i, c in enumerate(case.text) if not any(a <= i < b for _, a, b in case.planted)
    )
    return len(re.findall("[\u4e00-\u9fff]", rest)) >= 2 and " " not in rest


# Values after the specifications


def identity(rng, right=True):
    """GB 11643: place, birthday, order, check digit by weights 2^(17-i) mod 11 (ISO 7064)."""
    place = rng.choice(
        ("110108", "310104", "440106", "510104", "330102", "420111", "230103", "652101", "350203")
    )
    birthday = f"{rng.randint(1935, 2015)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"{place}{birthday}{rng.randint(1, 999):03}"
    check = next(
        c
        for c in range(11)
        if (sum(int(d) * 2 ** (17 - i) for i, d in enumerate(body)) + c) % 11 == 1
    )
    check = check if right else (check + rng.randint(1, 9)) % 11
    return body + "0123456789X"[check]


def card(rng, right=True):
    """A card number whose digits, every second one doubled, sum to a multiple of ten."""
    start, size = rng.choice(
        (
            ("622202", 19),
            ("621700", 19),
            ("622588", 16),
            ("4026", 16),
            ("5155", 16),
            ("356895", 16),
            ("3715", 15),
            ("6259", 16),
        )
    )
    body = start + "".join(rng.choice(string.digits) for _ in range(size - 1 - len(start)))
    total = sum(
        sum(divmod(int(d) * 2, 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body))
    )
    return body + str((-total + (0 if right else rng.randint(1, 9))) % 10)


def mobile(rng):
    return rng.choice(
        ("134", "139", "150", "158", "166", "173", "177", "182", "186", "191", "198", "199")
    ) + "".join(rng.choice(string.digits) for _ in range(8))


def plate(rng):
    """GA 36: province, letter of the office, five places (new energy: six), at most two letters."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    serial = [rng.choice(string.digits) for _ in range(5)]
    for place in rng.sample(range(5), rng.choice((0, 1, 2))):
        serial[place] = rng.choice(letters)
    front = rng.choice("京沪粤浙苏川鄂湘鲁闽渝津陕") + rng.choice("ABCDEFGH")
    return front + (rng.choice("DF") if rng.random() < 0.3 else "") + "".join(serial)


def token(rng, size, alphabet=string.ascii_letters + string.digits):
    return "".join(rng.choice(alphabet) for _ in range(size))


def grouped(text, *sizes, sign=" "):
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return sign.join([*pieces, text[at:]]).strip(sign)


def wide(text):
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


def values(seed=11):
    """{kind: values} made after the specifications, the same every time."""
    rng = random.Random(seed)
    cards, phones = [card(rng) for _ in range(12)], [mobile(rng) for _ in range(16)]
    ids = [identity(rng) for _ in range(10)]
    mixed = string.ascii_letters + string.digits
    return {
        "identity": ids
        + [grouped(i, 6, 8) for i in map(identity, [rng] * 3)]
        + [wide(identity(rng))],
        "card": cards
        + [grouped(c, 4, 4, 4, 4) for c in (card(rng) for _ in range(8)) if len(c) > 15]
        + [grouped(c, 4, 4, 4, 4, sign="-") for c in (card(rng) for _ in range(4)) if len(c) > 15],
        "phone": phones
        + [grouped(mobile(rng), 3, 4) for _ in range(4)]
        + [grouped(mobile(rng), 3, 4, sign="-") for _ in range(4)]
        + [
            "+86 " + mobile(rng),
            "+86" + mobile(rng),
            "86-" + mobile(rng),
            wide(mobile(rng)),
            grouped(mobile(rng), *[1] * 11),
            "+86-" + grouped(mobile(rng), 3, 4),
        ],
        "plate": [plate(rng) for _ in range(20)]
        + ["粤B·7K3M9", "沪A 90817", "京AD12345", "粤ZKM12港", "粤ZPP83澳", "苏E6042学"],
        "key": [
            "sk-" + token(rng, 48),
            "sk-proj-" + token(rng, 40, mixed + "-_"),
            "sk-ant-api03-" + token(rng, 60, mixed + "-_"),
            "ghp_" + token(rng, 36),
            "gho_" + token(rng, 36),
            "github_pat_" + token(rng, 22) + "_" + token(rng, 59),
            "hf_" + token(rng, 34),
            "AKIA" + token(rng, 16, string.ascii_uppercase + "234567"),
            "AIza" + token(rng, 35, mixed + "-_"),
            "xoxb-" + token(rng, 12, string.digits) + "-" + token(rng, 24),
            "eyJ" + token(rng, 30) + ".eyJ" + token(rng, 60) + "." + token(rng, 43, mixed + "-_"),
            "glpat-" + token(rng, 20),
        ],
    }


ZH = {
    "identity": ("身份证号是{}，别外传", "他报了{}这串数字", "证件：{}。", "登记的是{}已核对"),
    "card": ("转到{}就好", "卡号{}，开户行在城西", "我的银行卡是{}别转错", "尾款打{}。"),
    "phone": ("打{}找我", "电话{}，早上接", "手机号是{}有事留言", "师傅的号码{}存好了"),
    "plate": ("车牌{}停在门口", "那辆{}又来了", "开{}的是他舅舅", "跟着{}走了一路"),
    "key": ("密钥{}已经作废", "把{}写进了代码", "令牌是{}，别提交"),
    "email": ("邮箱{}，三天看一次", "写信到{}就行", "请寄{}谢谢", "他用{}注册的"),
    "ip": ("服务器在{}上", "地址是{}，端口另说", "从{}登录的"),
    "passport": ("护照号{}，有效期到后年", "护照是{}别弄丢", "他的护照号码为{}。", "（护照：{}）"),
    "address": ("我住在{}，来喝茶", "寄到{}就行", "店开在{}", "地址：{}。", "他搬到{}去了"),
    "coordinates": ("营地坐标{}，自己导航", "位置在{}附近", "照片拍于{}。"),
    "name": ("那天{}没来", "我和{}吃面", "（{}说的）"),
}
EN = {
    "identity": ("ID number {} was on the form.", "My 身份证 is {} if they ask"),
    "card": ("Charge {} please.", "The card {} expired"),
    "phone": ("Call {} today", "My number: {}."),
    "plate": ("The van was {} again.",),
    "key": ("The key {} leaked", "Authorization used {} all along."),
    "email": ("Write to {}.", "mail <{}> bounced", "({})"),
    "ip": ("It answered at {}.", "ssh root on {} works", "host {}, port 22"),
    "passport": ("Passport number {} was copied.", "passport no. {}", "My passport is {}."),
    "address": ("I live at {}.", "Send it to {} please", "We met outside {}, in the rain"),
    "coordinates": ("The hut is at {}.", "GPS: {}"),
    "name": ("I told {} so.", "{} laughed"),
}
HAND = {
    "email": (
        "ning@example.com",
        "a.b+c@mail.example.org",
        "xiao_man88@163.com",
        "12345678@qq.com",
        "li-wei@sub.example.com.cn",
        "Q.Tan@Example.NET",
        "m@a-b.io",
        "x1@example.museum",
        "lin.xm@foxmail.com",
        "pier3@mail.example.net",
    ),
    "ip": (
        "203.0.113.7",
        "10.0.0.12",
        "198.51.100.254",
        "172.16.8.1",
        "192.168.1.105",
        "2001:db8::8a2e:370:7334",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "fe80::1ff:fe23:4567:890a",
        "8.219.44.2",
    ),
    "passport": (
        "E12345678",
        "G58201934",
        "EA2049317",
        "EH7700152",
        "D00412876",
        "P83920017",
        "S41207765",
        "PE1046283",
        "K04417823",
        "C01X00T47",
        "533380006",
    ),
    "coordinates": (
        "31.2304, 121.4737",
        "31.230416,121.473701",
        "39.9042°N, 116.4074°E",
        "31°14′06″N 121°28′22″E",
        "-33.8688, 151.2093",
        "N39°54'20\" E116°23'29\"",
        "22.54286，114.05956",
        "51°30'26\"N, 0°7'39\"W",
    ),
    "name": OWNERS_NAMES[:3],
}
ADDRESS_ZH = (
    "上海市静安区南京西路1266号",
    "北京市海淀区中关村大街27号",
    "人民路123号",
    "和平里西街甲7号",
    "福州路四三六号",
    "中山北路88弄3号602室",
    "江苏省南京市鼓楼区汉口路22号",
    "阳光花园3栋2单元501室",
    "广州市天河区体育东路116号财富广场1804室",
    "台北市信義區松高路12巷3號5樓",
    "九龍彌敦道123號4樓",
    "李家村45号",
    "建国门外大街甲12号",
    "翠苑新村6号楼2单元301",
    "长乐路800弄12号",
    "文昌巷9号院2号楼",
    "四川省成都市锦江区东大街100号",
    "解放路168-2号",
    "邮政信箱2208号",
)
ADDRESS_EN = (
    "221B Baker Street",
    "12 Elm St.",
    "1600 Harbor Avenue, Suite 210",
    "P.O. Box 991",
    "47 Old Kent Road",
    "8 Saint Mary's Close",
    "3005 N. Lincoln Blvd",
    "19 Rose Terrace, Flat 2",
    "742 Orchard Drive, Apt 4B",
    "77 Quayside Lane",
    "PO Box 12",
    "5 King's Parade Square",
)


def _carried(kind, items, carriers, start=0):
    """Each item in some of the carriers, in turn."""
    return [
        parse(carriers[(start + i) % len(carriers)].replace("{}", f"«{kind}|{item}»"))
        for i, item in enumerate(items)
    ]


def planted():
    cases = read("planted")
    made = values()
    for kind in (*made, *HAND):
        items = made.get(kind) or HAND[kind]
        zh, en = ZH[kind], EN[kind]
        for turn in range(3 if len(items) < 15 else 1):
            cases += _carried(kind, items, zh, turn)
        cases += _carried(kind, items[:: 2 if len(items) < 15 else 4], en)
    cases += _carried("address", ADDRESS_ZH, ZH["address"]) + _carried(
        "address", ADDRESS_ZH, ZH["address"], 2
    )
    cases += _carried("address", ADDRESS_EN, EN["address"]) + _carried(
        "address", ADDRESS_EN, ZH["address"]
    )
    block = (
        "-----BEGIN RSA PRIV¦ATE KEY-----\nMIIEowIBAAKCAQEA\nqL8x+/9k=\n"
        "-----END RSA PRIV¦ATE KEY-----"
    )
    return cases + _carried("key", (block,), ZH["key"])


def near_misses(seed=12):
    rng = random.Random(seed)
    cases = read("near_misses")
    for i in range(14):  # a wrong check digit is no identity number, and no card
        cases.append(
            parse(
                ("证号{}不存在", "串号{}，乱写的", "the string {} is made up")[i % 3].format(
                    identity(rng, False)
                )
            )
        )
        cases.append(
            parse(
                ("编号{}查不到", "流水{}。", "reference {} failed")[i % 3].format(card(rng, False))
            )
        )
    for i in range(8):  # a mobile number in the middle of a longer one
        longer = token(rng, 4, "23456789") + mobile(rng) + token(rng, 5, "0123")
        cases.append(parse(("长串{}没用", "serial {}")[i % 2].format(longer)))
    for i in range(8):
        day = f"{rng.randint(1900, 2030)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
        cases.append(
            parse(
                ("文件{}已归档", "订单{}00371发货", "backup {} done", "期号{}。")[i % 4].format(day)
            )
        )
    return cases


def every():
    return planted() + near_misses()


def held_out():
    """Written before the detectors were first run, and never used to tune one."""
    return read("held_out")


# The same data in other spellings

SPELLINGS = {
    "Alice": ("alice", "ALICE", "Ａｌｉｃｅ"),
    "José": ("jose", "JOSÉ", "Jose", "Jose\u0301"),
    "Müller": ("müller", "MÜLLER", "Mueller", "MUELLER", "muller"),
    "O'Brien": ("O’Brien", "o‘brien", "OBrien", "O BRIEN", "Oʼbrien"),
    "Jean-Luc Moreau": ("jean luc moreau", "Jean–Luc Moreau", "JEANLUC MOREAU"),
    "Mary Ann Lee": ("mary ann lee", "Mary Ann\u00a0Lee", "MARY-ANN LEE", "Mary⏎Ann Lee"),
    "Strauß": ("Strauss", "STRAUSS", "strauß"),
    "张三丰": ("張三豐", "張三丰", "张 三丰"),
    "林晓东": ("林曉東", "林　晓东", "林晓 东"),
    "司马光远": ("司馬光遠", "司马 光远", "司马·光远"),
}


def wide_spelling(text):
    """Digits, letters and the signs of numbers and addresses in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def iban(rng, country, account):
    """ISO 13616: two check digits make the number, letters as 10 to 35, one modulo 97."""
    number = int("".join(str(int(sign, 36)) for sign in account + country + "00"))
    return f"{country}{98 - number % 97:02}{account}"


def spellings(seed=21):
    """Names, numbers and addresses as people spell them, by hand and made; and what resembles."""
    rng, cases = random.Random(seed), read("spellings")
    made = {"name": [spelt for group in SPELLINGS.values() for spelt in group]}
    signs = (".", "·", "/", "_", "–", "—", "−", " - ", "\u00a0", "\u3000", "  ", "－", "．")
    made["phone"] = [grouped(mobile(rng), 3, 4, sign=sign) for sign in signs]
    made["phone"] += [grouped(mobile(rng), *[1] * 11, sign=sign) for sign in ("-", ".", "·")]
    made["phone"] += [wide_spelling("+86-" + mobile(rng)), "+86." + grouped(mobile(rng), 3, 4)]
    for sign in (".", "—", "·", "－", "\u00a0"):
        made.setdefault("card", []).append(grouped(card(rng), 4, 4, 4, 4, sign=sign))
        made.setdefault("identity", []).append(grouped(identity(rng), 6, 8, sign=sign))
    made["identity"].append(wide_spelling(identity(rng)))
    for country, size in (("DE", 18), ("ES", 20), ("AT", 16), ("PT", 21), ("BE", 12)):
        number = iban(rng, country, token(rng, size, string.digits))
        fours = grouped(number, *[4] * (len(number) // 4), sign=" ")
        made["card"] += [number, fours, fours.replace(" ", "-"), number.lower()]
    return cases + [
        case
        for kind, items in made.items()
        for case in _carried(kind, items, ZH[kind]) + _carried(kind, items, EN[kind])
    ]


def held_out_spellings():
    """Written before these spellings were first looked for, and never used to tune a detector."""
    return read("held_out_spellings")


def abroad():
    """Names, numbers and codes in twenty languages and countries; the looked-at set."""
    return read("abroad")


def near_abroad():
    """What resembles them: dates, sums, versions, books, scores, laws, codes of other kinds."""
    return read("near_abroad")


def held_out_abroad():
    """In sentences of their own, written before the last mending and never looked at for one."""
    return read("held_out_abroad") + read("held_out_near_abroad")


def score(find, cases, names=OWNERS_NAMES):
    """{kind: [planted, found, wrong]}, and the cases with something missed or wrongly found.

    A planted value is found when a match of its kind covers it and is at most SLACK characters
    longer; every other match is wrong.
    """
    table, failures = {}, []
    for case in cases:
        finds = [(f.kind, f.start, f.end) for f in find(case.text, names)]
        good = [
            (p, f)
            for p in case.planted
            for f in finds
            if f[0] == p[0] and f[1] <= p[1] and f[2] >= p[2] and f[2] - f[1] <= p[2] - p[1] + SLACK
        ]
        hit, used = {p for p, _ in good}, {f for _, f in good}
        for p in case.planted:
            row = table.setdefault(p[0], [0, 0, 0])
            row[0] += 1
            row[1] += p in hit
        for f in set(finds) - used:
            table.setdefault(f[0], [0, 0, 0])[2] += 1
        if hit != set(case.planted) or set(finds) - used:
            failures.append((case, finds))
    return table, failures


def rates(table):
    """(recall, precision) of a table of score()."""
    planted, found, wrong = (sum(row[i] for row in table.values()) for i in range(3))
    return found / max(1, planted), found / max(1, found + wrong)
