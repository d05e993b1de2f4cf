"""The Infigo storefront: its settings, its client, and how its words map to ours."""

from countermand.infigo.hooks import parse_hook
from countermand.infigo.settings import InfigoSettings
from countermand.infigo.storefront import InfigoStorefront

__all__ = ["InfigoSettings", "InfigoStorefront", "parse_hook"]
