"""Finding out who and where we are; every way for the configuration to be wrong names its remedy."""

from __future__ import annotations

import sys

import pytest
from aws_fakes import WHO, Endpoint, FakeClock, free_port, sts_error

from serverless_cli.app import session
from serverless_cli.app.settings import Settings
from serverless_cli.aws.identity import Credentials, connect
from serverless_cli.aws.profile import open_session, suffix_of
from serverless_cli.errors import AwsError, Exit, SlxError

KEYS = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = very-secret\n"


@pytest.fixture(autouse=True)
def configure(monkeypatch, tmp_path):
    """An empty configuration; call it with the texts of the two files."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
                 "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SLX_TIME_SCALE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def write(config: str = "", credentials: str = "") -> None:
        (tmp_path / "config").write_text(config)
        (tmp_path / "credentials").write_text(credentials)

    write()
    return write


def error_of(**options) -> SlxError:
    with pytest.raises(SlxError) as caught:
        connect(clock=FakeClock(), **{"region": "eu-west-1"} | options)
    assert "very-secret" not in f"{caught.value} {caught.value.hint}"
    return caught.value


@pytest.mark.parametrize(("partition", "region", "suffix"), [
    ("aws", "eu-central-1", "amazonaws.com"),
    ("aws-cn", "cn-north-1", "amazonaws.com.cn"),
    ("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
])  # fmt: skip
def test_who_and_where(configure, partition, region, suffix):
    configure(f"[profile work]\nregion = {region}\n", f"[work]\n{KEYS}")
    with Endpoint((200, WHO % partition.encode())) as server:
        found = connect(profile="work", endpoint_url=server.url)
        assert (found.account, found.region, found.partition, found.suffix) == (
            "123456789012", region, partition, suffix,
        )  # fmt: skip
        assert found.caller == f"arn:{partition}:iam::123456789012:user/ann"
        assert (found.profile, found.endpoint_url) == ("work", server.url)
        assert "very-secret" not in repr(found)
        found.close()


def test_the_local_target_reads_no_configuration_of_the_user(configure, monkeypatch):
    configure("this is no ini file")
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    with Endpoint((200, WHO % b"aws")) as server:
        keys = Credentials("AKLOCAL", "very-secret")
        found = connect(region="us-east-1", endpoint_url=server.url, credentials=keys)
        assert found.profile is None
        assert b"AKLOCAL" in server.requests[0]
        assert "very-secret" not in repr(keys)
        found.close()


def test_the_endpoint_may_come_from_the_environment(configure, monkeypatch):
    configure("[default]\nregion = eu-west-1\n", f"[default]\n{KEYS}")
    with Endpoint((200, WHO % b"aws")) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        found = connect()
        assert found.endpoint_url == server.url
        found.close()


# ---------------------------------------------------------------- region


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_may_come_from_the_environment(configure, monkeypatch, variable):
    monkeypatch.setenv(variable, "sa-east-1")
    with Endpoint((200, WHO % b"aws")) as server:
        found = connect(endpoint_url=server.url, credentials=Credentials("a", "b"))
        assert found.region == "sa-east-1"
        found.close()


def test_no_region():
    error = error_of(region=None)
    assert error.exit_code is Exit.USAGE
    assert "--region" in error.hint


def test_an_unknown_region():
    error = error_of(region="eu-cental-1")
    assert error.exit_code is Exit.USAGE
    assert "eu-central-1" in error.hint


def test_unknown_partitions_have_the_usual_domain():
    session = open_session(None, isolated=True)
    assert suffix_of(session, "aws-mars") == "amazonaws.com"
    assert suffix_of(session, "aws-eusc") == "amazonaws.eu"


# ---------------------------------------------------------------- credentials


def test_no_credentials():
    error = error_of()
    assert error.exit_code is Exit.CREDENTIALS
    assert error.what == "no AWS credentials found"
    for remedy in ("aws sso login", "aws configure", "--local"):
        assert remedy in error.hint


def test_an_unknown_profile(configure):
    configure("[profile work]\n[profile home]\n")
    error = error_of(profile="wrok")
    assert error.exit_code is Exit.CREDENTIALS
    assert "'wrok'" in error.what
    assert "work" in error.hint
    assert "home" in error.why


def test_a_profile_without_credentials(configure):
    configure("[profile work]\nregion = eu-west-1\n")
    error = error_of(profile="work")
    assert "profile work" in error.what
    assert "aws sso login --profile work" in error.hint


def test_incomplete_credentials(configure):
    configure("", "[work]\naws_access_key_id = AKIA\n")
    error = error_of(profile="work")
    assert error.exit_code is Exit.CREDENTIALS
    assert "incomplete" in error.what
    assert "aws_secret_access_key" in error.why
    assert "aws configure --profile work" in error.hint


SSO = """[profile work]
sso_session = my
sso_account_id = 123456789012
sso_role_name = r
[sso-session my]
sso_region = eu-west-1
sso_start_url = https://slx-test-never-signed-in.example/start
sso_registration_scopes = sso:account:access
"""


def test_an_sso_session_that_is_over(configure):
    configure(SSO)
    error = error_of(profile="work")
    assert error.exit_code is Exit.CREDENTIALS
    assert "SSO" in error.what
    assert "aws sso login --profile work" in error.hint


def test_a_login_session_that_is_over(configure):
    configure("[profile work]\nlogin_session = arn:aws:iam::123456789012:user/never-signed-in\n")
    error = error_of(profile="work")
    assert error.exit_code is Exit.CREDENTIALS


def test_a_credential_process_that_fails(configure):
    configure(f"[profile work]\ncredential_process = {sys.executable} -c 'raise SystemExit(\"no vault\")'\n")
    error = error_of(profile="work")
    assert error.exit_code is Exit.CREDENTIALS
    assert "no vault" in error.why


def test_a_profile_that_contradicts_itself(configure):
    configure("[profile work]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = nowhere\n")
    error = error_of(profile="work")
    assert error.exit_code is Exit.CREDENTIALS
    assert "nowhere" in error.why


def test_a_role_that_may_not_be_assumed(configure, monkeypatch):
    with Endpoint((403, sts_error("AccessDenied", "not authorized to perform: sts:AssumeRole"))) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        configure("[profile work]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
                  "region = eu-west-1\n", f"[base]\n{KEYS}")  # fmt: skip
        error = error_of(profile="work")
    assert error.exit_code is Exit.CREDENTIALS
    assert "sts:AssumeRole" in error.why
    assert "trust policy" in error.hint


def test_a_broken_configuration(configure):
    configure("this is no ini file")
    error = error_of()
    assert error.exit_code is Exit.CREDENTIALS
    assert "config" in error.why


# ---------------------------------------------------------------- AWS's word


@pytest.mark.parametrize(
    ("code", "status", "hints"),
    [
        ("ExpiredToken", 403, ("expired", "aws sso login --profile work")),
        ("InvalidClientTokenId", 403, ("access keys are wrong", "eu-west-1 is not enabled")),
        ("UnrecognizedClientException", 400, ("access keys are wrong", "eu-west-1 is not enabled")),
        ("SignatureDoesNotMatch", 403, ("clock", "aws configure --profile work")),
    ],
)
def test_keys_that_aws_refuses(configure, code, status, hints):
    configure("", f"[work]\n{KEYS}")
    with Endpoint((status, sts_error(code, "The security token is invalid"))) as server:
        error = error_of(profile="work", endpoint_url=server.url)
        assert len(server.requests) == 1
    assert error.exit_code is Exit.CREDENTIALS
    assert code in error.why
    for hint in hints:
        assert hint in error.hint
    assert "profile work" in error.what


def test_an_endpoint_out_of_reach():
    url = f"http://127.0.0.1:{free_port()}"
    error = error_of(endpoint_url=url, credentials=Credentials("a", "very-secret"))
    assert url in error.what
    assert "refused" in error.why.lower()
    assert "running at that address" in error.hint
    assert error.exit_code is Exit.FAILED


def test_an_endpoint_that_fails():
    with Endpoint((500, b"")) as server:
        error = error_of(endpoint_url=server.url, credentials=Credentials("a", "very-secret"))
    assert isinstance(error, AwsError)
    assert error.exit_code is Exit.FAILED


@pytest.mark.parametrize("ambient", [True, False], ids=["environment", "flag"])
def test_an_endpoint_of_one_service_goes_before_the_environments_for_all_and_not_before_a_flag(
    configure, monkeypatch, tmp_path, ambient
):
    configure("[default]\nregion = eu-west-1\n", f"[default]\n{KEYS}")
    with Endpoint((200, WHO % b"aws")) as every, Endpoint((200, WHO % b"aws")) as own:
        monkeypatch.setenv("AWS_ENDPOINT_URL", every.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", own.url)
        with session.open_session(Settings(tmp_path, endpoint_url=every.url, endpoint_ambient=ambient)) as found:
            assert found.account == "123456789012"
            assert session.endpoint(found.settings) == every.url, "the state is filed under it in either case"

    assert (len(own.requests), len(every.requests)) == ((1, 0) if ambient else (0, 1))
