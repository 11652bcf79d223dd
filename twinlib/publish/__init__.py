"""Notebook 06: model and dataset cards, the dry run, and the upload to the Hugging Face Hub."""
