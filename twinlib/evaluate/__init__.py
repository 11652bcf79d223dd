"""Notebook 05: the score card, on documents that training never saw, and the blind test."""
