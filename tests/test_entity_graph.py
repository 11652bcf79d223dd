"""The entity graph: names in both languages, what links two posts, themes and changes of mind."""

from types import SimpleNamespace

import pytest
from test_memory import write_corpus

from twinlib.files import read_records, write_records
from twinlib.memory import communities, entities, graph, index, kinds, timeline
from twinlib.memory.recall import Memory
from twinlib.models import embed
from twinlib.talk import remember
from twinlib.twin import Twin
from twinlib.ui import memory_picture

POSTS = [
    ("修伞", "zh", "下雨天，老庞提着一把黑伞来了。《海边的伞》他看过三遍。"),
    ("排水沟", "zh", "一条沟吵了九天。《海边的伞》里写的就是这种事。"),
    ("猫", "zh", "灰猫偷了垫圈，灰猫睡在箱子上。我不喜欢灰猫。"),
    ("灰猫", "zh", "灰猫又来了。街坊都说灰猫有主人。"),
    ("灰猫和冬天", "zh", "冬天灰猫不出门。我现在很喜欢灰猫。"),
    ("The ferry", "en", "The blue ferry was late, so I spoke with Mr Lindqvist about tides."),
    ("A clock", "en", "Old Lindqvist’s clock stops at nine. I oil the wheels."),
    (
        "Bells",
        "en",
        "My bells ring on their own. The bells of a tram, and the bells on the wheels.",
    ),
]
NOTHING = lambda *progress: None
needs_tagger = pytest.mark.skipif(not entities.has_tagger(), reason="its package is not here")


@pytest.fixture
def twin(tmp_path):
    twin = Twin.open(tmp_path / "me")
    write_corpus(twin, POSTS)
    return twin


def make(twin):
    passages = index.gather(twin)
    index.write(twin, passages)
    made = graph.make(twin, passages, NOTHING)
    communities.make(twin, made)
    return index.Index.open(twin), made


def recall(twin, question, **options):
    return Memory(twin).recall([{"role": "user", "content": question}], **options)


ASKED = {
    kinds.RETURNING: """
        你反复写到的是什么？
        你最常写什么？
        你的博客主要都写什么？
        你写得最多的是什么
        有哪些主题你绕不开？
        你最关心什么？
        你总是在写什么呢？
        What do you keep coming back to?
        What do you write about most?
        What are the recurring themes?
        What is your blog about?
        Which topics do you mostly write about?""",
    kinds.CHANGE: """
        你对猫的看法是怎么变的？
        关于茶，你的想法有什么变化？
        你改变过主意吗，关于电车？
        你以前怎么看电车，现在呢？
        这些年你怎么看待读书？
        How did your mind change about trams?
        Did you change your mind about tea?
        How has your view of the sea changed?
        What did you think of it over the years?
        You used to like trams; what do you think of them now?""",
    kinds.EVERYTHING: """
        把你写过的关于茶的都总结一下。
        总结一下你关于猫写过的东西
        关于胶水你都写过什么？
        列出所有有关电车的文章
        Summarise everything you wrote about tea.
        Tell me everything you've ever written about your sister
        List all your posts on glue.
        Can you give me a summary of your posts about rain?
        Everything you said on the sea, please""",
    kinds.ELSEWHERE: """
        老庞在别的文章里还出现过吗？
        你写修伞时提到的那本书，别处还写过吗？
        还有哪些文章写到翁婶？
        哪几篇提到了里斯本？
        另一篇里是怎么说的？
        Where else do you write of Lee?
        Which posts mention the cat?
        What did you say of him in another post?
        What else did you write about it?""",
    kinds.LINKED: """
        老庞和阿坤有什么关系？
        茶和链条之间有什么联系？
        这两件事有什么共同点？
        What connects Lee with the trams?
        What do tea and rain have in common?
        How are Lee and Xu related?""",
    kinds.FACT: """
        猫叫什么名字？
        你为什么不修电动滑板车？
        你妹妹住在哪里？
        你好
        茶要多烫？
        你换过几次链条？
        你写过猫吗？
        你和谁吵过架？
        你平时几点起床？
        你最喜欢喝什么茶？
        What is the cat's name?
        Why won't you fix scooters?
        Hello!
        Where does your sister live?
        How much should a repair cost?
        What happened between nine and ten?
        Did you write about tea?
        Who changed the tyre?
        What does your sister often talk about?
        Do you keep a cat?
        Tell me about your sister.
        What did you say about tea?
        关于茶，你怎么看？""",
}


@pytest.mark.parametrize("kind", ASKED)
def test_the_kind_of_a_question_is_known_by_its_words(kind):
    questions = [line.strip() for line in ASKED[kind].splitlines() if line.strip()]
    known = {question: kinds.kind_of(question) for question in questions}
    assert known == dict.fromkeys(questions, kind)
    assert kinds.kind_of("") == kinds.FACT


def test_names_are_found_in_english_without_the_words_that_begin_sentences():
    def names(text):
        return [mention.name for mention in entities.mentions(text) if mention.sure]

    assert names("Then I met Lady Castlemaine’s cook at the Duke of York's house.") == [
        "Lady Castlemaine",
        "Duke of York",
    ]
    assert names("Rain. Wheels need oil on Monday, in 1984.") == ["1984"]
    assert names("一九八四年，我读《海边的伞》。") == ["海边的伞", "1984"]
    assert entities.canonical("Mr. Pang’s") == entities.canonical("pang") == "pang"


@needs_tagger
def test_names_are_found_in_chinese():
    found = entities.mentions("张之洞在武昌。\n后来王国维也到了北京大学。")
    assert {(m.sentence, m.name, m.kind) for m in found} == {
        (0, "张之洞", "person"),
        (0, "武昌", "place"),
        (1, "王国维", "person"),
        (1, "北京大学", "group"),
    }


def test_a_word_that_is_mostly_no_name_is_dropped_and_topics_of_titles_are_kept(twin):
    _, made = make(twin)
    kinds_of = {entity.name: entity.kind for entity in made.entities}
    assert kinds_of["海边的伞"] == "work"
    assert "灰猫" in kinds_of and "Lindqvist" in " ".join(kinds_of)
    assert not {"Old", "My", "The", "Old Lindqvist"} & kinds_of.keys()
    texts = [
        "Wheels turn, and wheels stop. The wheels and wheels. I saw Wheels.",
        "Ask Wheels of wheels.",
    ]
    names, _ = entities.settled(texts, [entities.mentions(text) for text in texts])
    assert "wheels" not in names


def test_the_post_is_found_that_shares_a_name_with_the_one_asked_about(twin):
    made, linked = make(twin)
    for question, title in {
        "你写“提着一把黑伞”的地方提到的那个，别的文章里还写过吗？": "排水沟",
        "Where the ferry was late you met somebody. What else did you write of him?": "A clock",
    }.items():
        found = linked.elsewhere(made, question, made.search(question))
        titles = [made.passages[place].title for place in found]
        assert titles[1] == title, question
        assert title in [passage.title for passage in recall(twin, question).passages[:2]]


def test_what_an_author_keeps_coming_back_to_is_told_in_his_own_words(twin):
    made, linked = make(twin)
    told = recall(twin, "你反复写到的是什么？")
    assert "灰猫（" in told.told and "3 篇，2012–2014" in told.told
    texts = "".join(passage.text for passage in made.passages)
    assert told.sources and all(source.quote in texts for source in told.sources)
    assert [source.passage for source in told.sources] == [p.id for p in told.passages]
    said = []
    text, cited = remember.answer(
        SimpleNamespace(twin=twin),  # no model: the memory tells it
        Memory(twin),
        "file",
        [{"role": "user", "content": "你反复写到的是什么？"}],
        said.append,
    )
    assert said == [text] == [told.told] and cited.sources == list(told.sources)


def test_posts_with_the_same_tag_are_linked(twin):
    documents = list(twin.records("documents"))
    for number, tags in {0: ["手艺"], 6: ["手艺", "alone"]}.items():
        documents[number]["tags"] = tags
    write_records(twin.file("documents"), documents)
    _, made = make(twin)
    number = made.number["手艺"]
    assert made.entities[number].kind == entities.TOPIC and "alone" not in made.number
    assert made.held[:, number].nonzero()[0].tolist() == [0, 6]


def test_the_names_are_pictured_year_by_year(twin, monkeypatch):
    make(twin)
    monkeypatch.setattr(memory_picture, "chinese_font", lambda: None)
    assert memory_picture.names_by_year(twin).keys() == {"Mr Lindqvist"}
    monkeypatch.setattr(memory_picture, "chinese_font", lambda: "a font with Chinese")
    counted = memory_picture.names_by_year(twin)
    assert counted["灰猫"] == {"2012": 1, "2013": 1, "2014": 1}
    assert counted["海边的伞"] == {"2010": 1, "2011": 1} and len(counted) == 3
    assert "<img" in memory_picture.memory.__wrapped__(twin).html
    twin.file("memory_graph").unlink()
    assert memory_picture.names_by_year(twin) == {}


def test_a_change_of_mind_is_told_by_date(twin):
    made, linked = make(twin)
    told = recall(twin, "你对灰猫的看法是怎么变的？")
    assert [source.date[:4] for source in told.sources] == ["2012", "2013", "2014"]
    assert "不喜欢" in told.sources[0].quote and "很喜欢" in told.sources[-1].quote
    assert timeline.of(made, linked, "你对下雨天的看法变了吗？") is None  # in one post only
    found = timeline.of(made, linked, "你对灰猫的看法是怎么变的？", splits=("val",))
    assert found is None


def test_all_that_was_written_on_a_subject_is_told_in_either_language(tmp_path):
    twin = Twin.open(tmp_path / "two")
    posts = [
        ("一封信", "zh", "妹妹从里斯本来信，说她的店里有一把旧椅子。"),
        ("茶要烫", "zh", "茶要烫，水要滚，这是奶奶传下来的。"),
        ("Sundays", "en", "My sister calls on Sundays. The tide was low."),
        ("A ferry", "en", "The ferry was late, and the ferry was blue."),
    ]
    write_corpus(twin, posts)
    make(twin)
    if embed.has_e5():
        index.embed_missing(twin, index.gather(twin), NOTHING)
    found = recall(twin, "Tell me everything you ever wrote about your sister.")
    if embed.has_e5():
        assert found.told.startswith("I wrote about “sister” in these texts:")
        assert [source.title for source in found.sources] == ["一封信", "Sundays"]
        [sunday] = [source.quote for source in found.sources if source.title == "Sundays"]
        assert sunday == "My sister calls on Sundays."
        found = recall(twin, "总结一下你关于妹妹写过的东西")
        assert found.told.startswith("这几篇里我写过“妹妹”：") and len(found.sources) == 2
    found = recall(twin, "Summarise everything you wrote about the ferry.")
    assert not found.told, "one text is told of as for any question"
    assert not recall(twin, "Tell me everything about zebras.").told


def test_all_on_a_subject_is_at_most_eight_texts_by_date(tmp_path):
    twin = Twin.open(tmp_path / "many")
    write_corpus(twin, [(f"Kettle {n}", "en", f"The kettle number {n} sang.") for n in range(12)])
    make(twin)
    found = recall(twin, "Summarise everything you wrote about the kettle.")
    dates = [source.date for source in found.sources]
    assert len(dates) == 8 and dates == sorted(dates)


def test_a_killed_run_goes_on_and_a_changed_post_alone_is_read_again(twin, monkeypatch):
    read, mentions = [], entities.mentions
    monkeypatch.setattr(entities, "mentions", lambda text: read.append(text) or mentions(text))
    monkeypatch.setattr(graph, "_BATCH", 3)
    passages = index.gather(twin)

    def stop(done, total):
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        graph.make(twin, passages, stop)
    assert len(read) == 3
    with open(twin.file("memory_mentions"), "a", encoding="utf-8") as file:
        file.write('{"key": "half a rec')
    graph.make(twin, passages, NOTHING)
    assert len(read) == 8 == len(set(read))
    write_corpus(twin, [*POSTS[:-1], ("Bells", "en", "Bells of Lisbon.")])
    graph.make(twin, index.gather(twin), NOTHING)
    assert len(read) == 9 and "Lisbon" in read[-1]
    assert len(read_records(twin.file("memory_mentions"))) == 8


@pytest.mark.parametrize("name", ["memory_graph", "memory_entities", "memory_communities"])
@pytest.mark.parametrize("damage", ["", "nonsense", None])
def test_without_a_whole_graph_facts_are_still_answered(twin, name, damage):
    make(twin)
    if damage is None:
        twin.file(name).unlink()
    else:
        twin.file(name).write_text(damage)
    found = recall(twin, "灰猫睡在哪里？")
    assert found.passages[0].title == "猫" and not found.told
    assert not recall(twin, "你反复写到的是什么？").told


def test_a_graph_of_other_passages_is_not_used(twin):
    make(twin)
    write_corpus(twin, POSTS[:-1])
    passages = index.gather(twin)
    assert graph.load(twin, passages) is None


def test_years_far_apart_stand_beside_each_other_with_a_gap():
    assert memory_picture.columns([1664, 1665, 2021]) == ({1664: 0, 1665: 1, 2021: 3}, [2])
    assert memory_picture.named(*memory_picture.columns([1664, 1665, 2021])) == {
        0: "1664",
        1: "1665",
        2: "…",
        3: "2021",
    }
    places, gaps = memory_picture.columns([2010, 2012, 2017])
    assert places == {2010: 0, 2012: 2, 2017: 7} and gaps == []
    many = memory_picture.named(*memory_picture.columns(list(range(1990, 2020))))
    assert 4 <= len(many) <= 7 and many[0] == "1990", "as many as there is room for"
