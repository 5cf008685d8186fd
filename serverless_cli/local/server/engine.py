"""The only way to ministack's modules, and the table of all that slx uses of them.

ministack is pinned, and none of what is listed here is a public interface of it: `check` compares each name
with what the installed release has, so that a new release which moves one fails at start-up, by name.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

from serverless_cli.records import dataclass


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
    Need("services.iam", "_roles", "AccountScopedDict", "permits"),
    Need("services.lambda_svc", "function_policy_for_arn", "(resource_arn)", "acting"),
    Need("services.sqs", "queue_policy_for_arn", "(queue_arn)", "acting"),
    Need("services.sns", "topic_policy_for_arn", "(topic_arn)", "acting"),
    Need("app", "call_service_handler_sync", "(handler, method, path, headers, body, query_params, timeout)", "calls"),
    Need("app", "SERVICE_HANDLERS", "dict", "calls"),
    Need("services.lambda_svc", "_get_func_record_for_ref", "(function_ref)", "calls"),
    Need("services.lambda_svc", "invoke_async_with_retry", "(func, event)", "invocations"),
    Need(
        "services.sns",
        "publish_internal",
        "(topic_arn, message, subject, message_structure, message_attributes, message_group_id, "
        "message_deduplication_id)",
        "targets",
    ),
    Need("services.sns", "SnsPublishError", "type", "targets"),
    Need("services.apigateway", "_create_integration", "(api_id, data)", "integrations"),
    Need("services.apigateway", "_update_integration", "(api_id, int_id, data)", "integrations"),
    Need("services.apigateway", "_apigw_response", "(data, status)", "integrations"),
    Need("services.apigateway", "_apigw_error", "(code, message, status)", "integrations"),
    Need("services.lambda_svc", "_create_esm", "(data)", "mappings"),
    Need("services.lambda_svc", "_esm_response", "(esm)", "mappings"),
    Need("services.lambda_svc", "_esms", "AccountRegionScopedDict", "mappings"),
    Need("services.lambda_svc", "_ensure_poller", "()", "mappings"),
    Need("services.lambda_svc", "json_response", "(data, status, content_type)", "mappings"),
    Need(
        "services.lambda_svc",
        "error_response_json",
        "(code, message, status, extra, message_key, content_type)",
        "admitted",
    ),
    Need("services.lambda_svc", "_kinesis_positions", "AccountRegionScopedDict", "mappings"),
    Need("services.lambda_svc", "_dynamodb_stream_positions", "AccountRegionScopedDict", "mappings"),
    Need("services.dynamodb", "_tables", "AccountRegionScopedDict", "sources"),
    Need("services.dynamodb", "stream_live_records", "(table_name, account_id, region)", "sources"),
    Need("services.kinesis", "_streams", "AccountRegionScopedDict", "sources"),
    Need("services.sqs", "_queue_by_arn", "(arn)", "queues"),
    Need("services.sqs", "_receive_messages_for_esm", "(queue_url, max_number)", "queues"),
    Need("services.sqs", "_delete_messages_for_esm", "(queue_url, receipt_handles)", "queues"),
    Need("services.eventbridge", "_compiled_pattern", "(pattern_str)", "patterns"),
    Need("services.eventbridge", "_matches_detail", "(detail, pattern)", "patterns"),
    Need("core.concurrency", "esm_wake", "Event", "pump"),
    Need("services.pipes", "_create_pipe", "(name, body)", "pipes"),
    Need("services.pipes", "_update_pipe", "(name, body)", "pipes"),
    Need("services.pipes", "_describe_response", "(pipe)", "pipes"),
    Need("services.pipes", "_ensure_poller", "()", "pipes"),
    Need("services.pipes", "_pipes", "AccountRegionScopedDict", "pipes"),
    Need("services.pipes", "_positions", "AccountRegionScopedDict", "pipes"),
    Need("services.stepfunctions", "_state_machines", "AccountRegionScopedDict", "pipes"),
    Need("services.lambda_svc", "_event_invoke_config", "(func, qualifier)", "invocations"),
    Need("services.s3", "_deliver_event_to_lambda", "(arn, event_payload, bucket_region)", "notifications"),
    Need("services.s3", "_deliver_event_to_sqs", "(arn, event_payload, bucket_region, bucket_name)", "notifications"),
    Need("services.s3", "_deliver_event_to_sns", "(arn, event_payload, bucket_region, bucket_name)", "notifications"),
    Need(
        "services.s3",
        "_validate_notification_configs",
        "(configs, bucket_region, bucket_name, skip_destination_validation)",
        "notifications",
    ),
    Need("services.s3", "_invalid_notification_config", "(message)", "notifications"),
    Need(
        "services.sns",
        "_deliver_to_lambda",
        "(endpoint, envelope, topic_arn, sub_arn, msg_id, raw_message, message_attributes)",
        "subscriptions",
    ),
    Need(
        "services.sns",
        "_deliver_to_sqs",
        "(endpoint, envelope, raw, raw_message, message_group_id, message_dedup_id, message_attributes, topic_arn)",
        "subscriptions",
    ),
    Need("services.sns", "_subscribe", "(params)", "subscriptions"),
    Need("services.sns", "_topic_by_arn_any_scope", "(topic_arn)", "subscriptions"),
    Need("services.sns", "_topics", "AccountRegionScopedDict", "subscriptions"),
    Need("services.sns", "_xml", "(status, root_tag, inner)", "subscriptions"),
    Need("services.sns", "_http_post_sync", "(endpoint, payload, sns_message_type)", "subscriptions"),
    Need("services.sns", "_list_subscriptions", "(params)", "subscriptions"),
    Need("services.sns", "_list_subscriptions_by_topic", "(params)", "subscriptions"),
    Need("services.sns", "_refresh_subscription_counts", "(topic)", "subscriptions"),
    Need("services.eventbridge", "_invoke_target", "(target, event, rule, view)", "rules"),
    Need("services.eventbridge", "_put_targets", "(data)", "rules"),
    Need("services.eventbridge", "_pattern_event_view", "(event)", "rules"),
    Need("services.eventbridge", "_apply_input_transformer", "(transformer, rule, view)", "rules"),
    Need("services.eventbridge", "_SCHEDULER_TICK_INTERVAL", "int", "rules"),
    Need(
        "services.eventbridge",
        "_dispatch_to_event_bus",
        "(spec, event, rule, event_path, target_input_payload)",
        "rules",
    ),
    Need("core.arn", "parse_arn", "(value)", "rules"),
    Need("services.firehose", "_deliver_records_to_s3", "(stream, dest, records)", "firehose"),
    Need("services.firehose", "_dest_description", "(dest)", "firehose"),
    Need("services.firehose", "_create_delivery_stream", "(data)", "firehose"),
    Need("services.firehose", "_invalid", "(msg)", "firehose"),
    Need("services.firehose", "_streams", "AccountRegionScopedDict", "firehose"),
    Need("services.firehose", "_lock", "lock", "firehose"),
    Need("services.firehose", "_arrival_time", "(cfg)", "outputs"),
    Need("services.firehose", "_evaluate_prefix", "(template, t, query_keys, lambda_keys, error_type)", "outputs"),
    Need("services.firehose", "_put_s3_object", "(bucket, key, body)", "outputs"),
    Need("services.firehose", "_HANDLERS", "dict", "firehose"),
    Need("services.stepfunctions", "_execute_task", "(state_def, raw_input, execution, ctx)", "machines"),
    Need("services.stepfunctions", "_run_execution", "(exec_arn)", "machines"),
    Need("services.stepfunctions", "_invoke_resource", "(resource, input_data)", "machines"),
    Need("services.stepfunctions", "_invoke_with_callback", "(resource, input_data, token, state_def)", "machines"),
    Need("services.stepfunctions", "_invoke_sns_publish", "(resource, input_data)", "machines"),
    Need("services.stepfunctions", "_SERVICE_DISPATCH", "dict", "machines"),
    Need("services.stepfunctions", "_start_execution", "(data)", "machines"),
    Need("services.stepfunctions", "_start_sync_execution", "(data)", "machines"),
    Need("services.stepfunctions", "_create_state_machine", "(data)", "machines"),
    Need("services.stepfunctions", "_update_state_machine", "(data)", "machines"),
    Need("services.stepfunctions", "_validate_state_machine_definition", "(data)", "machines"),
    Need("services.stepfunctions", "_ExecutionError", "type", "machines"),
    Need("services.stepfunctions", "_executions", "AccountRegionScopedDict", "machines"),
    Need("services.stepfunctions", "_add_event", "(execution, event_type, details)", "machines"),
    Need("services.stepfunctions", "_AWS_SDK_ERROR_PREFIX", "dict", "machines"),
    Need("services.dynamodb", "get_state", "()", "tables"),
    Need("services.dynamodb", "load_persisted_state", "(data)", "tables"),
    Need("services.dynamodb", "_stream_records", "AccountRegionScopedDict", "tables"),
    Need("services.dynamodb", "_stream_trimmed", "AccountRegionScopedDict", "tables"),
    Need("services.dynamodb", "_ttl_settings", "AccountRegionScopedDict", "tables"),
    Need("services.dynamodb", "_lock", "lock", "tables"),
    Need("services.dynamodb", "_remove_item", "(table, pk_val, sk_val)", "tables"),
    Need(
        "services.dynamodb", "_emit_stream_event", "(table_name, event_name, old_item, new_item, replicate)", "tables"
    ),
    Need("services.kinesis", "_create_stream", "(data)", "sources"),
    Need("services.sqs", "_build_send_sys_attrs", "(now, sys_attrs_input)", "lineage"),
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
