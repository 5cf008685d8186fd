"""The only way to ministack's modules, and the table of all that slx uses of them.

ministack is pinned, and none of what is listed here is a public interface of it: `check` compares each name
with what the installed release has, so that a new release which moves one fails at start-up, by name.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Need:
    """A name in a ministack module; `shape` is a function's parameter names, or a value's type."""

    module: str
    name: str
    shape: str
    seam: str


NEEDS = (
    Need("app", "app", "(scope, receive, send)", "gate"),
    Need("app", "AUTH", "bool", "boot"),
    Need("app", "_collect_scripts", "(*dirs)", "quiet"),
    Need("app", "_build_persistence_save_dict", "()", "saver"),
    Need("core.persistence", "PERSIST_STATE", "bool", "saver"),
    Need("core.persistence", "save_state", "(service, data)", "saver"),
    Need("core.persistence", "_json_default", "(obj)", "saver"),
    Need("core.router", "detect_service", "(method, path, headers, query_params)", "admission"),
    Need("core.router", "extract_access_key_id", "(headers, query_params)", "admission"),
    Need("core.iam_evaluator", "is_root_access_key", "(access_key_id)", "identity"),
    Need("core.iam_evaluator", "resolve_credential", "(access_key_id, account_id, session_token)", "admission"),
    Need("core.iam_evaluator", "ResolvedCredential", "type", "admission"),
    Need("core.iam_evaluator", "EvalContext", "type", "permits"),
    Need("core.iam_evaluator", "evaluate", "(ctx, policies, *limits)", "permits"),
    Need("core.iam_evaluator", "evaluate_resource_policy", "(doc, ctx, service, named_only, direct_only)", "permits"),
    Need("core.iam_evaluator", "_gather_role_policies", "(role_name, account_id)", "permits"),
    Need("core.responses", "request_scope", "(account_id, region)", "all"),
    Need("core.responses", "_account_from_sts_session", "(access_key_id)", "admission"),
    Need("core.concurrency", "run_reentrant", "(fn, *args, thread_name)", "httpapi"),
    Need("services.sts", "is_root_access_key", "(access_key_id)", "identity"),
    Need("services.sts", "register_session", "(access_key, session)", "identity"),
    Need("services.sts", "_sessions", "dict", "identity"),
    Need("services.s3", "_buckets", "AccountScopedDict", "website"),
    Need("services.s3", "_bucket_websites", "AccountScopedDict", "website"),
    Need("services.s3", "_bucket_owner_account", "(name)", "website"),
    Need(
        "services.s3",
        "_foreign_bucket_allows",
        "(owner_account, bucket_name, key, method, query_params, caller, headers)",
        "website",
    ),
    Need("services.s3", "_get_object", "(bucket_name, key, headers, query_params)", "website"),
    Need("services.s3", "_head_object", "(bucket_name, key, headers, query_params)", "website"),
    Need("services.lambda_svc", "_functions", "AccountRegionScopedDict", "functions"),
    Need(
        "services.lambda_svc",
        "_execute_function_dispatch",
        "(func, config, event, request_id, started)",
        "functions",
    ),
    Need("services.lambda_svc", "_execute_function_with_config_scope", "(func, event)", "httpapi"),
    Need("services.lambda_svc", "_execution_record_for_config", "(func, config)", "httpapi"),
    Need("services.lambda_svc", "_get_func_record_for_ref_in_scope", "(function_ref, account_id, region)", "httpapi"),
    Need("services.lambda_svc", "_get_base_func_record_for_ref", "(function_ref)", "httpapi"),
    Need("services.lambda_svc", "_resolve_layer_zip", "(attachment)", "functions"),
    Need("services.lambda_svc", "invalidate_worker", "(func_name, qualifier, account, region)", "functions"),
    Need("services.cloudwatch_logs", "_log_groups", "AccountRegionScopedDict", "logs"),
    Need("services.cloudwatch_logs", "_make_group_arn", "(name)", "logs"),
    Need("services.cloudwatch_logs", "_append_log_events", "(stream, events)", "logs"),
    Need("services.cloudwatch_logs", "_fanout_to_subscription_filters", "(group_name, stream_name, events)", "logs"),
    Need("services.apigateway", "_apis", "AccountRegionScopedDict", "httpapi"),
    Need("services.apigateway", "_routes", "AccountRegionScopedDict", "httpapi"),
    Need("services.apigateway", "_integrations", "AccountRegionScopedDict", "httpapi"),
    Need("services.apigateway", "_stages", "AccountRegionScopedDict", "httpapi"),
    Need("services.apigateway", "_authorizers", "AccountRegionScopedDict", "authorizers"),
    Need("services.apigateway_v1", "_rest_apis", "AccountRegionScopedDict", "httpapi"),
    Need("services.lambda_svc", "resolve_function_url", "(url_id)", "gate"),
    Need("services.apigateway", "_jwt_claim_to_string", "(value)", "authorizers"),
    Need("services.apigateway", "_iam_caller_identity_v2", "(headers, query_params)", "authorizers"),
    Need(
        "services.apigateway",
        "_authorize_request_v2",
        "(api_id, stage, route, method, path, resource_path, headers, query_params, path_params, stage_vars, "
        "owner_account_id, owner_region, raw_query_string)",
        "authorizers",
    ),
    Need(
        "app",
        "_enforce_execute_api",
        "(api_id, stage, method, execute_path, headers, query_params, iam_action)",
        "authorizers",
    ),
    Need(
        "core.iam_evaluator",
        "pin_signed_request",
        "(method, raw_path, query_params, raw_headers, handshake)",
        "authorizers",
    ),
    Need("core.iam_evaluator", "pin_signed_body", "(body)", "authorizers"),
    Need("services.apigateway", "decode_http_api_path", "(raw_path)", "httpapi"),
    Need("services.apigateway", "_extract_lambda_ref_from_integration_uri", "(uri)", "httpapi"),
    Need(
        "services.apigateway", "_validate_jwt_authorizer", "(route, authorizer, headers, query_params)", "authorizers"
    ),
    Need(
        "services.apigateway",
        "_invoke_http_proxy",
        "(integration, path, method, headers, body, query_params)",
        "httpapi",
    ),
)


_DECLARED = {(need.module, need.name) for need in NEEDS}


class Part:
    """A module of ministack, such as `services.s3`; `part["name"]` reads what the table lists, or replaces it.

    A name that is not in the table is refused, so that the table stays whole.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getitem__(self, name: str) -> Any:
        self._declared(name)
        return getattr(_module(self._module), name)

    def __setitem__(self, name: str, value: object) -> None:
        self._declared(name)
        setattr(_module(self._module), name, value)

    def _declared(self, name: str) -> None:
        if (self._module, name) not in _DECLARED:
            raise LookupError(f"{self._module}.{name} is not in the table of what slx uses of ministack")


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"ministack.{name}")


def check(needs: tuple[Need, ...] = NEEDS) -> list[str]:
    """One line for each need that the installed release does not meet."""
    return [problem for need in needs if (problem := _problem(need))]


def _problem(need: Need) -> str:
    where = f"ministack.{need.module}.{need.name} (used by {need.seam})"
    try:
        module = _module(need.module)
    except ImportError as error:
        return f"{where}: the module cannot be imported: {error}"
    if not hasattr(module, need.name):
        return f"{where} is gone"
    found = _shape(getattr(module, need.name))
    return "" if found == need.shape else f"{where} is {found}, slx was written for {need.shape}"


def _shape(value: Any) -> str:
    if inspect.isclass(value):
        return "type"
    if not callable(value):
        return type(value).__name__
    names = []
    for parameter in inspect.signature(value).parameters.values():
        star = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else ""
        names.append(star + parameter.name)
    return f"({', '.join(names)})"
