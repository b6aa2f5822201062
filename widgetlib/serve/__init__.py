"""Starting what people see: the gallery and its dashboards through Voilà, the notebooks through JupyterLab."""

from widgetlib.serve.start import app, lab

__all__ = ["app", "lab"]
