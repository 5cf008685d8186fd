"""Runs checks until they pass or their deadline ends; several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from serverless_cli.aws.calls import Aws
from serverless_cli.checks import Desk, prove
from serverless_cli.model import Check, CheckResult


def run(aws: Aws, checks: Iterable[Check], listen: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
    """The results in the order of the checks; `listen` is told each as soon as it and those before it are there.

    Whatever is raised meanwhile (Ctrl-C) ends all checks at once, but not before they have removed what they made.
    """
    stopped = threading.Event()
    desk = Desk(aws, sleep=stopped.wait)
    with ThreadPoolExecutor(8, "check") as pool:
        results: list[CheckResult] = []
        try:
            for result in pool.map(lambda check: prove(check, desk), checks):
                listen(result)
                results.append(result)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return tuple(results)
