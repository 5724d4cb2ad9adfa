"""Scrapy's scheduler on the shared frontier: what is due is leased, paced, fetched, and acknowledged when stored.

A lease is acknowledged only when Scrapy has let go of its request: the response downloaded, the callback
exhausted, every item out of the pipelines, every link in the frontier. A visit without an outcome has failed.

scheduler      what Scrapy's engine sees: requests out, requests back, open and close
engine_access  what is needed of Scrapy's engine and has no public way
worker         what the frontier sees: claim, pace, complete, renew
visit          a lease becomes a request's link and conditions, and what came of it becomes a completion
"""

from rfispider.crawl.scheduler.scheduler import FrontierScheduler

__all__ = ["FrontierScheduler"]
