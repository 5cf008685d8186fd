"""What `slx watch` pushes when files change: by as few calls as it takes, and as AWS wants them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from rig import Folder, Story, failures

from serverless_cli.app import watch
from serverless_cli.app.watch import Watch
from serverless_cli.model import Report

pytestmark = pytest.mark.strict


@pytest.fixture
def watched(website: Folder) -> Iterator[Watch]:
    """The website, up and watched."""
    with watch.begin(website.settings, None) as it:
        it.begin(it.run.run(Story(), threading.Event()))
        yield it


def pushed(it: Watch) -> Report:
    stack, made = it.plan()
    report = it.push(stack, made, Story(), threading.Event())
    assert failures(report) == {}
    return report


def test_new_code_is_one_call_and_a_look_whether_it_has_arrived(website: Folder, watched: Watch):
    website.edit("function/app.py", "from Lambda", "from a watched Lambda")

    assert watched.changed(threading.Event()) == ("function/app.py",)
    mark = website.aws.mark()
    pushed(watched)

    calls = website.aws.since(mark)
    assert calls[0] == "lambda.UpdateFunctionCode"
    assert set(calls[1:]) <= {"lambda.GetFunction"}
    assert website.aws.violations == []


def test_a_page_is_one_call(website: Folder, watched: Watch):
    website.edit("site/index.html", "<title>", "<title>New ")

    mark = website.aws.mark()
    pushed(watched)

    assert website.aws.since(mark) == ["s3.PutObject"]


def test_one_change_after_the_other_ends_where_an_up_would(website: Folder, watched: Watch):
    website.edit("function/app.py", "from Lambda", "from a watched Lambda")
    pushed(watched)
    website.edit("site/index.html", "<title>", "<title>New ")
    website.edit("blueprint.yaml", "memory_mb: 128", "memory_mb: 256")
    pushed(watched)
    website.edit("function/app.py", "watched", "twice watched")
    pushed(watched)
    (website.path / "site" / "favicon.svg").unlink()
    pushed(watched)

    assert watched.plan()[1].writes == ()
    watched.run.lease.release()
    watched.run.journal.close()
    assert website.plan().writes == ()
    assert website.status().ok


def test_a_file_that_is_being_written_is_waited_for(website: Folder, watched: Watch):
    ended = threading.Event()

    def save() -> None:
        with (website.path / "site" / "slow.txt").open("w") as file:
            for _ in range(20):
                file.write("more\n")
                file.flush()
                ended.wait(0.02)

    thread = threading.Thread(target=save)
    thread.start()
    names = watched.changed(threading.Event())
    thread.join()

    assert names == ("site/slow.txt",)
    assert (website.path / "site" / "slow.txt").read_text().count("more") == 20
    pushed(watched)
    assert watched.plan()[1].writes == ()


def test_what_wants_consent_is_told(website: Folder, watched: Watch):
    website.edit("blueprint.yaml", "GET /hello: hello", "GET /hello: hello\n      POST /hello: hello")

    _, made = watched.plan()

    assert [one for one in watched.within(made, creating=False)[1] if "created" in one]
    assert watched.within(made, creating=True)[1] == ()


MORE = """\
  extra:
    type: http-api
    routes: {GET /more: hello}
outputs:
"""


def apis(website: Folder) -> int:
    return len(website.aws.client("apigatewayv2", website.region).get_apis()["Items"])


@pytest.mark.parametrize(("failing", "made"), [("apigatewayv2.CreateRoute", True), ("apigatewayv2.CreateApi", False)])
def test_what_a_push_has_only_begun_is_looked_at_before_the_next(
    website: Folder, watched: Watch, failing: str, made: bool
):
    website.edit("blueprint.yaml", "outputs:\n", MORE)
    website.aws.disturb(rules="none", fail=[f"{failing}:AccessDeniedException@403:1:no"])
    report = watched.push(*watched.plan(), Story(), threading.Event())
    assert list(failures(report)) == ["http-api extra"]
    assert apis(website) == (2 if made else 1)

    website.edit("function/app.py", "from Lambda", "from a watched Lambda")
    mark = website.aws.mark()
    pushed(watched)

    assert apis(website) == 2
    assert ("apigatewayv2.CreateApi" in website.aws.since(mark)) is not made
    assert watched.plan()[1].writes == ()
    mark = website.aws.mark()
    website.edit("function/app.py", "watched", "twice watched")
    pushed(watched)
    assert set(website.aws.since(mark)) <= {"lambda.UpdateFunctionCode", "lambda.GetFunction"}


def test_what_is_new_in_the_blueprint_is_looked_for_before_it_is_made(website: Folder, watched: Watch):
    name = "website-dev-jobs"
    website.aws.client("sqs", website.region).create_queue(QueueName=name)
    website.edit("blueprint.yaml", "outputs:\n", "  jobs: {type: queue}\noutputs:\n")

    _, made = watched.plan()

    assert [one.what for one in made.obstacles] == [f"queue {name} exists already and is not this stack's"]


def test_what_exists_and_is_only_named_stays_so(website: Folder, watched: Watch):
    website.aws.client("sqs", website.region).create_queue(QueueName="theirs")
    website.edit("blueprint.yaml", "outputs:\n", "  jobs: {type: queue, existing: theirs}\noutputs:\n")

    assert watched.plan()[1].obstacles == ()
    website.edit("function/app.py", "from Lambda", "from a watched Lambda")
    pushed(watched)

    assert watched.plan()[1].obstacles == ()
