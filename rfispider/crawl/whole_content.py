"""A response is passed on only if its content arrived whole; anything else is a failed download."""

from typing import Final

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response

from rfispider.crawl.content_coding import ContentBroken, ContentTooLarge, decoded

PARTIAL_CONTENT: Final = 206
_SUCCESS: Final = range(200, 300)


class WholeContent(HttpCompressionMiddleware):
    """Scrapy's decompression, read strictly; a body that is shorter than announced fails in the downloader already."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Decompress a response.

        Raises:
            DownloadCancelledError: its content is broken, a part only, or larger than `RFI_PAGE_BYTES`.

        """
        if response.status == PARTIAL_CONTENT and b"Range" not in request.headers:
            raise DownloadCancelledError("the response is a part of the content (206) that nobody asked for")
        try:
            return super().process_response(request, response)
        except ContentTooLarge as error:
            raise DownloadCancelledError("the response is too large once it is decompressed") from error
        except ContentBroken as error:
            if response.status not in _SUCCESS:
                # Its status says all that it has to.
                del response.headers["Content-Encoding"]
                return response.replace(body=b"")
            raise DownloadCancelledError(f"the response did not arrive whole: {error}") from error

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        return decoded(body, encoding.decode(), max_size)
