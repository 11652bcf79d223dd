"""Looking into widgets: what the tests of the forms share."""

import ipywidgets as widgets


def inside(widget):
    """Every widget in a widget."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def text_of(widget):
    """What a person reads in it."""
    return "\n".join(part.value for part in inside(widget) if isinstance(part, widgets.HTML))
