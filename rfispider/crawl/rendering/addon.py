"""The add-on: what rendering adds to Scrapy's settings, and only when it is asked for."""

from scrapy.exceptions import NotConfigured
from scrapy.settings import BaseSettings

from rfispider.setting_values import renderer

MIDDLEWARE = "rfispider.crawl.rendering.Rendering"
NEXT_TO_SPIDER = 900
"""Order among the spider middlewares: no other stands between this one and the spider."""


class RenderingAddon:
    """Adds the chosen renderer to a crawl."""

    def update_settings(self, settings: BaseSettings) -> None:
        """Add what rendering needs.

        Raises:
            NotConfigured: no renderer is asked for.
            SettingError: a setting cannot be used.

        """
        name = renderer(settings)
        if not name:
            raise NotConfigured
        settings["SPIDER_MIDDLEWARES"][MIDDLEWARE] = NEXT_TO_SPIDER
        if name == "splash":
            from rfispider.crawl.rendering import splash  # noqa: PLC0415 - only the chosen renderer is loaded

            splash.configure(settings)
        else:
            from rfispider.crawl.rendering import playwright  # noqa: PLC0415 - an optional extra

            playwright.configure(settings)
