import io

import pytest
from rich.text import Text
from ui_samples import Broken, Full, Latin, Screen

from serverless_cli.errors import SlxError
from serverless_cli.ui.streams import Sink
from serverless_cli.ui.terminal import Look, Streams, Terminal

PLAIN = {"TERM": "xterm-256color"}


def terminal(look: Look | None = None, environ: dict[str, str] | None = None, **streams: object) -> Terminal:
    given = {"stdin": Screen(), "stdout": Screen(), "stderr": Screen(), **streams}
    return Terminal(look or Look(), Streams(**given, environ=PLAIN if environ is None else environ))


def test_a_terminal_has_a_live_view_and_may_be_asked() -> None:
    assert terminal().live
    assert terminal().asks


@pytest.mark.parametrize(
    ("look", "environ", "streams"),
    [
        pytest.param(Look(json=True), PLAIN, {}, id="--json"),
        pytest.param(Look(quiet=True), PLAIN, {}, id="--quiet"),
        pytest.param(Look(verbose=True), PLAIN, {}, id="--verbose"),
        pytest.param(Look(color=False), PLAIN, {}, id="--no-color"),
        pytest.param(Look(), {"NO_COLOR": "1"}, {}, id="NO_COLOR"),
        pytest.param(Look(), {"TERM": "dumb"}, {}, id="TERM=dumb"),
        pytest.param(Look(), {"CI": "true"}, {}, id="CI"),
        pytest.param(Look(), PLAIN, {"stderr": io.StringIO()}, id="stderr is no terminal"),
        pytest.param(Look(), PLAIN, {"stderr": None, "stdout": None}, id="the test's own captured stderr"),
    ],
)
def test_there_is_no_live_view(look: Look, environ: dict[str, str], streams: dict[str, object]) -> None:
    assert not terminal(look, environ, **streams).live


@pytest.mark.parametrize(
    ("look", "environ", "streams"),
    [
        pytest.param(Look(ask=False), PLAIN, {}, id="--no-input"),
        pytest.param(Look(json=True), PLAIN, {}, id="--json"),
        pytest.param(Look(), {"CI": "1"}, {}, id="CI"),
        pytest.param(Look(), PLAIN, {"stdin": io.StringIO()}, id="stdin is no terminal"),
        pytest.param(Look(), PLAIN, {"stderr": io.StringIO()}, id="nobody would see the question"),
    ],
)
def test_nobody_is_asked(look: Look, environ: dict[str, str], streams: dict[str, object]) -> None:
    assert not terminal(look, environ, **streams).asks


def test_ci_false_is_no_ci() -> None:
    assert terminal(environ={"CI": "false"}).live


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escape_codes_where_no_colour_is_wanted(environ: dict[str, str]) -> None:
    err = Screen()

    terminal(environ=environ, stderr=err).story(Text("hello", "bold red"))

    assert err.getvalue() == "hello\n"


def test_colour_is_for_terminals_only() -> None:
    screen, pipe = Screen(), io.StringIO()
    it = terminal(stderr=screen, stdout=pipe)

    it.story(Text("hello", "bold red"))
    it.data(Text("data", "bold red"))

    assert "\x1b[" in screen.getvalue()
    assert pipe.getvalue() == "data\n"


def test_story_and_data_never_mix() -> None:
    out, err = io.StringIO(), io.StringIO()
    it = terminal(stdout=out, stderr=err)

    it.say("story")
    it.raw("data\n")
    it.document({"a": "ä"})

    assert err.getvalue() == "story\n"
    assert out.getvalue() == 'data\n{\n  "a": "ä"\n}\n'


@pytest.mark.parametrize("look", [Look(quiet=True), Look(json=True)])
def test_quiet_tells_no_story_but_alarms(look: Look) -> None:
    err = io.StringIO()
    it = terminal(look, stderr=err)

    it.say("story")
    it.alarm("alarm")

    assert err.getvalue() == "alarm\n"


def test_a_bad_end_is_seen_with_quiet() -> None:
    err = io.StringIO()
    it = terminal(Look(quiet=True), stderr=err)

    it.verdict("good", good=True)
    it.verdict("bad", good=False)

    assert err.getvalue() == "bad\n"


def test_lines_for_a_pipe_are_not_wrapped() -> None:
    err = io.StringIO()

    terminal(stderr=err).say("word " * 100)

    assert err.getvalue().count("\n") == 1


def test_markup_in_names_is_text() -> None:
    err = io.StringIO()

    terminal(stderr=err).say("[bold]x[/bold] :smile:")

    assert err.getvalue() == "[bold]x[/bold] :smile:\n"


def test_an_answer_is_a_line_of_stdin() -> None:
    err = Screen()

    answer = terminal(stdin=Screen(" yes \nno\n"), stderr=err).ask("Do this? [y/N]")

    assert answer == "yes"
    assert "Do this? [y/N]" in err.getvalue()


def test_the_end_of_input_is_no_answer() -> None:
    assert terminal(stdin=Screen("")).ask("Do this?") == ""


def test_symbols_have_ascii_forms_where_the_encoding_lacks_them() -> None:
    err = Latin()
    it = terminal(stderr=err)

    it.say("✓ a → b … 日 é")

    assert err.text() == "ok a -> b ... ? é\n"
    assert not it.live


def test_json_is_ascii_where_the_encoding_is_small() -> None:
    out = Latin()

    terminal(stdout=out).record({"a": "日"})

    assert out.text() == '{"a": "\\u65e5"}\n'


def test_a_reader_that_went_away_breaks_nothing() -> None:
    it = terminal(stdout=Broken(), stderr=Broken())

    it.say("story")
    it.raw("data")
    it.raw("more")


def test_a_closed_descriptor_takes_everything() -> None:
    sink = Sink(None)

    assert sink.write("x") == 1
    assert not sink.isatty()
    sink.flush()


def test_a_full_disk_stops_nothing_and_is_told_at_the_end() -> None:
    it = terminal(stdout=Full())

    it.raw("data")
    it.raw("more")

    with pytest.raises(SlxError, match="No space left"):
        it.finish()


def test_a_reader_that_went_away_is_no_failure() -> None:
    it = terminal(stdout=Broken())

    it.raw("data")

    it.finish()
