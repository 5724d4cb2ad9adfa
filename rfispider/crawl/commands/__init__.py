"""Scrapy commands of this project; `scrapy crawl` is Scrapy's own with checked arguments and an honest exit status."""
