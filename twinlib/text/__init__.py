"""Text in, text and numbers out: reading, cleaning, privacy, passages, questions, rows. No torch, no twin folder."""
