import io

import pytest
from rich.console import Console
from ui_samples import PLACE, lines, plan, rendered, step

from serverless_cli.errors import Problem
from serverless_cli.model import Action, Change, Loss, Plan, Ref
from serverless_cli.ui import plans

PLAN = plan(
    step(Action.DELETE, "queue", "jobs", reason="no longer in the blueprint", loses_data=True),
    step(Action.CREATE, "function", "hello"),
    step(Action.UPDATE, "bucket", "site", changes=(Change(("versioning",), "", "Enabled"),)),
    step(Action.REPLACE, "table", "rows", changes=(Change(("key",), "a", "b", replaces=True),)),
    step(Action.KEEP, "role", "hello"),
)


def test_steps_are_grouped_with_the_dangerous_ones_last() -> None:
    found = [line for line in lines(plans.plan(PLAN, "local")) if line and not line.startswith(" ")]

    assert found[:4] == ["Create", "Change", "Replace", "Remove"]


def test_a_step_has_its_sign_kind_id_and_name() -> None:
    found = lines(plans.plan(PLAN, "local"))

    assert "  + function hello  website-dev-hello" in found
    assert "  ~ bucket site  website-dev-site" in found
    assert "  -/+ table rows  website-dev-rows" in found
    assert "      key: a → b (forces replacement)" in found


def test_what_loses_data_says_so() -> None:
    assert "- queue jobs  website-dev-jobs  loses its data  no longer in the blueprint" in rendered(
        plans.plan(PLAN, "local"), 100
    )


def test_the_summary_is_one_line() -> None:
    found = lines(plans.plan(PLAN, "local"), 120)

    assert found[-1] == "Plan: 1 to create, 1 to change, 1 to replace, 1 to remove, 1 unchanged in website/dev (local)"


def test_replacing_is_not_named_where_nothing_is_replaced() -> None:
    assert lines(plans.summary(Plan(PLACE, {}), "local")) == [
        "Plan: 0 to create, 0 to change, 0 to remove in website/dev (local)"
    ]


def test_what_stays_is_shown_on_demand() -> None:
    assert "role hello" not in rendered(plans.plan(PLAN, "local"))
    assert "= role hello" in rendered(plans.plan(PLAN, "local", verbose=True))


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = plan(
        step(Action.CREATE, "permission", "a-rather-long-id.of-some-wiring", reason="it is recorded but gone"),
        step(Action.UPDATE, "function", "x", changes=(Change(("description",), "y" * 300, "two words " * 30),)),
    )

    assert max(map(len, lines(plans.plan(long, "account 123456789012, eu-central-1"), width))) <= width


def test_notes_of_the_plan_are_shown() -> None:
    noted = Plan(PLACE, {}, notes=(Problem("bucket old is left", "it carries no mark"),))

    assert "note: bucket old is left: it carries no mark" in lines(plans.plan(noted, "local"))


def test_losses_are_counted() -> None:
    found = {Ref("bucket", "site"): (Loss("objects", 3, 12_400),), Ref("queue", "q"): (Loss("messages", 1),)}

    shown = lines(plans.losses(found))

    assert "  - 3 objects, 12.4 kB in bucket site" in shown
    assert "  - 1 message in queue q" in shown


def test_empty_things_are_no_loss() -> None:
    assert lines(plans.losses({Ref("bucket", "site"): (Loss("objects", 0),)})) == []


def test_a_plan_can_be_a_picture() -> None:
    console = Console(record=True, file=io.StringIO(), width=100)
    console.print(plans.plan(PLAN, "local"))

    assert "website-dev-hello" in console.export_svg(title="slx plan website")
