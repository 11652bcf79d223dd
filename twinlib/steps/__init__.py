"""One verb a file: settings in, report out. Steps never import each other; each reads what the ones before it saved."""
