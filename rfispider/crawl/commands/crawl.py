"""`scrapy crawl rfi`: Scrapy's command, with arguments checked first and an exit status that scripts can trust."""

import argparse

from scrapy import Spider
from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError

from rfispider.crawl.arguments import ArgumentError, Arguments
from rfispider.crawl.logs import hide_start_up, install, make_records_safe
from rfispider.crawl.run_record import shortfall
from rfispider.setting_values import SettingError

EPILOG = """
arguments of the spider rfi (-a NAME=VALUE):
  editions=cn,fr|all     editions to crawl (default cn)
  depth=N                related-article hops from a source (default 2; 0 none, -1 no limit)
  sources=URL,...        feeds, sitemaps or lists to start from instead of the built-in ones
  since=, until=YYYY-MM-DD
                         also the archives and monthly sitemaps of these days
                         (until defaults to today), after the news
  follow=1               stay for what comes due instead of ending when nothing is
  archive=PATH           archived feed entries to read instead of the network:
                         a document, a directory, a .tar.gz or a .zip

exit status: 0 the run did its job, 1 it did not (the last line says why), 2 wrong usage
"""


class Command(ScrapyCrawl):
    """Runs a spider; exits 1 when the run did not do its job and 2 on wrong usage."""

    crawler: Crawler | None = None

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Describe the arguments of the spider."""
        super().add_options(parser)
        parser.epilog = EPILOG
        parser.formatter_class = argparse.RawDescriptionHelpFormatter

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Set up log records before Scrapy writes the first one."""
        super().process_options(args, opts)
        make_records_safe()
        if self.settings:
            self.settings.set("LOG_INSTALL_ROOT_HANDLER", value=False, priority="cmdline")
        if self.settings and self.settings["LOG_LEVEL"] == "INFO":
            hide_start_up()

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the arguments, crawl, and set the exit status."""
        if args[:1] == ["rfi"]:
            self.check(opts)
        try:
            if self.settings:
                install(self.settings)
            super().run(args, opts)
        except SettingError as error:
            raise UsageError(str(error), print_help=False) from error
        if self.crawler and (stats := self.crawler.stats.get_stats()):
            self.exitcode = int(bool(self.exitcode or shortfall(stats, stats.get("finish_reason", "not started"))))

    def check(self, opts: argparse.Namespace) -> None:
        """Refuse arguments that cannot be used before anything is started."""
        try:
            Arguments.parse(opts.spargs)
        except ArgumentError as error:
            raise UsageError(str(error), print_help=False) from error

    def _create_crawler(self, spidercls: type[Spider] | str) -> Crawler:
        self.crawler = super()._create_crawler(spidercls)
        return self.crawler
