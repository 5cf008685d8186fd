"""The live view: the steps of a plan in its order, with what each is doing; it never grows beyond the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.table import Table
from rich.text import Text

from serverless_cli.events import Ended, Event, Note, Planned, Started
from serverless_cli.model import Action, Outcome, Plan, Ref, Status, Step
from serverless_cli.ui.layout import Hang
from serverless_cli.ui.outcomes import MARKS, RUN, outcome_line, word
from serverless_cli.ui.plans import label
from serverless_cli.ui.terminal import Terminal
from serverless_cli.ui.text import clean, duration

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PER_SECOND = 10
_MARGIN = 4
"""lines that the steps leave free: the counter, and room for a prompt and messages"""
_ECHO = 3
"""cells that a line leaves free: a terminal writes ^C behind it, and a line that wraps could not be drawn over"""
_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "changing",
    Action.REPLACE: "replacing",
    Action.DELETE: "removing",
}


class LiveView:
    """Listens to a run. Events come from one thread; drawing happens in another and only looks at what is there."""

    def __init__(self, terminal: Terminal, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = terminal.err
        self._clock = clock
        self._steps: dict[Ref, Step] = {step.ref: step for step in plan.writes}
        self._started: dict[Ref, float] = {}
        self._ended: dict[Ref, Outcome] = {}
        self._begun = clock()
        # stdout is data and stays out of it
        self._live = Live(
            console=self._console,
            get_renderable=self.picture,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        for ref in self._steps:
            if ref in self._ended and self._ended[ref].status in RUN:
                self._console.print(outcome_line(self._ended[ref], mark=True))

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                self._begun = self._clock()
            case Started(step):
                self._started[step.ref] = self._clock()
            case Ended(outcome):
                self._ended[outcome.step.ref] = outcome
            case Note(text):
                self._console.print(Hang("", Text(clean(text), "yellow")))

    def picture(self) -> RenderableType:
        """The view as it is now."""
        ended, now = dict(self._ended), self._clock()
        room = max(self._console.height - _MARGIN, 1)
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        table.add_column(width=1)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        for step in self._visible(ended, room):
            table.add_row(*self._row(step, ended.get(step.ref), now))
        done = sum(ref in self._steps for ref in ended)
        table.add_row("", Text(f"{done} of {len(self._steps)}", "bold"), Text(duration(now - self._begun), "bold"))
        return Constrain(table, max(self._console.width - _ECHO, 1))

    def _visible(self, ended: dict[Ref, Outcome], room: int) -> list[Step]:
        """All steps in the plan's order while they fit; else those that say most, still in order."""
        steps = list(self._steps.values())
        if len(steps) <= room:
            return steps
        chosen = {step.ref for step in sorted(steps, key=lambda step: self._weight(step, ended))[:room]}
        return [step for step in steps if step.ref in chosen]

    def _weight(self, step: Step, ended: dict[Ref, Outcome]) -> int:
        outcome = ended.get(step.ref)
        if outcome is not None:
            return 0 if outcome.status is Status.FAILED else 3
        return 1 if step.ref in self._started else 2

    def _row(self, step: Step, outcome: Outcome | None, now: float) -> tuple[Text, Text, Text]:
        if outcome is not None:
            sign, style = MARKS[outcome.status]
            took = duration(outcome.seconds) if outcome.status in RUN else ""
            return Text(sign, style), self._label(step, word(outcome)), Text(took, "dim")
        since = self._started.get(step.ref)
        if since is None:
            return Text("·", "dim"), self._label(step, "waiting", "dim"), Text()
        frame = _FRAMES[int(now * _PER_SECOND) % len(_FRAMES)]
        return Text(frame, "cyan"), self._label(step, _DOING.get(step.action, "")), Text(duration(now - since))

    @staticmethod
    def _label(step: Step, doing: str, style: str = "") -> Text:
        """What it is comes first: on a narrow screen the rest is cut."""
        text = Text.assemble(label(step.ref), (f"  {doing}", "dim"))
        text.stylize(style)
        return text
