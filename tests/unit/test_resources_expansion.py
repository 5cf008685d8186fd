import pytest
from expanding import CHINA, GOVCLOUD, PLACE, expand, spec

from serverless_cli import policy
from serverless_cli.codec import decode, encode
from serverless_cli.errors import BlueprintError
from serverless_cli.fill import fill
from serverless_cli.model import Ref
from serverless_cli.resources.bucket import BLOCKS
from serverless_cli.resources.http_api import NARROW
from serverless_cli.resources.role import RoleSpec
from serverless_cli.wiring import Statement

HELLO = "  hello: {type: function, code: ./code}\n"
API = Ref("http-api", "api")


def api(*routes: str) -> str:
    return HELLO + "  api:\n    type: http-api\n    routes:\n" + "".join(f"      {route}: hello\n" for route in routes)


def permissions(resources):
    return [one for ref, one in resources.items() if ref.startswith("permission ")]


# Functions


def test_a_function_is_a_log_group_a_role_and_the_function(tmp_path):
    found = expand(tmp_path, HELLO)

    assert sorted(found) == ["function hello", "log-group hello", "role hello"]
    assert found["function hello"].needs == {Ref("log-group", "hello"), Ref("role", "hello")}


def test_a_log_group_has_the_name_that_lambda_writes_to(tmp_path):
    found = expand(tmp_path, HELLO)

    assert (
        found["log-group hello"].name == f"/aws/lambda/{found['function hello'].name}" == "/aws/lambda/shop-dev-hello"
    )


@pytest.mark.parametrize(("written", "days"), [("7", 7), ("null", None)], ids=["a week", "for ever"])
def test_a_log_groups_retention_is_the_functions(tmp_path, written, days):
    text = f"  hello: {{type: function, code: ./code, log_retention_days: {written}}}\n"

    assert spec(expand(tmp_path, text)["log-group hello"]).retention_days == days


def test_a_role_may_write_to_the_functions_own_log_and_nothing_else(tmp_path):
    role = spec(expand(tmp_path, HELLO)["role hello"])

    logs = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/shop-dev-hello:*"
    assert role.statements == (Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (logs,)),)
    assert (role.trust, role.policies) == (("lambda.amazonaws.com",), ())


def tables(many: int, access: str) -> str:
    names = [f"table{number}" for number in range(many)]
    rights = ", ".join(f"{name}: {access}" for name in names)
    made = "".join(f"  {name}: {{type: table, key: id}}\n" for name in names)
    return f"  hello:\n    type: function\n    code: ./code\n    access: {{{rights}}}\n{made}"


def test_a_role_for_forty_tables_is_small_enough_for_iam(tmp_path):
    role = spec(expand(tmp_path, tables(40, "read-write"))["role hello"])

    assert len(role.statements) == 3
    assert len(policy.document(role.statements)) < 10_240


def test_a_policy_that_iam_would_refuse_is_told_with_its_line(tmp_path):
    with pytest.raises(BlueprintError) as raised:
        expand(tmp_path, tables(150, "read-write"))

    [problem] = raised.value.problems
    assert problem.what.startswith("what hello may do takes a policy of ")
    assert "10,240" in problem.why
    assert "`policies:`" in problem.hint
    assert problem.where is not None
    assert problem.where.line == 3


def test_a_role_of_its_own_that_iam_would_refuse_is_told_with_its_line(tmp_path):
    allowed = ", ".join(f'"arn:aws:s3:::a-bucket-with-a-name/{number}/*"' for number in range(300))
    statements = f'    statements:\n      - {{actions: ["s3:GetObject"], resources: [{allowed}]}}\n'

    with pytest.raises(BlueprintError) as raised:
        expand(tmp_path, "  mine:\n    type: role\n" + statements)

    [problem] = raised.value.problems
    assert problem.what.startswith("what mine may do takes a policy of ")
    assert problem.where is not None
    assert problem.where.line == 5


def test_a_role_that_was_recorded_in_another_form_is_the_same(tmp_path):
    one, two = (Statement(("s3:GetObject",), (f"arn:aws:s3:::{name}/*",)) for name in "ab")
    both = Statement(("s3:GetObject",), one.resources + two.resources)
    recorded = {**encode(RoleSpec("/", ())), "statements": [encode(two), encode(one)]}

    assert decode(RoleSpec, recorded) == RoleSpec("/", (), (both,))


def test_no_role_may_make_log_groups(tmp_path):
    text = "  hello: {type: function, code: ./code, access: {site: read-write}}\n  site: {type: bucket}\n"
    role = spec(expand(tmp_path, text)["role hello"])

    assert "logs:CreateLogGroup" not in {action for one in role.statements for action in one.actions}


def test_access_becomes_statements_about_just_that_bucket(tmp_path):
    text = "  hello: {type: function, code: ./code, access: {site: read}}\n  site: {type: bucket, name: my-site}\n"
    role = spec(expand(tmp_path, text)["role hello"])

    about = {one.actions: one.resources for one in role.statements if one.actions[0].startswith("s3:")}
    assert about == {
        ("s3:GetObject",): ("arn:aws:s3:::my-site/*",),
        ("s3:ListBucket",): ("arn:aws:s3:::my-site",),
    }


def test_a_statement_says_why_it_is_there(tmp_path):
    [statement] = spec(expand(tmp_path, HELLO)["role hello"]).statements

    assert statement.reason == "writes its own log"


def test_the_arns_of_another_partition_are_its_own(tmp_path):
    found = expand(tmp_path, HELLO, CHINA)

    arns = [spec(found["function hello"]).role, *spec(found["role hello"]).statements[0].resources]
    assert all(arn.startswith("arn:aws-cn:") for arn in arns)


def test_a_role_of_the_blueprint_takes_the_place_of_the_one_that_slx_makes(tmp_path):
    text = "  hello: {type: function, code: ./code, role: mine}\n  mine: {type: role}\n"
    found = expand(tmp_path, text)

    assert sorted(found) == ["function hello", "log-group hello", "role mine"]
    assert Ref("role", "mine") in found["function hello"].needs
    assert spec(found["function hello"]).role.endswith(f":role/slx/eu-central-1/shop/dev/{found['role mine'].name}")


def test_a_roles_arn_given_outright_is_used_as_it_is(tmp_path):
    arn = "arn:aws:iam::123456789012:role/theirs"
    found = expand(tmp_path, f"  hello: {{type: function, code: ./code, role: '{arn}'}}\n")

    assert spec(found["function hello"]).role == arn
    assert sorted(found) == ["function hello", "log-group hello"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("role: nobody", "no role of this blueprint", id="a role that is not there"),
        pytest.param("access: {nobody: read}", "no resource", id="access to what is not there"),
        pytest.param("access: {site: fly}", "nothing that site can grant", id="access that a bucket cannot grant"),
        pytest.param(
            "role: mine, access: {site: read}", "both `role` and `access`", id="access with a role of one's own"
        ),
        pytest.param(f"environment: {{BIG: {'x' * 4096}}}", "4099 bytes", id="an environment above 4 KB"),
        pytest.param("environment: {AWS_REGION: x}", "AWS_REGION", id="a variable of Lambda's own"),
        pytest.param("handler: app.nobody", "nobody", id="a handler that is not there"),
    ],
)
def test_a_function_that_cannot_work_is_refused_at_its_line(tmp_path, text, what):
    others = "  mine: {type: role}\n  site: {type: bucket}\n"

    with pytest.raises(BlueprintError) as raised:
        expand(tmp_path, f"  hello: {{type: function, code: ./code, {text}}}\n{others}")

    told = " ".join(f"{problem.what} {problem.why}" for problem in raised.value.problems)
    assert what in told
    assert all(problem.where and problem.where.line >= 3 for problem in raised.value.problems)


# HTTP APIs and permissions


@pytest.mark.parametrize(
    ("route", "arn"),
    [
        pytest.param("GET /hello", "abc/*/GET/hello", id="a method and a path"),
        pytest.param("ANY /x", "abc/*/*/x", id="any method"),
        pytest.param("$default", "abc/*/$default", id="the default route: two parts after the API, not three"),
        pytest.param("GET /items/{id}", "abc/*/GET/items/{id}", id="a variable"),
        pytest.param("ANY /{rest+}", "abc/*/*/{rest+}", id="a greedy variable"),
        pytest.param("GET /", "abc/*/GET/", id="the root"),
    ],
)
def test_a_permission_names_just_the_route(tmp_path, route, arn):
    [permission] = permissions(expand(tmp_path, api(f'"{route}"')))

    filled = spec(fill(permission, {API: {"id": "abc"}})).source_arn
    assert filled == f"arn:aws:execute-api:eu-central-1:123456789012:{arn}"


def test_a_permission_comes_after_api_and_function_and_falls_with_the_function(tmp_path):
    [permission] = permissions(expand(tmp_path, api("GET /hello")))

    assert permission.needs == {API, Ref("function", "hello")}
    assert permission.inside == Ref("function", "hello")
    assert spec(permission).principal == "apigateway.amazonaws.com"


def test_every_route_has_a_permission_of_its_own_that_keeps_its_name(tmp_path):
    both = permissions(expand(tmp_path, api("GET /hello", "POST /hello")))
    alone = permissions(expand(tmp_path, api("POST /hello")))

    assert len({one.name for one in both}) == 2
    assert alone[0].name in {one.name for one in both}


def test_many_routes_to_one_function_have_one_permission_for_all(tmp_path):
    few = [f"GET /{number}" for number in range(NARROW)]
    other = "  other: {type: function, code: ./code}\n"

    narrow = permissions(expand(tmp_path, api(*few)))
    wide = permissions(expand(tmp_path, other + api(*few, '"$default"') + "      GET /other: other\n"))

    assert len(narrow) == len({spec(one).source_arn for one in narrow}) == NARROW
    sources = {one.inside.id: spec(fill(one, {API: {"id": "abc"}})).source_arn for one in wide}
    gateway = "arn:aws:execute-api:eu-central-1:123456789012:abc"
    assert sources == {"hello": f"{gateway}/*", "other": f"{gateway}/*/GET/other"}
    assert len(wide) == 2
    assert not {one.ref for one in wide} & {one.ref for one in narrow}
    assert len({one.name for one in (*wide, *narrow)}) == NARROW + 2
    assert all(one.where is not None for one in wide)


def test_no_permission_is_put_on_a_function_that_exists_already(tmp_path):
    text = api("GET /hello").replace("code: ./code", "existing: theirs")

    assert permissions(expand(tmp_path, text)) == []


def test_routes_lead_to_the_functions_arn(tmp_path):
    found = expand(tmp_path, api("GET /hello"))

    routes = spec(found["http-api api"]).routes
    assert {key: route.target for key, route in routes.items()} == {
        "GET /hello": "arn:aws:lambda:eu-central-1:123456789012:function:shop-dev-hello"
    }


def test_cors_is_in_one_order_and_case(tmp_path):
    cors = "    cors: {allow_origins: ['https://b.example', 'https://a.example'], allow_headers: [X-Id, Accept]}\n"
    found = spec(expand(tmp_path, api("GET /hello") + cors)["http-api api"]).cors

    assert found.allow_origins == ("https://a.example", "https://b.example")
    assert found.allow_headers == ("accept", "x-id")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param(api("GET /{a+}/b"), "after a greedy variable", id="a greedy variable that is not last"),
        pytest.param(api('"GET /{a}"', '"GET /{b}"'), "is the same as", id="variables that differ by name alone"),
        pytest.param(api("get /hello"), "get /hello", id="a method in small letters"),
        pytest.param(api("GET /hello").replace(": hello\n", ": nobody\n"), "no resource", id="no such function"),
        pytest.param(
            api("GET /hello") + "    cors: {allow_origins: ['*'], allow_credentials: true}\n",
            "send cookies",
            id="cookies for everybody",
        ),
        pytest.param(
            api("GET /hello") + "    cors: {allow_origins: ['https://a.example/']}\n",
            "a.example/",
            id="an origin with a slash",
        ),
    ],
)
def test_an_api_that_aws_would_refuse_is_refused_before(tmp_path, text, what):
    with pytest.raises(BlueprintError) as raised:
        expand(tmp_path, text)

    assert what in " ".join(f"{problem.what} {problem.why}" for problem in raised.value.problems)


# Buckets and their content


def test_a_private_bucket_has_no_acls_and_blocks_everything_public(tmp_path):
    found = spec(expand(tmp_path, "  site: {type: bucket}\n")["bucket site"])

    assert (found.ownership, found.blocked, found.acl) == ("BucketOwnerEnforced", BLOCKS, "private")


def test_a_public_bucket_has_acls_and_blocks_nothing(tmp_path):
    found = spec(expand(tmp_path, "  site: {type: bucket, access: public-read}\n")["bucket site"])

    assert (found.ownership, found.blocked) == ("BucketOwnerPreferred", ())


def test_content_is_made_in_the_bucket_and_falls_with_it(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("hello")
    found = expand(tmp_path, "  site: {type: bucket, access: public-read, content: ./site}\n")

    content = found["content site"]
    assert (content.inside, content.needs) == (Ref("bucket", "site"), {Ref("bucket", "site")})
    assert (content.name, spec(content).public) == (found["bucket site"].name, True)


def test_content_that_names_the_apis_url_waits_for_the_api(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("{{API_URL}}")
    site = "  site: {type: bucket, content: ./site, fill: {API_URL: '${api.url}'}}\n"

    found = expand(tmp_path, api("GET /hello") + site)

    assert found["content site"].needs == {Ref("bucket", "site"), API}


def test_cors_that_names_the_websites_origin_makes_no_circle(tmp_path):
    cors = "    cors: {allow_origins: ['${site.origin}']}\n"
    found = expand(tmp_path, api("GET /hello") + cors + "  site: {type: bucket, name: my-site}\n")

    origins = spec(found["http-api api"]).cors.allow_origins
    assert origins == ("http://my-site.s3-website.eu-central-1.amazonaws.com",)
    assert found["http-api api"].needs == frozenset()


@pytest.mark.parametrize(
    ("place", "url"),
    [
        pytest.param(PLACE, "http://s.s3-website.eu-central-1.amazonaws.com", id="a dot before newer regions"),
        pytest.param(CHINA, "http://s.s3-website.cn-north-1.amazonaws.com.cn", id="China's own domain"),
        pytest.param(GOVCLOUD, "http://s.s3-website-us-gov-west-1.amazonaws.com", id="a dash before older ones"),
    ],
)
def test_a_website_is_where_aws_puts_it(tmp_path, place, url):
    text = HELLO.replace("}", ", environment: {SITE: '${site.url}'}}") + "  site: {type: bucket, name: sss}\n"

    environment = spec(expand(tmp_path, text, place)["function hello"]).environment

    assert environment["SITE"] == url.replace("//s.", "//sss.")


# Names


def test_names_that_are_unique_in_all_of_aws_have_a_hash_of_account_and_region(tmp_path):
    here = expand(tmp_path, "  site: {type: bucket}\n")["bucket site"].name
    china = expand(tmp_path, "  site: {type: bucket}\n", CHINA)["bucket site"].name

    assert here.startswith("shop-dev-site-")
    assert here != china


def test_two_resources_that_would_get_one_name_are_refused(tmp_path):
    text = "  my_site: {type: bucket}\n  my-site: {type: bucket}\n"

    with pytest.raises(BlueprintError) as raised:
        expand(tmp_path, text)

    assert "both would be the bucket" in raised.value.problems[0].why


def test_the_name_of_a_long_id_is_cut_and_stays_distinct(tmp_path):
    ids = ["a" * 29 + end for end in "bc"]
    found = expand(tmp_path, "".join(f"  {id}: {{type: function, code: ./code}}\n" for id in ids))

    roles = [one.name for ref, one in found.items() if ref.startswith("role ")]
    assert len(set(roles)) == 2
    assert all(len(name) <= 64 for name in roles)
