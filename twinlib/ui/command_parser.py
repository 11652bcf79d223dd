"""The command line's parser: help in the reader's language, and one sentence for a wrong argument.

argparse brings English words of its own, such as "usage:", and breaks Chinese, which has no blanks,
in the middle of a Latin word. Its sentences for wrong arguments are said in ours where they are
known, and else stay as they are.
"""

import argparse
import re

from ..i18n import choose, listed, t
from ..progress import width

# Marks that begin no line, and those that end none.
_CLOSING, _OPENING = "，。、；：！？）》】”’」』…,.;:!?)]}", "（《【“‘「『([{"
_WIDE = "\u2e80-\u2fff\u3040-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60"
# A word, or a wide character, with the marks that it is not parted from; or blanks.
_UNIT = re.compile(
    rf"\s+|[{re.escape(_OPENING)}]*(?:[{_WIDE}]|[^\s{_WIDE}]+)?[{re.escape(_CLOSING)}]*"
)
# What argparse says, and the sentence for it.
_SAID = (
    ("the following arguments are required: (?P<name>.+)", "core.argument_missing"),
    ("argument (?P<name>[^:]+): expected .*argument.*", "core.value_missing"),
    ("argument (?P<name>[^:]+): ignored explicit argument (?P<value>.+)", "core.takes_no_value"),
    ("ambiguous option: (?P<name>.+) could match (?P<matches>.+)", "core.ambiguous"),
    ("argument (?P<name>[^:]+): (?P<said>.+)", "core.argument_refused"),
)


class CommandParser(argparse.ArgumentParser):
    """Answers a wrong argument with one sentence and where the others stand, without all usage."""

    def __init__(self, **options):
        super().__init__(formatter_class=Help, add_help=False, **options)
        self._positionals.title = t("core.positional_arguments")
        self._optionals.title = t("core.options")
        self.add_argument("-h", "--help", action="help", help=t("core.help_of_help"))

    def error(self, message):
        where = t("core.help_is_at", command=f"{self.prog} --help")
        self.exit(2, f"{self._said(message)}\n{where}\n")

    def _said(self, message):
        """argparse's sentence in the reader's language."""
        for action in self._actions:
            known = list(action.choices or ())
            if found := known and re.search(r": invalid choice: '(.*?)' \(choose", message):
                names = choose(listed(known))
                return t("core.no_such_choice", value=found[1], names=names)
        for pattern, key in _SAID:
            if found := re.fullmatch(pattern, message, re.DOTALL):
                return t(key, **found.groupdict())
        return message


class Help(argparse.HelpFormatter):
    """Help whose column of texts begins at the same place in every line."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=34)

    def add_argument(self, action):
        super().add_argument(action)
        if action.nargs == argparse.PARSER:  # argparse forgets that commands are indented
            self._action_max_length += self._indent_increment
        columns = width(self._format_action_invocation(action)) + self._current_indent
        self._action_max_length = max(self._action_max_length, columns)

    def _format_usage(self, usage, actions, groups, prefix):
        prefix = t("core.usage") if prefix is None else prefix
        stand_in = "u" * width(prefix)  # argparse counts characters, not columns
        return super()._format_usage(usage, actions, groups, stand_in).replace(stand_in, prefix, 1)

    def _format_action(self, action):
        text, name = super()._format_action(action), self._format_action_invocation(action)
        more = width(name) - len(name)
        return text.replace(name + " " * (more + 2), name + "  ", 1) if more else text

    def _split_lines(self, text, width):
        return wrapped(" ".join(text.split()), width)

    def _fill_text(self, text, width, indent):
        if "\n" in text:  # commands, which are copied
            return text
        return "\n".join(indent + line for line in wrapped(text, width))


def wrapped(text: str, columns: int) -> list[str]:
    """A text in lines of so many columns, by its words; a Chinese character is a word."""
    lines = [""]
    for unit in _UNIT.findall(text):
        while unit:
            room = columns - width(lines[-1])
            if width(unit) <= room or unit.isspace():
                lines[-1] += unit
                break
            if lines[-1]:
                lines.append("")
                continue
            fits = next((n for n in range(len(unit), 0, -1) if width(unit[:n]) <= room), 1)
            lines[-1] += unit[:fits]  # a word that is longer than a line
            unit = unit[fits:]
    return [line.rstrip() for line in lines]
