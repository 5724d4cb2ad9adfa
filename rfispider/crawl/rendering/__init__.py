"""Pages whose body comes by script: rendered once by a browser, and read again.

Off unless `SPLASH_URL` is set or `RFI_RENDERER` names a renderer. Only the add-on connects this package to a crawl:
with it switched off no other module of the project, and nothing of Scrapy, depends on it.
"""

from rfispider.crawl.rendering.addon import RenderingAddon
from rfispider.crawl.rendering.middleware import Rendering

__all__ = ["Rendering", "RenderingAddon"]
