"""The only room that knows Scrapy: how URLs that are due become pages, and pages become articles in the archive.

In the order of the data's way:

session         opens the database once a crawl, hands it to everything below, closes it once
arguments       what `scrapy crawl rfi -a name=value` accepts
scope           which URLs a crawl asks for
scheduler/      leases what is due, paces it, acknowledges it when it is stored
offsite         what keeps a crawl on the site; allowlist: where it may connect to
middlewares     links into the frontier, answers into the budget of their host
responses       what an answer means: a page, no news, a failure
spiders/        which page leads to which
rendering/      pages whose body comes by script, rendered by a browser
parse_pool      pages are parsed in processes of their own
pipelines       Extract, Check, Save: a page becomes an article, the article a document
archive_writer  articles and pages share commits
link_buffer     links share writes
run_record      one document a run; heartbeat: its sign of life; run_text: its words
progress_log    how a run goes; backlog: what it still has to do
metrics         the same for Prometheus
logs            one line an event, never a secret
commands/       `scrapy crawl` with checked arguments and an honest exit status
"""
