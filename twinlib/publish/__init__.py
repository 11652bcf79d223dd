"""Notebook 06: model cards, the dry run and the upload."""
