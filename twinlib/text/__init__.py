"""Text in, text and numbers out: reading exports, cleaning, privacy, passages, questions, rows. No torch, no twin folder."""
