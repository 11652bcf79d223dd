"""Postal addresses with a house number in German, French, Spanish, Portuguese, Italian, Japanese.

A street alone identifies nobody: the number must be there.
"""

import re

from .numbers import Detector

_UPPER, _LOWER = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_NAME = rf"[{_UPPER}][{_LOWER}{_UPPER}'’.-]*"
_OF = (
    "(?:de la |de los |de las |de l['’]|d['’]|de |del |du |des |da |das |do |dos |di |della |dei )?"
)
_CITY = rf"(?:,? (?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?:-[0-9]{{3}})? {_NAME}(?: {_NAME}){{0,2}})?"
_FLOOR = r"(?:, [0-9]{1,2}[.º°ª][ºª]?(?: ?[A-Za-z])?(?![a-z]))?"
_GERMAN = re.compile(
    rf"(?<![{_UPPER}{_LOWER}])(?:{_NAME}[ -])?"
    rf"(?:[{_UPPER}][{_LOWER}-]*(?:straße|strasse|str\.|weg|allee|platz|gasse|ring|damm|ufer|steig"
    rf"|chaussee)|(?<=[A-ZÄÖÜa-zäöü][a-zß] )(?<!am )(?<!im )(?<!er )(?:Straße|Weg|Allee|Platz))"
    rf" [0-9]{{1,4}} ?[a-z]?(?![A-Za-z0-9]){_CITY}"
)
_FRENCH = re.compile(
    r"(?<![0-9A-Za-z])[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|av\.|boulevard|bd"
    r"|place|chemin|impasse"
    rf"|allée|quai|route|cours) {_OF}{_NAME}(?: (?:{_OF}{_NAME})){{0,3}}{_CITY}"
)
_SOUTHERN = re.compile(
    r"(?<![A-Za-z])(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Paseo|Camino|Carrer|Rua"
    r"|Travessa|Praça|Estrada|Via"
    rf"|Viale|Piazza|Corso|Largo) ?{_OF}{_NAME}(?: {_OF}{_NAME}){{0,4}},? (?:n\.?[ºo°]? ?)?"
    r"[0-9]{1,5}"
    rf"(?![0-9]){_FLOOR}{_CITY}"
)
_JAPANESE = re.compile(
    r"(?:〒? ?[0-9]{3}-[0-9]{4}\s?)?[一-龥ァ-ヶ]{2,4}[都道府県][一-龥ぁ-んァ-ヶ0-9０-９]{2,24}?"
    r"[0-9]{1,3}(?:(?:丁目|番地?|号|-)[0-9]{0,3}){1,4}|〒 ?[0-9]{3}-[0-9]{4}"
)

_GERMAN_CUES = (
    "straße ",
    "strasse ",
    "str. ",
    "weg ",
    "allee ",
    "platz ",
    "gasse ",
    "damm ",
    "ufer ",
)
_FRENCH_CUES = (
    "rue ",
    "avenue ",
    "boulevard ",
    "place d",
    "chemin ",
    "impasse ",
    "allée ",
    "quai ",
)
_SOUTHERN_CUES = tuple(
    "calle |c/|avenida|avda|plaza |paseo |carrer |rua |travessa |pra|estrada |via |viale |piazza |"
    "corso ".split("|")
)
ADDRESSES = (
    Detector("address", _GERMAN_CUES, (60, 70), _GERMAN, of_digits=True),
    Detector("address", _FRENCH_CUES, (16, 120), _FRENCH, of_digits=True),
    Detector("address", _SOUTHERN_CUES, (2, 140), _SOUTHERN, of_digits=True),
    Detector(
        "address",
        ("〒", "県", "東京都", "大阪府", "京都府", "北海道"),
        (14, 60),
        _JAPANESE,
        of_digits=True,
    ),
)
