"""A bucket's website configuration, as it was put in XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a redirect leads; what is empty stays as it was asked for."""

    host: str = ""
    protocol: str = ""
    code: int = 301
    replace_prefix: str | None = None
    replace_key: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A routing rule; `error` 0 means that it holds before the object is looked for."""

    prefix: str
    error: int
    redirect: Redirect

    def holds(self, key: str, status: int) -> bool:
        return key.startswith(self.prefix) and self.error == status


@dataclass(frozen=True, slots=True)
class Website:
    """What a website endpoint does with a request; `index` is appended to folders, `error` is a key or empty."""

    index: str
    error: str
    redirect_all: Redirect | None
    rules: tuple[Rule, ...]


def website_of(document: str) -> Website:
    """The configuration in S3's XML."""
    root = fromstring(document)  # noqa: S314 - written by the instance's own administrator
    away = _child(root, "RedirectAllRequestsTo")
    rules = _child(root, "RoutingRules")
    return Website(
        index=_text(root, "IndexDocument", "Suffix"),
        error=_text(root, "ErrorDocument", "Key"),
        redirect_all=None if away is None else Redirect(_text(away, "HostName"), _text(away, "Protocol")),
        rules=() if rules is None else tuple(_rule(rule) for rule in rules),
    )


def location(redirect: Redirect, host: str, key: str, prefix: str) -> str:
    """The Location header of a redirect from `key`; `prefix` is what the rule matched."""
    if redirect.replace_key is not None:
        key = redirect.replace_key
    elif redirect.replace_prefix is not None:
        key = redirect.replace_prefix + key[len(prefix) :]
    return f"{redirect.protocol or 'http'}://{redirect.host or host}/{key}"


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _text(element: Element, *path: str) -> str:
    found: Element | None = element
    for name in path:
        found = None if found is None else _child(found, name)
    return "" if found is None else (found.text or "")


def _rule(element: Element) -> Rule:
    target = _child(element, "Redirect")
    if target is None:
        target = Element("Redirect")
    with_key, with_prefix = _child(target, "ReplaceKeyWith"), _child(target, "ReplaceKeyPrefixWith")
    return Rule(
        prefix=_text(element, "Condition", "KeyPrefixEquals"),
        error=int(_text(element, "Condition", "HttpErrorCodeReturnedEquals") or 0),
        redirect=Redirect(
            host=_text(target, "HostName"),
            protocol=_text(target, "Protocol"),
            code=int(_text(target, "HttpRedirectCode") or 301),
            replace_prefix=None if with_prefix is None else with_prefix.text or "",
            replace_key=None if with_key is None else with_key.text or "",
        ),
    )
