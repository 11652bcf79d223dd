"""Notebook 04: a base and its adapter to GGUF files that are checked before they are offered."""
