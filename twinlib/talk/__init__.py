"""Notebook 07: chat with the finished twin, from its GGUF file."""
