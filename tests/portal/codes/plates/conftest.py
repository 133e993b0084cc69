"""Loads the layout engine once. Where a machine has no font at all it warns; plates bring their own."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "No fonts configured")
    warnings.filterwarnings("ignore", "FontConfig cannot load")
    import weasyprint  # noqa: F401
