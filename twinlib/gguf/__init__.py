"""Notebook 04: from a base and its adapter to GGUF files, each checked before it is offered."""
