"""The author's passages, found again: an index of them, answers from them, and where they end."""
