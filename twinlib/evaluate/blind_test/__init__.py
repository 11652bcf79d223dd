"""The blind test: friends try to tell the author's answers from the twin's."""
