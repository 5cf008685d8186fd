import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli import names
from serverless_cli.model import Place
from serverless_cli.names import NameRule, api_url, arn, digest, physical, role_path, site_url

PLACE = Place("website", "dev", "eu-central-1", "123456789012")
FUNCTION = NameRule(64, r"[a-zA-Z0-9-_]+")
BUCKET = NameRule(63, r"[a-z0-9][a-z0-9.-]+[a-z0-9]", scope="global", underscore=False)
ROLE = names.ROLE_NAME
FIFO = NameRule(80, r"[a-zA-Z0-9_-]+\.fifo", suffix=".fifo")
LOGS = NameRule(512, r"[a-zA-Z0-9_/.#-]+", prefix="/aws/vendedlogs/")
WORD = st.from_regex(names.STACK_OR_ID, fullmatch=True).filter(lambda text: text[-1].isalnum()) | st.text(
    "abcxyz019_-", min_size=40, max_size=90
).map(lambda text: f"a{text}z")
PLACES = st.builds(
    Place, WORD, st.from_regex(names.STAGE, fullmatch=True), st.just("eu-central-1"), st.just("123456789012")
)


@pytest.mark.parametrize(
    ("id", "rule", "name"),
    [
        pytest.param("hello", FUNCTION, "website-dev-hello", id="unique in a region: the plain name"),
        pytest.param("my_site", FUNCTION, "website-dev-my_site", id="an underscore stays where it may"),
        pytest.param("my_site", BUCKET, "website-dev-my-site-8c158a84", id="unique in all of AWS: account and region"),
        pytest.param("hello", ROLE, "website-dev-hello-bfec39", id="unique in an account: the region"),
        pytest.param("orders", FIFO, "website-dev-orders.fifo", id="a suffix that AWS demands"),
        pytest.param("orders", LOGS, "/aws/vendedlogs/website-dev-orders", id="a prefix that AWS demands"),
    ],
)
def test_names_are_read_at_a_glance_and_never_change(id, rule, name):
    assert physical(PLACE, id, rule) == name


@given(PLACES, WORD, st.sampled_from([FUNCTION, BUCKET, ROLE, FIFO, LOGS]))
def test_names_are_within_the_limit_and_of_the_form_that_aws_takes(place, id, rule):
    name = physical(place, id, rule)

    assert len(name) <= rule.limit
    assert re.fullmatch(rule.pattern, name)


@given(WORD, st.sampled_from([FUNCTION, BUCKET, ROLE, FIFO]))
def test_ids_that_differ_only_behind_the_limit_get_names_that_differ(id, rule):
    long = id + "x" * 100

    assert physical(PLACE, long + "a", rule) != physical(PLACE, long + "b", rule)


@pytest.mark.parametrize(
    ("rule", "other", "differ"),
    [
        pytest.param(BUCKET, {"account": "210987654321"}, True, id="a bucket of another account"),
        pytest.param(BUCKET, {"region": "eu-west-1"}, True, id="a bucket of another region"),
        pytest.param(BUCKET, {"partition": "aws-cn"}, True, id="a bucket of another partition"),
        pytest.param(ROLE, {"region": "eu-west-1"}, True, id="a role for another region"),
        pytest.param(ROLE, {"account": "210987654321"}, False, id="a role of another account"),
        pytest.param(FUNCTION, {"region": "eu-west-1"}, False, id="a function of another region"),
        pytest.param(FUNCTION, {"stage": "prod"}, True, id="a function of another stage"),
    ],
)
def test_names_differ_exactly_where_they_would_collide(rule, other, differ):
    assert (physical(PLACE, "hello", rule) != physical(replace(PLACE, **other), "hello", rule)) is differ


def test_a_long_name_of_another_account_differs_too():
    long = "x" * 100

    assert physical(PLACE, long, BUCKET) != physical(replace(PLACE, account="210987654321"), long, BUCKET)


def test_the_borders_of_the_parts_count_in_a_digest():
    assert digest("ab", "c") != digest("a", "bc")


def test_a_digest_is_as_long_as_asked_and_safe_in_any_name():
    assert re.fullmatch(r"[0-9a-f]{6}", digest("website", length=6))


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        pytest.param(
            arn(PLACE, "lambda", "function:hello"),
            "arn:aws:lambda:eu-central-1:123456789012:function:hello",
            id="of a region and an account",
        ),
        pytest.param(
            arn(PLACE, "iam", "role/hello", region=False), "arn:aws:iam::123456789012:role/hello", id="without a region"
        ),
        pytest.param(
            arn(PLACE, "s3", "site", region=False, account=False), "arn:aws:s3:::site", id="without region and account"
        ),
        pytest.param(
            arn(replace(PLACE, partition="aws-cn"), "s3", "site", region=False, account=False),
            "arn:aws-cn:s3:::site",
            id="of another partition",
        ),
        pytest.param(
            names.role_arn(PLACE, "hello"),
            "arn:aws:iam::123456789012:role/slx/eu-central-1/website/dev/hello",
            id="of a role, with its path",
        ),
    ],
)
def test_arns_are_computed(built, expected):
    assert built == expected


def test_a_roles_path_names_region_stack_and_stage():
    assert role_path(PLACE) == "/slx/eu-central-1/website/dev/"


def test_a_roles_name_follows_its_rule():
    assert names.role_name(PLACE, "hello") == physical(PLACE, "hello", ROLE)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        pytest.param("us-east-1", "site.s3-website-us-east-1.amazonaws.com", id="an older region has a dash"),
        pytest.param("eu-west-1", "site.s3-website-eu-west-1.amazonaws.com", id="Ireland is an older region"),
        pytest.param("eu-central-1", "site.s3-website.eu-central-1.amazonaws.com", id="a newer one has a dot"),
        pytest.param("ap-south-1", "site.s3-website.ap-south-1.amazonaws.com", id="Mumbai has a dot"),
    ],
)
def test_a_websites_endpoint_depends_on_the_regions_age(region, host):
    assert site_url(replace(PLACE, region=region), "site") == f"http://{host}"


@pytest.mark.parametrize(
    ("stage", "url"),
    [
        pytest.param("$default", "https://a1.execute-api.eu-central-1.amazonaws.com", id="the default stage: no path"),
        pytest.param("v1", "https://a1.execute-api.eu-central-1.amazonaws.com/v1", id="another stage is the path"),
    ],
)
def test_an_apis_url_has_no_slash_at_its_end(stage, url):
    assert api_url(PLACE, "a1", stage) == url


def test_another_suffix_is_used_in_china():
    china = replace(PLACE, region="cn-north-1", partition="aws-cn", suffix="amazonaws.com.cn")

    assert site_url(china, "site") == "http://site.s3-website.cn-north-1.amazonaws.com.cn"
    assert api_url(china, "a1", "$default").endswith(".cn-north-1.amazonaws.com.cn")
