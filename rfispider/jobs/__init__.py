"""What runs beside a crawl: exports, re-extraction, scheduled runs."""
