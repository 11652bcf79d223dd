"""The GGUF files of a twin, each with its figures, and which one to take."""

import re
from typing import NamedTuple

from ..i18n import t
from ..models import device_fit, estimate
from ..twin import Report, Twin


class File(NamedTuple):
    """A GGUF file with its figures from the report, each {} when it was not measured.

    `fit` is None when the base's shape or the file's size is unknown; `failed` is the reason why a
    file is not offered, else ''; `missing`: it passed, and is not on this disk.
    """

    kind: str
    name: str
    bytes: float
    divergence: dict
    top1: dict
    speed: dict
    fit: device_fit.Fit | None
    failed: str
    missing: bool

    @property
    def level(self) -> str:
        """'good', 'so-so' or 'bad', as step 04 rated its difference; '' if it was not measured."""
        return self.divergence.get("level") or device_fit.level(self.divergence)


def context(report: Report) -> int:
    """The tokens of a conversation in the settings of step 04."""
    return report.settings.get("context", 4096)


def measured_files(twin: Twin, report: Report) -> list[File]:
    """The Files of a report of step 04, smallest first."""
    size = "size_mb_"
    kinds = [name.removeprefix(size) for name in report.figures if name.startswith(size)]
    failed = r"-([A-Z0-9_]+)\.gguf\.failed"
    kinds += re.findall(failed, " ".join(report.warnings))
    shape = estimate.shape(twin.facts.get("base", {}).get("name", ""))
    measured = [_file(twin, report, kind, shape) for kind in dict.fromkeys(kinds)]
    return sorted(measured, key=lambda file: file.bytes)


def _file(twin, report, kind, shape):
    def measured(name):
        figure = report.figures.get(f"{name}_{kind}", {})
        return figure if figure.get("value") is not None else {}

    path, bytes = twin.gguf(kind), 1e6 * measured("size_mb").get("value", 0)
    return File(
        kind,
        path.name,
        bytes,
        measured("kl_divergence"),
        measured("top1"),
        measured("tokens_per_second"),
        device_fit.fit(bytes, context(report), shape) if shape and bytes else None,
        _failed(path, report.warnings),
        not path.exists() and f"{path.name}.failed" not in " ".join(report.warnings),
    )


def _failed(path, warnings):
    """The reason why a file is not offered; '' when it is."""
    if path.exists():
        return ""
    reasons = [warning for warning in warnings if f"{path.name}.failed" in warning]
    return " ".join(reasons) or t("ui.file_missing", name=path.name)


def recommended(files: list[File]) -> File | None:
    """The file to take: the smallest that hardly differs, else the closest; None without one."""
    offered = {file.kind: file for file in files if not file.failed}
    figures = {f"size_mb_{kind}": {"value": file.bytes} for kind, file in offered.items()}
    figures |= {f"kl_divergence_{kind}": file.divergence for kind, file in offered.items()}
    return offered.get(device_fit.recommended_type(tuple(offered), figures))
