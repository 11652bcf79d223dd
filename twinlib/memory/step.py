"""Step 07: the index of the author's passages, and when to say "I never wrote about that".

No model is asked and nothing is downloaded. The words are indexed first, in seconds; then the names
in each passage that is new or changed are found, and it is embedded; a stopped run goes on where it
was. The whole
folder can be deleted and made again.
"""

from ..files import TwinError, now
from ..i18n import both, t
from ..models import embed
from ..progress import Progress
from ..settings import Memory, stop, warning
from ..twin import Outcome, Problem, Twin, figure
from . import abstain, communities, entities, graph, index


def problems(settings: Memory, twin: Twin) -> list[Problem]:
    """What keeps the memory from being made, and what it will have to do without."""
    try:
        passages = twin.records("passages")
    except TwinError as error:
        return [Problem("stop", str(error))]
    if not passages:
        return [stop("memory.no_passages")]
    if settings.vectors and not embed.has_e5():
        return [warning("memory.no_e5")]
    return []


def run(twin: Twin, settings: Memory, progress: Progress) -> Outcome:
    """Write passages, words, vectors and calibration; figures: passages, found_again and others."""
    started = now()
    inputs = twin.inputs(twin.file("passages"), twin.file("documents"))
    passages = index.gather(twin)
    if not passages:
        raise TwinError(t("memory.no_passages"))
    twin.folder("memory")
    progress(0, len(passages), t("memory.indexing_words"))
    lexical, vectors, warnings = index.write(twin, passages), None, []
    note = t("memory.naming")
    linked = graph.make(twin, passages, lambda done, all: progress(done, all, note))
    communities.make(twin, linked)
    if not entities.has_tagger() and any(passage.language == "zh" for passage in passages):
        warnings.append(t("memory.no_tagger"))
    entities.forget_tagger()
    if settings.vectors and embed.has_e5():
        reading = t("memory.embedding")
        vectors = index.embed_missing(
            twin, passages, lambda done, all: progress(done, all, reading)
        )
    elif settings.vectors:
        warnings.append(t("memory.no_e5"))
    made = index.Index(passages, lexical, vectors)
    if vectors is not None:
        made.embedder = embed.E5(many=True)
    note = t("memory.calibrating")
    asked = abstain.questions(twin, made)
    calibrations = abstain.calibrate(made, asked, lambda done, all: progress(done, all, note))
    abstain.save(twin, calibrations)
    fitted = calibrations["vectors" if vectors is not None else "words"]
    if not fitted.features:
        warnings.append(t("memory.too_few_to_calibrate"))
    size = sum(path.stat().st_size for path in twin.folder("memory").rglob("*") if path.is_file())
    figures = {
        "passages": figure(len(passages)),
        "documents": figure(len({passage.document for passage in passages})),
        "names": figure(len(linked.entities)),
        "answered": figure(*fitted.answered, note=both("memory.of_answerable")),
        "false_answers": figure(*fitted.false_answers, note=both("memory.of_unanswerable")),
        "memory_mb": figure(round(size / 1e6, 1)),
        "memory_seconds": figure(round(now() - started, 1)),
    }
    return Outcome(figures, inputs, warnings, settings)
