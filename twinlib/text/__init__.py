"""Functions on texts that several notebooks share: no model, no torch, no twin folder."""
