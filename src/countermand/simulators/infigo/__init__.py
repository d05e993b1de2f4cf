"""A stand-in for an Infigo storefront: a real HTTP server, true to what is known of the real one."""

from countermand.simulators.infigo.app import create_app, run
from countermand.simulators.infigo.settings import InfigoSettings, PluginSettings, Webhook
from countermand.simulators.infigo.shop import Shop

__all__ = ["InfigoSettings", "PluginSettings", "Shop", "Webhook", "create_app", "run"]
