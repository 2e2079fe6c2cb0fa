"""Prompts on trial: how each does beside the live one, and whether that may be believed yet."""

from __future__ import annotations

from html import escape
from math import inf, isinf, log

from nicegui import ui

from appliance.desk.figures import METHOD, DialogueFilter, Slice, Trial, Verdict, Write
from ui import figures, frame, parts
from ui.site import Here, Site

TONES = {Verdict.BETTER: "ok", Verdict.WORSE: "bad", Verdict.BROKEN: "bad", Verdict.UNDECIDED: ""}
WIDEST = 4.0  # the ratio at the ends of the scale, and one by it


def mount(site: Site) -> None:
    @site.page("/experiments", menu="experiments")
    async def experiments(here: Here) -> None:
        ui.add_head_html(figures.HEAD)
        say = here.say
        trials = await here.house.figures.trials(here.actor)
        with frame.page(here, say("title"), say("purpose")):
            figures.counting(here)
            if not trials:
                paths = {place.path for place in site.menu(here.actor)}
                do = say("to_prompts") if "/prompts" in paths else ""
                parts.empty(say("none"), say("none_why"), do=do, href="/prompts", icon="science")
            for trial in trials:
                _trial(here, trial)
            with parts.section(say("how")):
                parts.text(say("how_why", method=METHOD), "c-soft c-small", tag="p")


def _trial(here: Here, trial: Trial) -> None:
    say, write = here.say, Write(here.lang)
    since = say("since", since=here.write.moment(trial.since), share=write.percent(trial.share))
    with parts.section(say("heading", new=trial.new, old=trial.old), since), parts.card():
        verdict = trial.finding.verdict
        with ui.element("div"):
            parts.tag(say(f"verdict_{verdict}"), TONES[verdict])
        parts.text(_why(here, trial), tag="p").style("margin: 0")
        with ui.element("div").classes("c-versus"):
            _side(here, trial, trial.before, say("old", version=trial.old))
            _side(here, trial, trial.after, say("new", version=trial.new))
        parts.text(say("ratio"), "c-soft c-small")
        _scale(trial, write)


def _why(here: Here, trial: Trial) -> str:
    """The finding in words, and where there is none, what it takes."""
    say, write, found = here.say, Write(here.lang), trial.finding
    if found.verdict is Verdict.UNDECIDED and not trial.before.leads + trial.after.leads:
        return say("verdict_undecided_start", have=write.number(trial.dialogues))
    words = say(
        f"verdict_{found.verdict}_why", ratio=_times(found.ratio, write), low=_times(found.low, write),
        high=_times(found.high, write), needed=write.number(trial.needed) if trial.needed else "?",
        have=write.number(trial.dialogues),
    )  # fmt: skip
    if found.verdict is Verdict.UNDECIDED and trial.days_left:
        words += " " + say("days_left", days=write.number(trial.days_left))
    return words


def _times(ratio: float, write: Write) -> str:
    return "∞" if isinf(ratio) else "0" if ratio < 0.005 else write.ratio(ratio)


def _side(here: Here, trial: Trial, side: Slice, words: str) -> None:
    say, write = here.say, Write(here.lang)
    href = figures.behind(DialogueFilter(since=trial.since, prompt=side.value))
    with ui.element("a").classes("c-card c-pad c-plain-link") as box:
        box.props["href"] = href
        parts.text(words, "c-h3", tag="p")
        shown = write.percent(side.conversion.value) if side.dialogues else "–"
        parts.text(shown, "c-versus-value")
        counts = say("of", leads=write.number(side.leads), dialogues=write.number(side.dialogues))
        parts.text(f"{counts} · {write.interval(side.conversion)}" if side.dialogues else counts, "c-soft c-small")


def _scale(trial: Trial, write: Write) -> None:
    """The ratio with its bounds on a logarithmic scale; the line in the middle is no difference."""
    found = trial.finding
    low, high = _place(found.low), _place(found.high)
    mark = f'<b style="left:{_place(found.ratio):.1%}"></b>' if trial.after.leads + trial.before.leads else ""
    told = f"{_times(found.low, write)} – {_times(found.high, write)}"
    ui.html(
        f'<div class="c-range" role="img" aria-label="{escape(told)}">'
        f'<i style="left:{low:.1%};width:{max(high - low, 0.005):.1%}"></i><s style="left:50%"></s>{mark}</div>'
        f'<div class="c-range-ends"><span>{write.ratio(1 / WIDEST)}×</span><span>1×</span>'
        f"<span>{write.ratio(WIDEST)}×</span></div>",
        sanitize=False,
    )


def _place(ratio: float) -> float:
    """From 0 to 1 along the scale."""
    if ratio <= 0:
        return 0.0
    if ratio == inf:
        return 1.0
    return min(1.0, max(0.0, 0.5 + log(ratio) / (2 * log(WIDEST))))
