// One button, one XMLHttpRequest, one answer.
// Whatever comes back is shown with textContent, never as HTML: an answer cannot run anything in this page.
"use strict";

(() => {
  const TIMEOUT_MS = 15_000; // more than the function's own limit, so that its failure is seen before ours
  const SHOWN_CHARACTERS = 10_000; // of a response body

  const element = (id) => document.getElementById(id);
  const button = element("call");
  const callLabel = button.textContent;

  // Filled in by slx on upload; still a placeholder when the file is opened from disk.
  const apiUrl = document.querySelector('meta[name="api-url"]').content.trim().replace(/\/+$/, "");

  /** Draws one of the four states: idle, loading, ok, error. */
  function show({ state, headline, detail, roundTrip = "round trip", fault = "", facts = [], body = "" }) {
    element("drawing").dataset.state = state;
    element("drawing").dataset.fault = fault;
    element("answer").dataset.state = state;
    element("answer").setAttribute("aria-busy", String(state === "loading"));
    element("headline").textContent = headline;
    element("detail").textContent = detail;
    element("round-trip").textContent = roundTrip;
    if (state === "loading") return; // the facts of the last call stay until there are new ones

    element("facts").replaceChildren(...facts.map(factCell));
    element("raw").hidden = body === "";
    element("raw").open = state === "error";
    element("raw-body").textContent = body.slice(0, SHOWN_CHARACTERS);
  }

  function factCell([name, value]) {
    const cell = document.createElement("div");
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name.replaceAll("_", " ");
    description.textContent = typeof value === "string" ? value : JSON.stringify(value);
    cell.append(term, description);
    return cell;
  }

  function callFunction() {
    const hadFocus = document.activeElement === button;
    const started = performance.now();
    const elapsed = () => `${Math.round(performance.now() - started)} ms`;

    button.disabled = true;
    button.textContent = "Calling…";
    show({ state: "loading", headline: "Calling…", detail: `Waiting for ${apiUrl}/hello`, roundTrip: "under way" });

    // No header of our own: a plain GET needs no CORS preflight, which would be a second request.
    const request = new XMLHttpRequest();
    request.open("GET", `${apiUrl}/hello`);
    request.timeout = TIMEOUT_MS;
    request.onload = () => show(answerOf(request, elapsed()));
    request.onerror = () => show(unreachable(elapsed()));
    request.ontimeout = () => show(tooLate());
    request.onloadend = () => {
      button.disabled = false;
      button.textContent = callLabel;
      // A disabled button loses the focus; give it back unless it has gone elsewhere meanwhile.
      if (hadFocus && [null, document.body, button].includes(document.activeElement)) button.focus();
    };
    request.send();
  }

  function answerOf({ status, responseText: body, statusText }, roundTrip) {
    const failure = { state: "error", roundTrip: `failed, ${roundTrip}`, body };
    if (status !== 200) {
      return {
        ...failure,
        headline: `The API answered ${status}`,
        detail: adviceFor(status),
        fault: status >= 500 ? "function" : "api",
        facts: [["status", `${status} ${statusText}`.trim()], ["round trip", roundTrip]],
      };
    }
    const answer = parsed(body);
    if (answer === null) {
      return {
        ...failure,
        headline: "That is not the expected JSON",
        detail: 'The API answered 200, but the body is not an object with a text called "message". It is shown below.',
        fault: "function",
        facts: [["status", "200"], ["round trip", roundTrip]],
      };
    }
    const { message, ...facts } = answer;
    return {
      state: "ok",
      headline: message,
      detail: `Answered in ${roundTrip}, measured in this browser.`,
      roundTrip: `round trip ${roundTrip}`,
      facts: Object.entries(facts),
      body: JSON.stringify(answer, null, 2),
    };
  }

  /** The answer as an object with a message, or null if it is anything else. */
  function parsed(body) {
    try {
      const answer = JSON.parse(body);
      return typeof answer?.message === "string" ? answer : null;
    } catch {
      return null;
    }
  }

  function adviceFor(status) {
    if (status === 404) return "It has no such route. Compare GET /hello with the routes in blueprint.yaml.";
    if (status === 429) return "More calls arrived than it accepts. Wait a moment and try again.";
    if (status >= 500) return "The function failed or took too long. Run slx logs to see what it said.";
    return "It refused the call. Its reason is in the response body.";
  }

  function unreachable(after) {
    return {
      state: "error",
      headline: "No answer reached this page",
      detail:
        "Either the API cannot be reached, or its CORS rule does not name this page's origin. " +
        "The browser does not tell pages which; its console (F12) does.",
      roundTrip: "no answer",
      fault: "network",
      facts: [["origin", location.origin], ["API", apiUrl], ["failed after", after]],
    };
  }

  function tooLate() {
    return {
      state: "error",
      headline: `No answer within ${TIMEOUT_MS / 1000} seconds`,
      detail: "The page stopped waiting; the function may still be running. Run slx logs to see what it is doing.",
      roundTrip: "timed out",
      fault: "network",
      facts: [["API", apiUrl], ["gave up after", `${TIMEOUT_MS / 1000} s`]],
    };
  }

  if (/^https?:\/\/./.test(apiUrl)) {
    button.addEventListener("click", callFunction);
  } else {
    element("unfilled").hidden = false;
    element("api-link").closest("p").hidden = true;
    element("detail").textContent = "There is no API to call from this copy of the page.";
    button.disabled = true;
    button.classList.add("unusable");
  }
})();
