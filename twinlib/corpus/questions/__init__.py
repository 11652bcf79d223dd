"""Questions for passages: from titles, from a model on this machine, or from an API."""
