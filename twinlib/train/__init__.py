"""Notebooks 02 and 03: the persona adapter, GRPO on top of it, and the trainer they share."""
