"""The owner's pages about himself: register, apply, settings."""

from portal.merchants.views import application, pictures, register, settings, steps
from portal.merchants.views.blueprint import blueprint

__all__ = ["application", "blueprint", "pictures", "register", "settings", "steps"]
