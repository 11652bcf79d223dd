"""This machine and the base models: what fits, in a list for the form and in a table for the first notebook."""

from ..catalogue import CATALOGUE
from ..models import plan
from ..i18n import t
from ..publish.cards import licence_name
from .display import caption, sentence, table


def offers():
    """[(one line with size, licence and fit, name)] of the catalogue, for a list to choose from."""
    here = plan.machine()
    return [(" · ".join([entry.name, f"{entry.parameters:g}B", _licence(entry), _fit(entry, here)]), entry.name)
            for entry in CATALOGUE.values()]


def overview():
    """What this machine is, what we would start with on it, and every base model with what it takes."""
    here = plan.machine()
    base, why = plan.recommended_base(here)
    header = (t("Base model", "基础模型"), t("Size", "大小"), t("Licence", "许可证"), t("Chat model", "对话模型"),
              t("On this machine", "在这台机器上"), t("Good to know", "须知"))
    rows = [(entry.name, f"{entry.parameters:g}B", _licence(entry), t("yes", "是") if entry.instruct else t("no", "否"),
             _fit(entry, here), t(*entry.note)) for entry in CATALOGUE.values()]
    return caption(_words(here)) + sentence(t(f"Start with {base}", f"建议从 {base} 开始") + f" ({why})", "good") \
        + table(header, rows)


def _words(here):
    gpu = f"{here['gpu']}, {here['gpu_gb']:g} GB"
    en, zh = (gpu, gpu) if here["gpu"] else ("no NVIDIA GPU", "没有英伟达显卡")
    return t(f"This machine: {here['cpu']}, {here['cores']} cores, {here['memory_gb']:g} GB of memory; {en}.",
             f"这台机器：{here['cpu']}，{here['cores']} 核，{here['memory_gb']:g} GB 内存；{zh}。")


def _licence(entry):
    name = licence_name(entry) or t("unknown licence", "许可证未知")
    return name if entry.commercial else f"{name} ({t('no commercial use', '禁止商用')})"


def _fit(entry, here):
    way = plan.fits(entry, here)
    return t(f"fits ({way})", f"放得下（{way}）") if way else t("too large", "放不下")
