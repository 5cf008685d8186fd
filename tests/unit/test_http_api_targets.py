import pytest
from expanding import expand, spec

from serverless_cli.errors import BlueprintError
from serverless_cli.fill import fill
from serverless_cli.model import Ref
from serverless_cli.wiring import Statement

FLOW = """\
  flow:
    type: state-machine
    mode: {mode}
    definition: {{StartAt: End, States: {{End: {{Type: Succeed}}}}}}
"""
JOBS = "  jobs: {type: queue}\n"
ACCOUNT = "eu-central-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/slx/eu-central-1/shop/dev/"


def api(route: str, *resources: str) -> str:
    return "".join(resources) + f"  api:\n    type: http-api\n    routes:\n      POST /orders: {route}\n"


def made(folder, text: str):
    return expand(folder, text)


def route(found):
    return spec(found["http-api api"]).routes["POST /orders"]


def statements(found):
    return spec(found["role api"]).statements


def test_a_state_machine_is_started_by_api_gateway_itself(tmp_path):
    found = made(tmp_path, api("flow", FLOW.format(mode="standard")))

    machine = f"arn:aws:states:{ACCOUNT}:stateMachine:shop-dev-flow"
    assert route(found).subtype == "StepFunctions-StartExecution"
    assert route(found).parameters == {"StateMachineArn": machine, "Input": "$request.body"}
    assert statements(found) == (Statement(("states:StartExecution",), (machine,)),)
    assert spec(found["role api"]).trust == ("apigateway.amazonaws.com",)


def test_the_integration_runs_under_the_apis_own_role_which_comes_first(tmp_path):
    found = made(tmp_path, api("flow", FLOW.format(mode="standard")))

    assert route(found).role == ROLE + found["role api"].name
    assert Ref("role", "api") in found["http-api api"].needs


def test_an_express_machine_can_be_waited_for(tmp_path):
    found = made(tmp_path, api("{to: flow, sync: true}", FLOW.format(mode="express")))

    assert route(found).subtype == "StepFunctions-StartSyncExecution"
    assert [one.actions for one in statements(found)] == [("states:StartSyncExecution",)]


def test_a_queue_gets_the_body_and_its_url_is_known_once_it_exists(tmp_path):
    found = made(tmp_path, api("jobs", JOBS))
    filled = fill(route(found), {Ref("queue", "jobs"): {"url": "https://sqs/1/jobs"}})

    assert filled.parameters == {"QueueUrl": "https://sqs/1/jobs", "MessageBody": "$request.body"}
    assert Ref("queue", "jobs") in found["http-api api"].needs
    assert statements(found) == (Statement(("sqs:SendMessage",), (f"arn:aws:sqs:{ACCOUNT}:shop-dev-jobs",)),)


def test_a_fifo_queue_gets_a_group(tmp_path):
    text = api('{to: jobs, group: "$request.body.customer"}', "  jobs: {type: queue, fifo: true}\n")

    assert route(made(tmp_path, text)).parameters["MessageGroupId"] == "$request.body.customer"


def test_routes_to_functions_and_services_live_in_one_api(tmp_path):
    text = api("jobs", JOBS) + "      GET /: hello\n  hello: {type: function, code: ./code}\n"
    found = made(tmp_path, text)
    routes = spec(found["http-api api"]).routes

    assert routes["GET /"].subtype == ""
    assert [ref for ref in found if ref.startswith("permission")] == [
        ref for ref in found if ref.startswith("permission api.hello")
    ]


@pytest.mark.parametrize(("written", "authorization"), [("none", "NONE"), ("iam", "AWS_IAM")])
def test_who_may_call_is_said_for_every_route(tmp_path, written, authorization):
    text = api("jobs", JOBS) + f"      GET /: hello\n    auth: {written}\n  hello: {{type: function, code: ./code}}\n"

    routes = spec(made(tmp_path, text)["http-api api"]).routes

    assert {one.auth for one in routes.values()} == {authorization}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(api("{to: flow, sync: true}", FLOW.format(mode="standard")), "standard", id="waiting for a standard machine"),
        pytest.param(api("{to: jobs, sync: true}", JOBS), "sync", id="waiting for a queue"),
        pytest.param(api("site", "  site: {type: bucket}\n"), "bucket", id="a bucket"),
        pytest.param(api("nowhere"), "no resource", id="nothing"),
    ],
)  # fmt: skip
def test_what_no_route_can_lead_to_is_refused_at_its_line(tmp_path, text, says):
    with pytest.raises(BlueprintError) as refused:
        made(tmp_path, text)

    (problem,) = refused.value.problems
    assert says in f"{problem.what} {problem.why}"
    assert problem.where is not None
    assert "POST /orders" in problem.where.text
