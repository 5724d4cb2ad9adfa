"""The two scripts of Chinese: words of paths in one as the site prints them in the other."""

from functools import cache

from opencc import OpenCC

from rfispider.site.editions import TRADITIONAL_WORDS


def converted(text: str, language: str) -> str:
    """Chinese text in simplified letters (language zh-Hans), or in traditional ones unless some of it already is.

    >>> converted("國際", "zh-Hans"), converted("国际", "zh-Hant")
    ('国际', '國際')
    """
    simplified = str(_converter("t2s").convert(text))
    if language == "zh-Hans" or simplified != text:
        return simplified if language == "zh-Hans" else text
    traditional = str(_converter("s2t").convert(text))
    return TRADITIONAL_WORDS.get(traditional, traditional)


@cache
def _converter(conversion: str) -> OpenCC:
    return OpenCC(conversion)
