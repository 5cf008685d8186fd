"""The shipped website as a person meets it: in a browser, on the local target."""

from __future__ import annotations

import functools
import http.server
import threading
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.system.slx import Slx, fetch

pytestmark = [pytest.mark.browser, pytest.mark.local]

CALL = """
const done = arguments[arguments.length - 1], request = new XMLHttpRequest();
request.open("GET", arguments[0]);
request.onload = () => done([request.status, request.responseText]);
request.onerror = () => done([0, "refused"]);
request.send();
"""


@pytest.fixture(scope="module")
def site(slx: Slx) -> dict[str, str]:
    slx.run("up", "website", "--local", "--yes")
    return slx.outputs("--local", "website")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A page of another origin."""
    handler = functools.partial(Page, directory=".")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Page(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>elsewhere</title>")

    def log_message(self, *_: Any) -> None:
        """Silent."""


def until(browser: Any, ask: Callable[[Any], Any]) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20, poll_frequency=0.05).until(ask)


def element(browser: Any, id: str) -> Any:
    return browser.find_element("id", id)


def test_a_click_shows_the_answer_of_the_function(browser: Any, site: dict[str, str]) -> None:
    browser.get(site["website"])
    element(browser, "call").click()
    until(browser, lambda b: element(b, "answer").get_attribute("data-state") == "ok")

    assert element(browser, "headline").text == "Hello from Lambda"
    assert "website-dev-hello" in element(browser, "facts").text
    assert browser.get_log("browser") == []


def test_the_page_links_to_the_api_that_was_made(browser: Any, site: dict[str, str]) -> None:
    browser.get(site["website"])

    assert element(browser, "api-link").get_attribute("href") == site["api"]


def test_an_unknown_path_shows_the_error_page_with_404(browser: Any, site: dict[str, str]) -> None:
    browser.get(f"{site['website']}/no/such/page")

    assert "error" in browser.page_source.lower() or "not found" in browser.page_source.lower()
    home = browser.find_element("css selector", "a[href='/']")
    home.click()
    assert until(browser, lambda b: element(b, "call")).is_displayed()
    with pytest.raises(urllib.error.HTTPError) as answer:
        fetch(f"{site['website']}/no/such/page")
    assert answer.value.code == 404
    answer.value.close()


def test_a_page_of_another_origin_may_not_call_the_api(browser: Any, site: dict[str, str], elsewhere: str) -> None:
    browser.get(elsewhere)
    assert browser.execute_async_script(CALL, site["api"]) == [0, "refused"]

    browser.get(site["website"])
    status, text = browser.execute_async_script(CALL, site["api"])
    assert (status, "Hello from Lambda" in text) == (200, True)


def test_the_page_says_so_when_the_function_fails(browser: Any, site: dict[str, str], slx: Slx) -> None:
    slx.run("init", "website", "broken")
    code = slx.folder / "broken" / "function" / "app.py"
    code.write_text("def handler(event, context):\n    raise RuntimeError('on purpose')\n")
    slx.run("up", "./broken/blueprint.yaml", "--stage", "broken", "--local", "--yes", "--no-checks")
    broken = slx.outputs("--local", "website/broken")

    browser.get(broken["website"])
    element(browser, "call").click()
    until(browser, lambda b: element(b, "answer").get_attribute("data-state") == "error")

    assert "500" in element(browser, "answer").text
