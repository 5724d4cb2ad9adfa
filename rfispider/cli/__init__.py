"""`rfispider`: what people do besides crawling. One module a command, or a group of them."""

import sys

try:
    from rfispider.cli.commands import app, main
except KeyboardInterrupt:
    # To load all of it takes most of a second, in which nobody else catches Ctrl-C.
    sys.stderr.write("rfispider: interrupted\n")
    sys.exit(130)

__all__ = ["app", "main"]
