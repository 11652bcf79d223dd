"""Notebook 01: exports of any kind to training rows whose answers are the author's own words."""
