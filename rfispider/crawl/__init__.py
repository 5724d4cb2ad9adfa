"""The only room that knows Scrapy: spider, scheduler, pipelines, middlewares, extensions, rendering."""
