"""DynamoDB: items that expire, and streams that outlive the server.

AWS deletes an expired item within a few days; here it is within about a second, so that it can be seen.
ministack looks once a minute and tells the stream nothing, and it keeps streams in memory only.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import engine
from serverless_cli.local.server.context import Here, log

_LOOK_S = 1.0
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
_OLDEST_S = 5 * 365 * 86400
_OWN = "slx_streams"
_STORES = ("_stream_records", "_stream_trimmed")


def install(here: Here) -> None:
    """Keep streams with the tables they belong to, and delete what expires."""
    module = engine.Part("services.dynamodb")
    save, load = module["get_state"], module["load_persisted_state"]

    def saved() -> Any:
        return {**save(), _OWN: {name: copy.deepcopy(module[name]) for name in _STORES}}

    def loaded(data: Mapping[str, Any]) -> None:
        load(data)
        for name, kept in (data.get(_OWN) or {}).items():
            module[name].update(kept)

    module["get_state"] = saved
    module["load_persisted_state"] = loaded
    threading.Thread(target=_expire, args=(here,), daemon=True, name="slx-expiry").start()


def _expire(here: Here) -> None:
    module = engine.Part("services.dynamodb")
    while True:
        time.sleep(_LOOK_S)
        for (account, region, name), setting in list(module["_ttl_settings"].all_items()):
            if setting.get("TimeToLiveStatus") != "ENABLED":
                continue
            try:
                with engine.Part("core.responses")["request_scope"](account, region):
                    if _expired(name, str(setting.get("AttributeName", ""))):
                        here.changed()
            except RuntimeError:
                # The table changed while it was looked through; its turn comes again.
                log.debug("table %s changed", name)


def _expired(name: str, attribute: str) -> int:
    """Delete the expired items of a table; how many there were."""
    module, now = engine.Part("services.dynamodb"), time.time()
    table = module["_tables"].get(name)
    found = [
        (hash_key, range_key)
        for hash_key, items in list((table or {"items": {}})["items"].items())
        for range_key, item in list(items.items())
        if _is_due(item.get(attribute), now)
    ]
    for hash_key, range_key in found:
        with module["_lock"]:
            item = module["_remove_item"](table, hash_key, range_key)
            if item is not None:
                module["_emit_stream_event"](name, "REMOVE", item, None)
                _mark_as_expiry(name)
    return len(found)


def _is_due(value: Any, now: float) -> bool:
    """Only numbers count, and nothing that would have expired more than five years ago."""
    try:
        moment = float(value["N"])
    except (TypeError, KeyError, ValueError):
        return False
    return now - _OLDEST_S < moment <= now


def _mark_as_expiry(name: str) -> None:
    records = engine.Part("services.dynamodb")["_stream_records"].get(name)
    if records and records[-1]["eventName"] == "REMOVE":
        records[-1]["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
