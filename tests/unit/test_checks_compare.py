"""What is compared with what is expected."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from serverless_cli.checks.compare import differs, message_unlike, picture_unlike, unlike, unpacked
from serverless_cli.checks.image import Image, image
from serverless_cli.checks.items import plain_item, typed_item

JPEG = bytes.fromhex("ffd8 ffe00004 0000 ff ff c4 0003 00 ffc0 0011 08 0155 0280 03")
WEBP = b"RIFF\0\0\0\0WEBP"


@pytest.mark.parametrize(
    ("expected", "have", "wrong"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, "", id="an object may have more"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, "a.b is missing", id="something missing deep inside"),
        pytest.param([{"a": 1}], [{"a": 1, "b": 2}], "", id="objects in a list may have more"),
        pytest.param([1], [1, 2], "the answer is [1, 2] instead of [1]", id="a list may not"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3]}, "a[1] is 3 instead of 2", id="where in a list"),
        pytest.param(1, True, "is true instead of 1", id="true is no number"),
        pytest.param(2, 2.0, "", id="numbers count, not their form"),
        pytest.param({"a": 1}, "text", 'is "text" instead of {"a": 1}', id="another kind"),
        pytest.param(None, None, "", id="nothing is nothing"),
    ],
)
def test_json_differs_where_something_lacks(expected, have, wrong):
    found = differs(expected, have)

    assert wrong in found if wrong else found == ""


def test_a_text_must_contain_and_be_json_as_expected():
    assert unlike('{"a": 1}', {"contains": "a", "json": '{"a":1}'}, "it") == ""
    assert "'b' is not in it" in unlike('{"a": 1}', {"contains": "b"}, "it")
    assert "it is no JSON" in unlike("<html>", {"json": "{}"}, "it")


def test_a_message_is_looked_at_inside_and_outside_of_its_envelope():
    body = json.dumps({"Type": "Notification", "Subject": "news", "Message": '{"id": "x"}'})

    assert message_unlike(body, {"json": '{"id":"x"}'}) == ""
    assert message_unlike(body, {"json": '{"Subject":"news"}'}) == ""
    assert message_unlike(body, {"contains": '"id": "x"'}) == ""
    assert "id" in message_unlike(body, {"json": '{"id":"y"}'})
    assert message_unlike('{"Type": "Notification"}', {"json": '{"Type":"Notification"}'}) == ""


def test_what_firehose_could_not_deliver_is_read_in_the_clear():
    line = json.dumps({"errorCode": "X", "rawData": base64.b64encode(b"poison 1").decode()})
    broken = '{"rawData": "\u00e4"}\n{"rawData": 5}\n"rawData"'

    assert "poison 1" in unpacked(f"{line}\n{broken}".encode())
    assert "poison 1" in unpacked(gzip.compress(line.encode()))
    assert unpacked(b"\x1f\x8b broken").endswith("broken")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        pytest.param(JPEG, Image("jpeg", 640, 341), id="jpeg with segments, padding and a table before its frame"),
        pytest.param(
            b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (5).to_bytes(4) + (7).to_bytes(4), Image("png", 5, 7), id="png"
        ),
        pytest.param(b"GIF89a" + b"\x05\0\x07\0", Image("gif", 5, 7), id="gif"),
        pytest.param(WEBP + b"VP8X" + bytes(8) + b"\x04\0\0\x06\0\0", Image("webp", 5, 7), id="webp, extended"),
        pytest.param(WEBP + b"VP8 " + bytes(10) + b"\x05\0\x07\0", Image("webp", 5, 7), id="webp, lossy"),
        pytest.param(
            WEBP + b"VP8L" + bytes(4) + b"\x2f" + (4 | 6 << 14).to_bytes(4, "little"),
            Image("webp", 5, 7),
            id="lossless",
        ),
        pytest.param(WEBP + b"NOPE", None, id="webp of no known kind"),
        pytest.param(JPEG[:12], None, id="broken off"),
        pytest.param(b"This is no picture.", None, id="none at all"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_a_picture_tells_format_and_size(content, wanted):
    assert image(content) == wanted


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ({"format": "jpeg", "width": 320, "height": 213}, ""),
        ({"max_width": 320, "max_height": 320}, ""),
        ({"format": "png"}, "JPEG picture instead of PNG"),
        ({"width": 100}, "width is 320 instead of 100"),
        ({"max_height": 200}, "height is 213, more than 200"),
    ],
)
def test_a_picture_is_compared(expect, wrong):
    found = picture_unlike(Image("jpeg", 320, 213), expect)

    assert wrong in found if wrong else found == ""


def test_what_is_no_picture_says_so():
    assert "no picture" in picture_unlike(None, {})


def test_items_are_plain_values_and_back():
    values = {"s": "x", "n": 5, "f": 2.5, "b": True, "none": None, "l": [1, "a"], "m": {"in": "side"}}

    assert plain_item(typed_item(values)) == values


def test_sets_and_bytes_of_items_become_what_json_has():
    item = {"ss": {"SS": ["b", "a"]}, "ns": {"NS": ["2", "1"]}, "b": {"B": b"x"}, "bs": {"BS": [b"x"]}}

    assert plain_item(item) == {"ss": ["a", "b"], "ns": [1, 2], "b": "eA==", "bs": ["eA=="]}
