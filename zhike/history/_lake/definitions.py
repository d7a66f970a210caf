"""The definitions, each written once as an Ibis expression over the lake's tables: DuckDB and Spark run the same.

Times are integers of microseconds and days are dates, so that no engine rounds another way. Where a definition speaks of
persons it is of those who may be profiled; a merged person counts as who they go on as, except in RFM, which is reconciled
to the groups of the console and follows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zhike.history.rules import DAY_US, NOBODY, TABLES, RfmPlan

if TYPE_CHECKING:
    from ibis.expr.types import Column, Table
else:
    Column = Table = Any

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000


class Tables:
    """The tables by name, without any data: an expression over them is compiled for an engine."""

    def __init__(self) -> None:
        import ibis

        for table in TABLES:
            setattr(self, table.name, ibis.table(dict(table.columns), name=table.name))

    orders: Table
    order_lines: Table
    events: Table
    points: Table
    customers: Table
    visitors: Table


def sql(expression: Table, dialect: str = "duckdb") -> str:
    """What an engine runs: "duckdb" or "pyspark"."""
    import ibis

    return str(ibis.to_sql(expression, dialect=dialect))


def rfm(tables: Tables, plan: RfmPlan) -> Table:
    """group ("" without a purchase in the window), members, fen, purchases: of members who may be profiled.

    Recency is whole days since the last purchase ever; frequency and money (net of returns) are of the window. A score
    rises at each break that is reached, of recency falls where one is passed.
    """
    import ibis

    orders = tables.orders
    orders = orders.filter((orders.person_key != NOBODY) & (orders.at_us <= plan.now_us))
    inside = orders.at_us >= plan.now_us - plan.window_days * DAY_US
    is_sale = orders.kind == "sale"
    net = is_sale.ifelse(orders.net_fen, -orders.net_fen)
    facts = orders.group_by("person_key").aggregate(
        last_us=is_sale.ifelse(orders.at_us, 0).max(),
        frequency=(is_sale & inside).ifelse(1, 0).sum(),
        fen=inside.ifelse(net, 0).sum(),
    )
    customers = tables.customers
    members = customers.filter(customers.is_member & customers.is_profiled).select("person_key")
    found = members.left_join(facts, "person_key")
    found = found.select(
        recency=(plan.now_us - found.last_us.coalesce(0)) // DAY_US,
        frequency=found.frequency.coalesce(0),
        fen=found.fen.coalesce(0),
    )

    def reached(value: Column, breaks: tuple[int, ...]) -> Column:
        score: Any = ibis.literal(1)
        for each in breaks:
            score = score + (value >= each).ifelse(1, 0)
        return score

    def fresh(value: Column) -> Column:
        score: Any = ibis.literal(5)
        for each in plan.recency:
            score = score - (value > each).ifelse(1, 0)
        return score

    def letter(score: Column) -> Column:
        return (score >= plan.high_from).ifelse("1", "0")

    name = (
        letter(fresh(found.recency))
        .concat(letter(reached(found.frequency, plan.frequency)))
        .concat(letter(reached(found.fen, plan.monetary)))
    )
    named = found.mutate(group=(found.frequency == 0).ifelse("", name))
    return (
        named.group_by("group")
        .aggregate(members=named.count(), fen=named.fen.sum(), purchases=named.frequency.sum())
        .order_by("group")
    )


def daily(tables: Tables, first_day: str, last_day: str) -> Table:
    """day, receipts (sales), returns, net_fen before refunds, refund_fen, of_members, buyers: by business date."""
    import ibis

    orders = tables.orders
    orders = orders.filter(
        (orders.day >= ibis.literal(first_day).cast("date"))
        & (orders.day <= ibis.literal(last_day).cast("date"))
    )
    is_sale = orders.kind == "sale"
    known = orders.person_key != NOBODY
    return (
        orders.group_by("day")
        .aggregate(
            receipts=is_sale.ifelse(1, 0).sum(),
            returns=is_sale.ifelse(0, 1).sum(),
            net_fen=is_sale.ifelse(orders.net_fen, 0).sum(),
            refund_fen=is_sale.ifelse(0, orders.net_fen).sum(),
            of_members=(is_sale & known).ifelse(1, 0).sum(),
            buyers=orders.person_key.nunique(where=is_sale & known),
        )
        .order_by("day")
    )


def cohort(tables: Tables) -> Table:
    """first (month of the first purchase ever, counted from year 0), age (months later), members who bought then."""
    orders, customers = tables.orders, tables.customers
    bought = orders.filter((orders.kind == "sale") & (orders.person_key != NOBODY))
    known = customers.filter(customers.is_profiled).select("person_key", "root_key")
    bought = bought.inner_join(known, "person_key")
    months = bought.select("root_key", month=bought.day.year() * 12 + bought.day.month() - 1).distinct()
    firsts = months.group_by("root_key").aggregate(first=months.month.min())
    found = months.inner_join(firsts, "root_key")
    found = found.select("root_key", "first", age=found.month - found.first)
    return found.group_by("first", "age").aggregate(members=found.count()).order_by("first", "age")


def _doings(tables: Tables, since_us: int) -> Table:
    """event_id, name, at_us, who: a person who may be profiled, else a browser of nobody's as the negative of its key."""
    events, visitors, customers = tables.events, tables.visitors, tables.customers
    recent = events.filter(events.at_us >= since_us)
    mine = customers.select(key=customers.person_key, root=customers.root_key, may=customers.is_profiled)
    owners = visitors.inner_join(customers, "person_key")
    owners = owners.select(
        browser=owners.visitor_key,
        until_us=owners.until_us,
        owner=owners.root_key,
        owner_may=owners.is_profiled,
    )
    found = recent.left_join(mine, [("person_key", "key")]).left_join(owners, [("visitor_key", "browser")])
    known = found.person_key != NOBODY
    stitched = found.at_us <= found.until_us.coalesce(0)
    who = known.ifelse(
        found.root.coalesce(NOBODY), stitched.ifelse(found.owner.coalesce(NOBODY), -found.visitor_key)
    )
    may = known.ifelse(found.may.coalesce(False), stitched.ifelse(found.owner_may.coalesce(False), True))
    found = found.select("event_id", "name", "at_us", who=who, allowed=may)
    return found.filter(found.allowed & (found.who != NOBODY)).drop("allowed")


def funnel(tables: Tables, steps: tuple[str, ...], since_us: int, hours: int) -> Table:
    """step_1, step_2 …: how many reached each step in this order, all of them within so many hours of the first.

    Every start is tried: a step counts with the latest first step that could have led to it.
    """
    import ibis

    doings = _doings(tables, since_us)
    doings = doings.filter(doings.name.isin(steps))
    start = (doings.name == steps[0]).ifelse(doings.at_us, ibis.null("int64"))
    doings = doings.mutate(start_1=start)
    for number, name in enumerate(steps[1:], start=2):
        window = ibis.cumulative_window(group_by=doings.who, order_by=[doings.at_us, doings.event_id])
        latest = doings[f"start_{number - 1}"].max().over(window)
        doings = doings.mutate(latest=latest)
        fits = (doings.name == name) & (doings.at_us - doings.latest <= hours * HOUR_US)
        doings = doings.mutate(**{f"start_{number}": fits.ifelse(doings.latest, ibis.null("int64"))})
    reached = doings.group_by("who").aggregate(
        **{f"at_{number}": doings[f"start_{number}"].max() for number in range(1, len(steps) + 1)}
    )
    return reached.aggregate(
        **{f"step_{number}": reached[f"at_{number}"].count() for number in range(1, len(steps) + 1)}
    )


def sessions(tables: Tables, since_us: int, gap_minutes: int) -> Table:
    """day (of the first event, UTC, as days since 1970), sessions, events, visitors; a pause longer than the gap begins a new one."""
    import ibis

    doings = _doings(tables, since_us)
    window = ibis.window(group_by=doings.who, order_by=[doings.at_us, doings.event_id])
    pause = doings.at_us - doings.at_us.lag(1).over(window)
    doings = doings.mutate(
        begins=(pause.coalesce(gap_minutes * MINUTE_US + 1) > gap_minutes * MINUTE_US).ifelse(1, 0)
    )
    doings = doings.mutate(
        number=doings.begins.sum().over(
            ibis.cumulative_window(group_by=doings.who, order_by=[doings.at_us, doings.event_id])
        )
    )
    visits = doings.group_by("who", "number").aggregate(began_us=doings.at_us.min(), events=doings.count())
    visits = visits.mutate(day=visits.began_us // DAY_US)
    return (
        visits.group_by("day")
        .aggregate(sessions=visits.count(), events=visits.events.sum(), visitors=visits.who.nunique())
        .order_by("day")
    )
