"""Scrapy's scheduler on the shared frontier: what is due is leased, paced, fetched, and acknowledged when stored.

A lease is acknowledged only when Scrapy has let go of its request: the response downloaded, the callback
exhausted, every item out of the pipelines, every link in the frontier. A visit without an outcome has failed.

engine  what Scrapy's engine sees: requests out, requests back, open and close
worker  what the frontier sees: claim, pace, complete, renew
links   what pages lead to, written for several pages at once
visits  a lease becomes a request's link and conditions, and what came of it becomes a report
"""

from rfispider.crawl.scheduler.scheduler import FrontierScheduler

__all__ = ["FrontierScheduler"]
