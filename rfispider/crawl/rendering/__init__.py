"""Pages whose body comes by script: rendered once by a browser, and read again.

Off unless `SPLASH_URL` is set or `RFI_RENDERER` asks for a renderer. The add-on is the only door: with it switched
off no other module of the project, and nothing of Scrapy, knows that there is such a thing.
"""

from rfispider.crawl.rendering.addon import RenderingAddon
from rfispider.crawl.rendering.middleware import Rendering

__all__ = ["Rendering", "RenderingAddon"]
