"""Why something is left out of the corpus: {code: {language: label}}.

Six modules decide, in this order:

1. `readers/archive.py` does not open a file because of its name or its kind (SKIPPED), or refuses
   it (too large, a damaged archive).
2. A reader refuses a file (`Unreadable`), leaves parts of it out (`Document.removed`), or marks a
   whole document (`Document.skip_reason`).
3. `clean/` takes out what is not prose: code, tables, quotations, footnotes.
4. `authorship.py` takes out parts, and whole documents, that somebody or something else wrote, and
   `listings.py` lists and records that are no prose.
5. `pipeline.py` leaves out drafts, short texts and what the owner dropped.
6. `gather.py` leaves out duplicates and other authors' texts, once all documents are known.
"""

from ..i18n import data

REASONS: dict[str, dict[str, str]] = data("reasons")["reasons"]
KINDS: dict[str, dict[str, str]] = data("reasons")["what"]
SKIPPED: dict[str, dict[str, str]] = data("reasons")["skipped"]
