"""What the dialogues come to, by time and by all that tells them apart; each number opens its own."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import EChartPointClickEventArguments

from appliance.desk.figures import (
    TARGET,
    DialogueFilter,
    Dimension,
    Period,
    Slice,
    Slot,
    Stage,
    Summary,
    Write,
)
from ui import figures, frame, parts
from ui.site import Here, Site

PERIODS = (7, 30, 90, 365)
DEFAULT = 30
CHOICES = (Dimension.CHANNEL, Dimension.LANG, Dimension.TOPIC)  # few enough values to choose from
FULL = 0.5  # the conversion of a whole bar
SHOWN = 15  # slices of a page


def mount(site: Site) -> None:
    @site.page("/analytics", menu="analytics")
    async def analytics(here: Here, days: str = "", by: str = "") -> None:
        ui.add_head_html(figures.HEAD)
        desk, say = here.house.figures, here.say
        period = desk.period(int(days) if days.isdigit() and int(days) in PERIODS else DEFAULT)
        which = DialogueFilter.read(here.request.query_params)
        dimension = next((one for one in Dimension if one == by), Dimension.CHANNEL)
        summary = await desk.summary(here.actor, period, which)
        with frame.page(here, say("title"), Write(here.lang).period(period)) as head:
            with head.actions:
                parts.linked(say("reports"), "/reports", icon="summarize")
            await _filters(here, which, dimension)
            figures.counting(here)
            if not summary.total.dialogues and not summary.before.dialogues:
                parts.empty(say("empty"), say("empty_why"), icon="insights")
                return
            tiles = figures.tiles(here, summary.which)
            tiles.show(summary.total, summary.before, summary.troubles, summary.troubles_before)
            with ui.element("div").classes("c-side"):
                with ui.element("div"):
                    _over_time(here, summary)
                with ui.element("div"):
                    _funnel(here, summary)
            await _slices(here, summary, dimension)
            _hours(here, summary)
            _definitions(here)


async def _filters(here: Here, which: DialogueFilter, dimension: Dimension) -> None:
    """The conditions stand in the address; a change of them is another page."""
    say, write = here.say, Write(here.lang)
    everything = await here.house.figures.values(here.actor)
    kept = {str(one): str(getattr(which, one)) for one in Dimension if one not in CHOICES and getattr(which, one)}

    def changed() -> None:
        chosen = {str(name): filters[name] for name in ("days", *CHOICES) if filters[name]}
        here.go(f"/analytics?{urlencode(chosen | kept | {'by': str(dimension)})}")

    filters = parts.Filters(here, changed)
    filters.choice("days", say("frame.period"), {str(days): say(f"days_{days}") for days in PERIODS}, default="30")
    for one in CHOICES:
        known = {part.value: write.value(one, part.value) for part in everything[one] if part.value}
        filters.choice(one, write.word(f"of_{one}"), {"": say(f"all_{one}")} | known)
    for name, value in kept.items():
        with filters.box:
            words = f"{write.word(f'of_{name}')}: {write.value(Dimension(name), '' if value == '-' else value)}"
            parts.linked(words, f"/analytics?{which.having(name, '').query()}", icon="close")


def _over_time(here: Here, summary: Summary) -> None:
    say, write = here.say, Write(here.lang)
    step = summary.period.step
    series = summary.series(step)
    labels = [write.day(part.first, "d MMM" if step != "month" else "LLL y") for part, _ in series]

    def opened(event: EChartPointClickEventArguments) -> None:
        here.go(figures.behind(_of(summary, series[event.data_index][0])))

    with parts.section(write.word(f"by_{step}"), say("click_point")), parts.card():
        parts.chart(
            {
                "xAxis": {"type": "category", "data": labels},
                "yAxis": {"type": "value", "minInterval": 1},
                "series": [
                    {"name": write.word("dialogues"), "type": "bar", "barMaxWidth": 26,
                     "data": [one.dialogues for _, one in series]},
                    {"name": write.word("leads"), "type": "bar", "barGap": "-100%", "barMaxWidth": 26,
                     "data": [one.leads for _, one in series]},
                ],
            },
            label=write.word(f"by_{step}"),
            height=250,
            on_point=here.guard(opened),
        )  # fmt: skip
        figures.folded(
            say("frame.as_table"),
            (say("period"), *(write.word(id) for id in ("dialogues", "shown", "contacts", "leads", "conversion"))),
            [
                (label, *_cells(one, _of(summary, part), write))
                for label, (part, one) in zip(labels, series, strict=True)
            ],
        )


def _of(summary: Summary, part: Period) -> DialogueFilter:
    return replace(summary.filter, since=part.since, until=part.until)


def _cells(one: Slice, which: DialogueFilter, write: Write) -> tuple[figures.Told, ...]:
    """How many came how far, each with its dialogues behind it."""
    opens = [which, *(replace(which, stage=stage) for stage in figures.STAGES)]
    counts = [
        (write.number(count), figures.behind(one)) if count else write.number(count)
        for count, one in zip((one.dialogues, one.shown, one.contacts, one.leads), opens, strict=True)
    ]
    return (*counts, write.percent(one.conversion.value) if one.dialogues else "–")


def _funnel(here: Here, summary: Summary) -> None:
    """Each step as a share of all dialogues, with its interval; the target is a line in the last."""
    say, write, total = here.say, Write(here.lang), summary.total
    steps = [("dialogues", total.reached(Stage.GOODS), 1.0, figures.behind(summary.which))]
    lines = []
    for word, stage in (("shown", Stage.GOODS), ("contacts", Stage.CONTACT), ("leads", Stage.LEAD)):
        share = total.reached(stage)
        steps.append((word, share, share.value, figures.behind(replace(summary.which, stage=stage))))
    for word, share, part, href in steps:
        count = total.dialogues if word == "dialogues" else share.count
        told = write.percent(part) + ("" if word == "dialogues" else f" ({write.interval(share)})")
        spread = "" if word == "dialogues" else (
            f'<u style="left:{share.low:.2%};width:{max(share.high - share.low, 0.004):.2%}"></u>'
        )  # fmt: skip
        goal = f'<s style="left:{TARGET:.0%}"></s>' if word == "leads" else ""
        lines.append(
            f'<a class="c-funnel-step" href="{escape(href)}"><span>{escape(write.word(word))}</span>'
            f'<span class="c-funnel-bar" aria-hidden="true"><i style="width:{part:.2%}"></i>{spread}{goal}</span>'
            f'<span class="c-funnel-number"><b>{escape(write.number(count))}</b> '
            f'<span class="c-soft">{escape(told)}</span></span></a>'
        )
    with parts.section(say("funnel"), say("funnel_why", target=write.percent(TARGET))), parts.card():
        ui.html("".join(lines), sanitize=False).classes("c-funnel")


async def _slices(here: Here, summary: Summary, dimension: Dimension) -> None:
    say, write = here.say, Write(here.lang)
    with parts.section(say("slices"), say("slices_why")):
        tabs = "".join(
            f'<a href="?{escape(_asked(here, one))}"{" aria-current=page" if one is dimension else ""}>'
            f"{escape(write.word(f'of_{one}'))}</a>"
            for one in Dimension
        )
        ui.html(tabs, sanitize=False, tag="nav").classes("c-tabs").props(f'aria-label="{escape(say("slices"))}"')
        slices = summary.slices(dimension)
        columns = [
            parts.Column(name="value", label=write.word(f"of_{dimension}")),
            parts.Column(name="dialogues", label=write.word("dialogues"), number=True),
            parts.Column(name="shown", label=write.word("shown"), number=True, wide=True),
            parts.Column(name="contacts", label=write.word("contacts"), number=True, wide=True),
            parts.Column(name="leads", label=write.word("leads"), number=True),
            parts.Column(name="conversion", label=write.word("conversion"), number=True),
            parts.Column(name="interval", label=write.word("interval_heading"), wide=True, width="260px"),
        ]

        async def fetch(asked: parts.Asked) -> parts.Rows:
            page = slices[asked.offset : asked.offset + asked.limit]
            return parts.Rows(items=[_row(here, one, dimension, summary, write) for one in page], total=len(slices))

        table = parts.Table(here, columns, fetch, label=say("slices"), size=SHOWN)
        await table.load()


def _asked(here: Here, dimension: Dimension) -> str:
    return urlencode({**here.request.query_params, "by": dimension})


def _row(here: Here, one: Slice, dimension: Dimension, summary: Summary, write: Write) -> parts.Row:
    low, high = (here.write.percent(share, exact=True) for share in (one.conversion.low, one.conversion.high))
    which = summary.which.having(dimension, one.value or "-")
    return parts.Row(
        id=one.value or "-",
        href=figures.behind(which),
        cells={
            "value": write.value(dimension, one.value),
            "dialogues": write.number(one.dialogues),
            "shown": write.number(one.shown),
            "contacts": write.number(one.contacts),
            "leads": write.number(one.leads),
            "conversion": here.write.percent(one.conversion.value, exact=True),
            "interval": parts.bar(min(one.conversion.value / FULL, 1.0), write.word("interval", low=low, high=high)),
        },
    )


def _hours(here: Here, summary: Summary) -> None:
    """When customers write: seven days by twenty-four hours."""
    say, write = here.say, Write(here.lang)
    if not summary.hours:
        return
    names = say("weekdays").split()
    peak = max(count for _, _, count in summary.hours)
    zone = str(here.house.figures.zone)

    def behind(day: int, hour: int) -> str:
        return figures.behind(replace(summary.which, slot=str(Slot(weekday=day, hour=hour, zone=zone))))

    def opened(event: EChartPointClickEventArguments) -> None:
        day, hour, _ = summary.hours[event.data_index]
        here.go(behind(day, hour))

    with parts.section(say("hours"), say("hours_why")), parts.card():
        parts.chart(
            {
                "tooltip": {"trigger": "item"},
                "legend": {"show": False},
                "grid": {"top": 4},
                "xAxis": {"type": "category", "data": [str(hour) for hour in range(24)]},
                "yAxis": {"type": "category", "data": names, "inverse": True},
                "visualMap": {"show": False, "min": 0, "max": peak, "inRange": {"color": ["rgba(15,138,131,.06)",
                              "rgba(15,138,131,.45)", "#0f8a83"]}},
                "series": [{"name": write.word("dialogues"), "type": "heatmap",
                            "data": [[hour, day, count] for day, hour, count in summary.hours],
                            "itemStyle": {"borderRadius": 3, "borderWidth": 2, "borderColor": "transparent"}}],
            },
            label=say("hours"),
            height=230,
            on_point=here.guard(opened),
        )  # fmt: skip
        counts = {(day, hour): count for day, hour, count in summary.hours}
        figures.folded(
            say("frame.as_table"),
            (say("hour"), *names),
            [
                (
                    f"{hour:02}:00",
                    *(
                        (write.number(counts[day, hour]), behind(day, hour)) if (day, hour) in counts else "0"
                        for day in range(7)
                    ),
                )
                for hour in range(24)
            ],
        )


def _definitions(here: Here) -> None:
    write = Write(here.lang)
    with parts.section(write.word("definitions")):
        for id in ("what_dialogue", "what_lead", "what_interval"):
            parts.text(write.word(id, target=write.percent(TARGET)), "c-soft c-small", tag="p")
