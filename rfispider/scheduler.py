"""Scrapy's scheduler on the shared frontier: what is due is leased, paced, fetched, and acknowledged when stored.

A lease is acknowledged only when Scrapy has let go of its request: the response downloaded, the callback
exhausted, every item out of the pipelines, every link in the frontier. What has no outcome by then has failed.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Coroutine, Iterable
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from rfispider import urls
from rfispider.frontier import Done, Frontier, Lease, Validators
from rfispider.items import Attempt, Link, Outcome
from rfispider.pipelines import NotStored, archive_uri
from rfispider.politeness import PAGES, Breaker, Limits
from rfispider.revisit import POLL_KEYS, SOURCES, Poll
from rfispider.settings import number, request_rate
from rfispider.store import explained_frontier

logger = logging.getLogger(__name__)
