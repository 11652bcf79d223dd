"""Markdown of every dialect: front matter, drafts, titles and dates; the text stays whole."""

import pytest
from growth import grows_in_proportion
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus.clean import clean
from twinlib.corpus.readers import markdown, plain
from twinlib.corpus.reasons import REASONS
from twinlib.text.inputs.input_file import File

ID = "0123456789abcdef0123456789abcdef"


def read(text, name="a.md"):
    (document,) = markdown.read(File(name, text.encode()))
    return document


@pytest.mark.parametrize(
    "front, title, date",
    [
        ('---\ntitle: "Rain: a diary"\ndate: 2019-03-14\n---\n', "Rain: a diary", "2019-03-14"),
        (
            "---\ntitle: Rain: a diary\ndate: 2019/3/14 08:00:00 +0800\n---\n",
            "Rain: a diary",
            "2019-03-14",
        ),
        ('+++\ntitle = "Rain"\ndate = 2019-03-14T08:00:00Z\n+++\n', "Rain", "2019-03-14"),
        ('{"title": "Rain", "date": "2019-03-14"}\n', "Rain", "2019-03-14"),
        (';;;\n"title": "Rain", "date": "2019-03-14"\n;;;\n', "Rain", "2019-03-14"),
        ("title: 雨天\ndate: 2019-03-14 08:00:00\ntags:\n- 雨\n---\n", "雨天", "2019-03-14"),
        ("---\ntitle: Rain\npubDatetime: 2019-03-14T08:00:00Z\n---\n", "Rain", "2019-03-14"),
        ("---\ntitle: Rain\ncreated: Thu, 14 Mar 2019 08:00:00\n---\n", "Rain", "2019-03-14"),
    ],
)
def test_front_matter_of_hugo_hexo_jekyll_and_astro(front, title, date):
    document = read(front + "It rains.\n")
    assert (document.title, document.date, document.text.strip()) == (title, date, "It rains.")


def test_the_front_matter_comes_along_as_facts():
    text = "---\nTitle: Rain\nTags: [tea, rain]\nauthor:\n  name: Ning\n---\nIt rains.\n"
    front_matter = {"title": "Rain", "tags": ["tea", "rain"], "author": "Ning"}
    assert read(text).front_matter == front_matter
    assert read(text).tags == read(text).to_json()["tags"] == ["tea", "rain"]
    for line in ("tags: 茶, '#雨' ,茶", "tags: [茶]\ncategories: 雨", "tag: 茶、雨"):
        assert read(f"---\n{line}\n---\nIt rains.\n").tags == ["茶", "雨"]
    assert "tags" not in read("It rains.\n").to_json()


@pytest.mark.parametrize(
    "text",
    [
        "To: the harbour master\nFrom: me\n\nIt rains.\n---\nAnd stops.\n",
        "Today: rain, and a lot of it.\n\nMore.\n",
        "title: none yet\nIt rains, and I walk.\n---\nI stop.\n",
        "时间：三月\n\n下雨。\n---\n停了。\n",
    ],
)
def test_a_text_that_starts_with_a_colon_keeps_its_first_lines(text):
    assert markdown.split(text) == ({}, text)


@pytest.mark.parametrize(
    "name, front, draft",
    [
        ("source/_drafts/a.md", "", True),
        ("drafts/a.md", "", True),
        ("草稿/a.md", "", True),
        ("a.md", "draft: true", True),
        ("a.md", "published: false", True),
        ("a.md", "status: Draft", True),
        ("a.md", "draft: false", False),
        ("posts/drafts-of-wind.md", "title: Drafts", False),
        ("a.md", "status: done", False),
    ],
)
def test_drafts_are_told_by_folder_and_by_front_matter(name, front, draft):
    assert read(f"---\n{front or 'x: y'}\n---\nText.", name).draft is draft


@pytest.mark.parametrize(
    "name, text, form",
    [
        ("Templates/daily.md", "## {{date}}\n\n今天做了什么？", True),
        ("模板/日记.md", "<% tp.file.cursor() %>\n写三句话。", True),
        (
            "Board.md",
            "---\n\nkanban-plugin: basic\n\n---\n\n## Todo\n\n- [ ] call the dentist",
            True,
        ),
        ("Daily/2023-05-06.md", "<% tp.file.cursor() %>\n\n今天下雨。", False),
        ("Templates/On templates.md", "I hate templates.", False),
        ("Kanban.md", "看板不是我写的，我只是看。", False),
        ("_posts/a.md", "Jekyll says `{{ page.title }}`.", False),
    ],
)
def test_templates_and_boards_of_obsidian_are_no_writing(name, text, form):
    assert read(text, name).skip_reason == ("template" if form else "") and "template" in REASONS


@pytest.mark.parametrize(
    "raw, text, parts",
    [
        ("#daily/log\n\n茶。", "茶。", ["#daily/log"]),
        ("茶。\n\n#essay", "茶。", ["#essay"]),
        ("- [x] 写完周报 ✅ 2023-05-06", "- [x] 写完周报", []),
        ("- [ ] 买茶 ➕ 2023-05-01 📅 2023-05-06\n- [ ] 烧水", "- [ ] 买茶\n- [ ] 烧水", []),
        ("坐在屋里就觉得亏。^abc123\n\n完。", "坐在屋里就觉得亏。\n\n完。", []),
        ("<% tp.file.cursor() %>\n\n今天下雨。", "今天下雨。", []),
        # and what only looks alike
        ("#标题也好", "#标题也好", []),
        ("我毕业了 ✅ 2023-05-06", "我毕业了 ✅ 2023-05-06", []),
        ("#3/4 的人不来。", "#3/4 的人不来。", []),
        ("#Introduction", "#Introduction", []),
        ("他笑了。^_^", "他笑了。^_^", []),
        ("面积是 x^2", "面积是 x^2", []),
        ("- [x] 定在 2023-05-06", "- [x] 定在 2023-05-06", []),
    ],
)
def test_tags_dates_of_tasks_and_ids_of_obsidian_go(raw, text, parts):
    cleaned = clean(raw)
    assert (cleaned.text, [part.text for part in cleaned.removed]) == (text, parts)


def test_names_of_jekyll_and_of_hugos_bundles_give_date_and_title():
    jekyll, bundle = (
        read("Text.", "_posts/2019-03-14-rain-again.md"),
        read("Text.", "content/2019-03-14-rain/index.md"),
    )
    assert (jekyll.date, jekyll.fallback_title) == ("2019-03-14", "rain again")
    assert (bundle.date, bundle.fallback_title) == ("2019-03-14", "rain")


def test_a_notion_export_gives_its_properties_and_leaves_out_the_links_to_pages_below():
    text = (
        "# 世另我\n\nTags: 茶, 雨\nCreated: March 3, 2021 10:00 AM\n\n正文第一段。\n\n"
        f"[下一页](x/Page%20{ID}.md)\n\n第二段。\n"
    )
    document = read(text, f"世另我 {ID}.md")
    assert (document.date, document.fallback_title) == ("2021-03-03", "世另我")
    assert document.text.split() == ["#", "世另我", "正文第一段。", "第二段。"]
    assert [(part.what, part.reason) for part in document.removed] == [
        ("properties", "properties"),
        ("list", "links"),
    ]
    assert document.removed[0].text == "Tags: 茶, 雨\nCreated: March 3, 2021 10:00 AM"


def test_a_notion_page_that_starts_with_prose_keeps_it():
    text = "# 说明\n\n提醒：别忘了浇水。\n这一行没有冒号。\n\n正文。\n"
    assert read(text, f"说明 {ID}.md").text == text


@pytest.mark.parametrize(
    "raw, text",
    [
        # Hugo
        ("{{< notice tip >}}茶要烫。{{< /notice >}}\n\n完。", "茶要烫。\n\n完。"),
        ('{{< figure src="a.png" title="猫" >}}\n\n完。', "完。"),
        ("{{< youtube abc >}}\n{{< tweet user=x id=1 >}}\n\n完。", "完。"),
        ("前言。\n\n<!--more-->\n\n正文。", "前言。\n\n正文。"),
        ("{{< highlight go >}}\nx := 1\n{{< /highlight >}}\n\n完。", "完。"),
        ("{{< quote >}}别人说。{{< /quote >}}\n\n完。", "完。"),
        # Hexo, Jekyll
        ("{% note info %}\n我的话。\n{% endnote %}", "我的话。"),
        ("{% blockquote 某人 %}\n他的话。\n{% endblockquote %}\n\n完。", "完。"),
        ("{% asset_img a.png 猫 %}\n\n完。", "完。"),
        ("{% highlight js %}\nvar a;\n{% endhighlight %}\n\n完。", "完。"),
        ("去{{ site.url }}看。", "去看。"),
        ("![猫]({{ site.url }}/a.png){: .wide}\n\n完。", "完。"),
        # Obsidian
        ("看[[茶|这一篇]]和[[雨#声音]]。", "看这一篇和雨 声音。"),
        ("![[图.png|300]]\n\n完。", "完。"),
        ("> [!note] 提醒\n> 茶要烫。", "提醒\n\n茶要烫。"),
        ("> [!quote] 某人\n> 他的话。\n\n完。", "完。"),
        ("- 一\n\n  > [!NOTE]\n  > 茶要烫。", "- 一\n\n茶要烫。"),
        ("> [!tip]-\n> 折起来的话。", "折起来的话。"),
        ("正文%%不给人看%%接着写。", "正文接着写。"),
        ("%%\n不给人看的话\n%%\n\n完。", "完。"),
        ("茶。 ^a1b2\n\n完。", "茶。\n\n完。"),
        ("#茶 #雨/大雨\n\n完。", "完。"),
        ("心情:: 好得很\n\n完。", "完。"),
        ("```dataview\nlist\n```\n\n完。", "完。"),
        # Notion
        ("<aside>\n💡 **茶**要烫。\n\n</aside>\n\n完。", "💡 茶要烫。\n\n完。"),
        ("- 折叠\n\n    里面的话。", "- 折叠\n\n里面的话。"),
        # R Markdown, Quarto, bookdown
        ("```{r plot, echo=FALSE}\nplot(x)\n```\n\n完。", "完。"),
        ("共`r nrow(x)`篇。", "共篇。"),
        ("见图\\@ref(fig:a)。", "见图。"),
        ("前人说过 [@lu1925; @zhou1930, p. 3]。", "前人说过。"),
        ("::: {.callout-note}\n我的话。\n:::\n\n完。", "我的话。\n\n完。"),
        ("## 方法 {#sec-method}\n\n做。", "## 方法\n\n做。"),
        # MDX
        ("import Box from './box'\nimport './a.css';\n\n正文。", "正文。"),
        ("export const a = {\n  b: 1,\n}\n\n正文。", "正文。"),
        ('<Callout type="info">\n\n我的话。\n\n</Callout>', "我的话。"),
        ("<Chart\n  data={a}\n/>\n\n正文。", "正文。"),
        ("{/* 不显示 */}\n\n正文。", "正文。"),
        # Formulas
        ("面积\n\n$$\nS = a^2\n$$\n\n就是这样。", "面积\n\n就是这样。"),
        ("其中 $S$ 是面积。", "其中 $S$ 是面积。"),
    ],
)
def test_each_dialect_gives_the_authors_words_and_nothing_else(raw, text):
    assert clean(raw).text == text


@pytest.mark.parametrize(
    "text",
    [
        "要进口货，import 关税很高。",
        "Import taxes rose. Export fell 'quickly'.",
        "这一段打九折%%还包邮。",
        "他花了 $$ 和 $$$ 两种价。",
        "在 C++ 里写 std::vector 就行。",
        "注意: 双冒号是 a::b。",
        "[后来]: 他再没来过。",
        "红楼<梦>真好。",
        "#标题也好",
        "3 < 4 和 5 > 2。",
        "邮箱 @ning 是我。",
        "x^2 加 y^2。",
        "{我}和{你}。",
        "他说[1]是一个数组。",
        "我（见上图）说过。",
        "Press [enter] now, or [escape].",
    ],
)
def test_words_that_only_look_like_markup_stay(text):
    assert clean(text).text == text


def test_round_brackets_that_hold_no_address_keep_their_words():
    assert clean("[叹气](他又来了)").text == "叹气(他又来了)"
    assert clean("[茶](旧文/茶.md)").text == "茶"


@pytest.mark.parametrize(
    "text, markdown_too",
    [
        ("# 茶\n\n烫。", True),
        ("只有一句话，没有别的。", False),
        ("see [a](https://a.example)", True),
    ],
)
def test_markdown_is_seen_in_any_text_file(text, markdown_too):
    assert markdown.looks_like(File("a.txt", text.encode())) is markdown_too
    assert markdown.looks_like(File("a.md", text.encode())) and plain.looks_like(
        File("a.txt", text.encode())
    )


def test_what_is_no_text_looks_like_neither():
    junk = File("a.bin", bytes(range(256)) * 40)
    assert not markdown.looks_like(junk) and not plain.looks_like(junk)


def test_plain_text_has_its_first_line_for_a_title():
    (document,) = plain.read(File("2019-03-14 tea.txt", "为什么茶要烫\n\n因为冷。".encode("gbk")))
    assert (document.title, document.text.strip(), document.date) == (
        "为什么茶要烫",
        "因为冷。",
        "2019-03-14",
    )


def aliases(size):
    """Front matter whose every list holds the one before three times."""
    names = [f"a{number}" for number in range(size // 4_000 + 1)]
    lists = (
        f"{this}: &{this} [*{last}, *{last}, *{last}]\n" for last, this in zip(names, names[1:])
    )
    return "---\na0: &a0 [x, x]\n" + "".join(lists) + "---\n"


@pytest.mark.parametrize(
    "front",
    [
        aliases,
        lambda size: "---\n" + "[" * (size // 16) + "\n---\n",
        lambda size: "+++\na = " + "[" * (size // 16) + "\n+++\n",
        lambda size: '{"a":' + "[" * size,
        lambda size: "---\n" + "a: b\n" * size + "---\n",
    ],
)
def test_hostile_front_matter_costs_no_time_and_no_traceback(front):
    assert "正文" in read(front(100_000) + "正文。").text
    assert grows_in_proportion(lambda size: read(front(size) + "正文。"), 20_000)


@settings(deadline=None, max_examples=100)
@given(
    st.text(alphabet="-+;{}[]:#&*!|\"'\n \tatile真假1", max_size=200),
    st.sampled_from(["---\n", "+++\n", ";;;\n", "{", "title: a\n"]),
)
def test_any_front_matter_is_read_without_a_traceback(text, first):
    document = read(first + text + "\n---\n正文")
    assert document.text.endswith("正文") and isinstance(document.title, str)
