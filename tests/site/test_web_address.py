import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.site.web_address import web_address

PAGE = "https://www.rfi.fr/en/africa/20260301-boat"


@pytest.mark.parametrize(
    ("printed", "address"),
    [
        ("/a.jpg", "https://www.rfi.fr/a.jpg"),
        ("//s.rfi.fr/a.jpg", "https://s.rfi.fr/a.jpg"),
        (" \n/a b.jpg\t", "https://www.rfi.fr/a%20b.jpg"),
        ("https://s.rfi.fr/a.jpg", "https://s.rfi.fr/a.jpg"),
        ("/a\ud800.jpg", "https://www.rfi.fr/a\ufffd.jpg"),
        ("/a\x00\x1f.jpg", "https://www.rfi.fr/a.jpg"),
        *(
            (none, None)
            for none in ("", " ", "#top", "data:image/png;base64,AA==", "javascript:alert(1)", "mailto:a@b")
        ),
        *((none, None) for none in ("ftp://x.test/a.jpg", "https://[::1/x", "/" + "x" * 4096, 7, None, ["/a.jpg"])),
    ],
)
def test_an_address_is_made_absolute_or_is_none(printed: object, address: str | None) -> None:
    assert web_address(printed, PAGE) == address


def test_without_a_base_only_absolute_addresses_are_some() -> None:
    assert web_address("/en/a") is None
    assert web_address("https://www.rfi.fr/en/a") == "https://www.rfi.fr/en/a"


@given(st.text(alphabet=st.characters()))
def test_whatever_is_printed_an_address_can_be_stored(printed: str) -> None:
    address = web_address(printed, PAGE)
    assert address is None or address.encode()
