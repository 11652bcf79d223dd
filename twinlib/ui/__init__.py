"""Notebook forms, pictures, the run cell and the headless tour."""
