import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli import policy
from serverless_cli.wiring import Statement

READ = Statement(("s3:GetObject",), ("arn:aws:s3:::a/*",))
WORDS = st.lists(st.text("abc:*", min_size=1, max_size=6), min_size=1, max_size=3, unique=True).map(
    lambda words: tuple(sorted(words))
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "ArnLike"]),
    st.dictionaries(st.sampled_from(["aws:a", "aws:b"]), WORDS, min_size=1),
)
STATEMENTS = st.lists(st.builds(Statement, WORDS, WORDS, CONDITIONS, st.sampled_from(["Allow", "Deny"])), max_size=4)


@given(STATEMENTS)
def test_what_was_written_is_read_back_as_it_was(statements):
    tidy = policy.tidy(statements)

    assert policy.read(policy.document(tidy)) == tidy


@given(STATEMENTS)
def test_order_and_repetition_make_no_difference(statements):
    assert policy.tidy([*reversed(statements), *statements]) == policy.tidy(statements)


@given(STATEMENTS)
def test_tidying_loses_no_action_on_any_resource(statements):
    def allowed(some):
        return {
            (action, resource, json.dumps(one.condition, sort_keys=True), one.effect)
            for one in some
            for action in one.actions
            for resource in one.resources
        }

    assert allowed(policy.tidy(statements)) == allowed(statements)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}, id="single texts"),
        pytest.param(
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/*"]}, id="lists of one"
        ),
        pytest.param(
            {"Sid": "x", "Resource": "arn:aws:s3:::a/*", "Action": "s3:GetObject", "Effect": "Allow"},
            id="a name, another order",
        ),
    ],
)
@pytest.mark.parametrize("many", [True, False], ids=["in a list", "alone"])
def test_forms_that_mean_the_same_are_read_alike(document, many):
    written = {"Version": "2012-10-17", "Statement": [document] if many else document}

    assert policy.read(written) == policy.read(json.dumps(written)) == (READ,)


def test_statements_about_the_same_things_become_one_with_both_reasons():
    put = Statement(("s3:PutObject",), READ.resources, reason="writes")
    get = Statement(READ.actions, READ.resources, reason="reads")

    [one] = policy.tidy([put, get])

    assert (one.actions, one.reason) == (("s3:GetObject", "s3:PutObject"), "writes; reads")


def test_statements_that_allow_the_same_become_one_about_all_of_it():
    other = Statement(READ.actions, ("arn:aws:s3:::b/*",), reason="reads b")
    below = Statement(READ.actions, ("arn:aws:s3:::c/*",), {"StringEquals": {"aws:a": ("x",)}})

    assert policy.tidy([below, other, READ]) == (Statement(READ.actions, READ.resources + other.resources), below)


def test_statements_that_only_become_alike_by_that_become_one_too():
    a, b, both = ("a",), ("b",), ("a", "b")
    put = ("s3:PutObject",)

    [one] = policy.tidy([Statement(READ.actions, a), Statement(READ.actions, b), Statement(put, both)])

    assert (one.actions, one.resources) == ((*READ.actions, *put), both)


@given(STATEMENTS)
def test_what_an_earlier_version_wrote_is_read_as_is_written_now(statements):
    """It joined statements with the same resources only."""
    formerly: dict[object, Statement] = {}
    for one in statements:
        key = (one.resources, json.dumps(one.condition, sort_keys=True), one.effect)
        actions = {*one.actions, *(formerly[key].actions if key in formerly else ())}
        formerly[key] = Statement(tuple(sorted(actions)), one.resources, one.condition, one.effect)

    assert policy.read(policy.document(formerly.values())) == policy.tidy(statements)


def test_a_denial_and_a_permission_are_never_merged():
    deny = Statement(READ.actions, READ.resources, effect="Deny")

    assert len(policy.tidy([READ, deny])) == 2


def test_a_statement_that_slx_would_never_write_shows_as_a_difference():
    strange = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}

    [one] = policy.read({"Statement": [strange]})

    assert "NotAction" in one.actions[0]


@pytest.mark.parametrize(
    ("statement", "trusted"),
    [
        pytest.param({"Principal": {"Service": "a.amazonaws.com"}}, ("a.amazonaws.com",), id="one service"),
        pytest.param({"Principal": {"Service": ["b.com", "a.com"]}}, ("a.com", "b.com"), id="several, in any order"),
    ],
)
def test_the_services_of_a_trust_policy_are_read(statement, trusted):
    document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **statement}]}

    assert policy.trusted_services(document) == trusted


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"Principal": {"AWS": "*"}}, id="everybody"),
        pytest.param({"Principal": {"Service": "a.com", "AWS": "1"}}, id="a service and an account"),
        pytest.param({"Principal": {"Service": "a.com"}, "Condition": {}}, id="under a condition"),
        pytest.param({"Principal": {"Service": "a.com"}, "Effect": "Deny"}, id="a denial"),
        pytest.param({"Principal": {"Service": "a.com"}, "Action": "sts:*"}, id="another action"),
    ],
)
def test_any_other_trust_is_never_taken_for_a_services(statement):
    document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **statement}]}

    assert "a.com" not in policy.trusted_services(document)


def test_a_trust_document_lets_just_the_services_in():
    document = json.loads(policy.trust_document(("lambda.amazonaws.com",)))

    assert document["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
