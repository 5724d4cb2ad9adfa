"""A distributed crawl-and-extract job for the news archive of Radio France Internationale."""

__version__ = "0.2.0"
