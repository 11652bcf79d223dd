"""PDF: lines, columns, paragraphs, running heads and foot notes."""

import pytest
from document_makers import CHINESE, ENGLISH, lines, only, parts, pdf, prose, refused

from twinlib.corpus.readers import pdf as pages
from twinlib.text.inputs.input_file import File

# PDF


def test_lines_of_a_pdf_become_paragraphs():
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [
                    lines(ENGLISH)
                    + lines(["Another paragraph begins after a gap, and", "it ends."], y=610)
                ]
            ),
        ),
    )
    assert prose(document).split("\n\n") == [
        "The tram stopped at the corner and nobody got off, which the driver took personally, as "
        "he took most things "
        "in that wet and well-meaning spring, when even bells were disbelieved and well-meaning "
        "men stayed home.",
        "Another paragraph begins after a gap, and it ends.",
    ]


def test_chinese_lines_of_a_pdf_are_joined_without_spaces_and_indented_ones_begin_paragraphs():
    assert prose(only(pages, File("a.pdf", pdf([CHINESE])))).split("\n\n") == [
        "那天下了一整天的雨，电车在街角停了一会儿，没有人下车，司机觉得这是冲着他来的。",
        "第二段也缩进两格，一直写到了行末。",
        "第三段说：“不修了。”说完就走，走到码头才停。",
    ]


def test_running_heads_and_page_numbers_go_and_a_sentence_crosses_the_page():
    texts = [
        "rain fell on the first of the roofs and then it",
        "bread rose on the second of the roofs and then",
        "tea stood on the third of the roofs and then it",
    ]
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [
                    [
                        (60, 770, 9, "Aren Mott"),
                        (400, 770, 9, f"Pier three, {n + 12}"),
                        (300, 30, 9, f"- {n + 1} -"),
                        *lines([text, "stopped, or so"], y=700),
                    ]
                    for n, text in enumerate(texts)
                ]
            ),
        ),
    )
    assert (
        prose(document)
        == "rain fell on the first of the roofs and then it stopped, or so bread rose on the "
        "second of the roofs and then stopped, or so tea stood on the third of the roofs and "
        "then it stopped, or so"
    )
    heads = ["Aren Mott", "Pier three, 12", "Pier three, 13", "Pier three, 14"]
    assert [part.text for part in document.removed] == heads


def test_verse_lists_and_contents_of_a_pdf():
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [
                    lines(["Bells ........ 3", "Doors ........ 9"])
                    + lines(
                        [
                            "A line that is as wide as the page gets, and says so",
                            "to the end.",
                            "- one thing",
                            "- another",
                        ],
                        y=600,
                    )
                    + lines(
                        ["The chain goes round", "the kettle sings", "and neither asks for wings"],
                        y=500,
                    )
                ]
            ),
        ),
    )
    assert document.text.split("\n\n") == [
        "A line that is as wide as the page gets, and says so to the end.",
        "- one thing",
        "- another",
        "The chain goes round\nthe kettle sings\nand neither asks for wings",
    ]
    assert parts(document) == [("navigation", "navigation", "Bells ........ 3\nDoors ........ 9")]


def test_ligatures_and_radicals_become_letters():
    document = only(pages, File("a.pdf", pdf([lines(["ﬁn⾬ falls on the tram", "goes round"])])))
    assert document.text == "fin雨 falls on the tram goes round"


def test_a_page_number_goes_from_a_single_page_too():
    document = only(
        pages, File("a.pdf", pdf([[*lines(["The bell rang once."]), (300, 30, 10, "- 12 -")]]))
    )
    assert (document.text, document.removed) == ("The bell rang once.", [])


def test_two_columns_are_read_one_after_the_other_however_the_file_orders_them():
    left = [f"left line {n} is as long as the" for n in "abcdefgh"]
    right = [f"right line {n} is as long as it" for n in "abcdefgh"]
    rows = [piece for pair in zip(lines(left, x=60), lines(right, x=320)) for piece in pair]
    document = only(pages, File("a.pdf", pdf([[(60, 740, 20, "Both Sides")] + rows])))
    assert document.title == "Both Sides"
    assert document.text == " ".join(left + right)


def test_notes_at_the_foot_of_a_pdf_page_and_their_marks_are_taken_out():
    first, second = lines(
        ["A bell is an apology", "made in advance of it all, as I have said before now."]
    )
    note = (60, 120, 7, "1 NOTE-OUT of brass.")
    document = only(pages, File("a.pdf", pdf([[first, (161, 704, 6, "1"), second, note]])))
    assert (
        document.text
        == "A bell is an apology made in advance of it all, as I have said before now."
    )
    assert parts(document) == [("footnote", "footnote", "1 NOTE-OUT of brass.")]


PRINT = "/Title(Bells)/CreationDate(D:20261122112156)"


@pytest.mark.parametrize(
    "head, foot",
    [
        (
            [(24, 770, 8, "11/22/26, 11:21 AM"), (340, 770, 8, "Bells")],
            [(24, 16, 8, "file:///tmp/p.html"), (575, 16, 8, "1/1")],
        ),
        ([(24, 770, 8, "11/22/26, 11:21 AM Bells")], [(24, 16, 8, "https://a.example/bells 1/3")]),
        (
            [(24, 770, 8, "2026/11/22 上午11:21"), (340, 770, 8, "敲钟")],
            [(24, 16, 8, "https://a.example/bells"), (575, 16, 8, "1/3")],
        ),
        ([(24, 770, 8, "2026年11月22日 11:21")], [(24, 16, 8, "about:blank")]),
        (
            [(24, 770, 8, "Bells"), (340, 770, 8, "https://a.example/bells")],
            [(24, 16, 8, "1 of 1"), (450, 16, 8, "22.11.26, 11:21")],
        ),
    ],
)
def test_what_a_browser_prints_around_a_page_goes_and_its_date_is_not_the_texts(head, foot):
    document = only(
        pages, File("a.pdf", pdf([[(60, 740, 20, "Bells"), *lines(ENGLISH), *head, *foot]], PRINT))
    )
    assert document.title == "Bells" and document.text.startswith("The tram")
    assert document.text.endswith("stayed home.") and document.date is None
    rows = [" ".join(piece[3] for piece in row) for row in (head, foot)]
    assert [part.text for part in document.removed] == rows


@pytest.mark.parametrize(
    "head, foot",
    [
        ("11/22/26, 11:21 AM it rained again", "and so to bed."),
        ("Bells", "https://a.example/bells"),
        ("3/4 is less than 1", "see https://a.example"),
    ],
)
def test_a_time_at_the_top_or_an_address_at_the_foot_alone_is_the_authors(head, foot):
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [[(60, 770, 10, head), *lines(ENGLISH), (60, 30, 10, foot)]],
                "/CreationDate(D:20261122112156)",
            ),
        ),
    )
    assert head in document.text and foot in document.text and document.date == "2026-11-22"


def test_a_heading_in_small_print_that_is_the_title_is_not_said_twice():
    document = only(
        pages, File("a.pdf", pdf([lines(["Bells"], y=740) + lines(ENGLISH)], "/Title(Bells)"))
    )
    assert document.title == "Bells" and document.text.startswith("The tram")
    other = only(
        pages, File("a.pdf", pdf([lines(["Bells ring."], y=740) + lines(ENGLISH)], "/Title(Bells)"))
    )
    assert other.text.startswith("Bells ring.")


def test_a_heading_beside_which_the_title_names_the_site_is_the_title():
    document = only(
        pages,
        File("a.pdf", pdf([[(60, 740, 20, "Bells"), *lines(ENGLISH)]], "/Title(Bells | Slow Man)")),
    )
    assert document.title == "Bells" and "Bells" not in document.text


@pytest.mark.parametrize(
    "info, title",
    [
        ("/Title(Bells)", "Bells"),
        ("/Title(Microsoft Word - bells.doc)", ""),
        ("/Title(bells.docx)", "bells"),
        ("", ""),
    ],
)
def test_the_title_of_a_pdf_is_not_what_a_program_wrote(info, title):
    assert only(pages, File("a.pdf", pdf([lines(ENGLISH)], info))).title == title


@pytest.mark.parametrize(
    "data, reason",
    [
        (pdf([[]]), "scanned"),
        (pdf([lines(ENGLISH)])[:60], "damaged"),
        (
            pdf(
                [lines(ENGLISH)],
                trailer="/Encrypt<</Filter/Standard/V 1/R 2/P -4/O("
                + "o" * 32
                + ")/U("
                + "u" * 32
                + ")>>/ID[(a)(b)]",
            ),
            "locked",
        ),
    ],
)
def test_pdfs_that_are_refused(data, reason):
    assert refused(pages, File("a.pdf", data)) == reason
