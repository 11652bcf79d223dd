"""Notebook 01: from exports of any kind to training rows that answer in the author's own words."""
