"""The insight context's periodic work."""

from __future__ import annotations

from zhike.insight import operations
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import job

ACTOR = system_viewer("segments")
STANDING = system_viewer("standing")
BASKETS = system_viewer("baskets")
SCORES = system_viewer("scores")
RECOMMEND = system_viewer("recommendations")


@job(cron="11 * * * *", lock="insight.segments")
def count_segments(timestamp: int) -> int:
    """Every hour: how many belong to each segment now."""
    return operations.count_segments(actor=ACTOR, now=clock.now())


@job(cron="4 * * * *", lock="insight.standings")
def refresh_standings(timestamp: int) -> int:
    """Every hour: stages that time alone decides, and RFM; the first run of a day makes the breaks anew."""
    return operations.refresh_standings(actor=STANDING, now=clock.now())


@job(cron="22 19 * * *", lock="insight.classes", retry=2)
def refresh_classes(timestamp: int) -> int:
    """Every night: how everybody buys, what they prefer, what they are worth."""
    return operations.refresh_classes(actor=STANDING, now=clock.now())


@job(cron="34 19 * * *", lock="insight.lifetime")
def fit_lifetime(timestamp: int) -> int:
    """Every night: what is expected of members."""
    return operations.fit_lifetime(actor=STANDING, now=clock.now())


@job(cron="26 20 * * *", lock="insight.lifetime", retry=2)
def fit_churn(timestamp: int) -> int:
    """Every night, after the fit of future value: who may be leaving; a run that broke off goes on."""
    return operations.fit_churn(actor=SCORES, now=clock.now())


@job(cron="48 20 * * *", lock="insight.clusters", retry=2)
def renew_clusters(timestamp: int) -> int:
    """Every night: who belongs to which cluster now; a run that is a week old is made again."""
    return operations.renew_clusters(actor=SCORES, now=clock.now())


@job(queue="default", lock="insight.clusters")
def fit_clusters(*, method: str, k: int) -> int:
    """Clusters that somebody ordered."""
    return operations.fit_clusters(actor=SCORES, method=method, k=k, now=clock.now())


@job(queue="default", lock="insight.baskets")
def search_baskets(*, run_id: int) -> int:
    """A search for what is bought together that somebody asked for."""
    return operations.search_baskets(actor=BASKETS, run_id=run_id, now=clock.now())


@job(cron="52 19 * * *", lock="insight.baskets.renew")
def renew_basket_searches(timestamp: int) -> int:
    """Every night: searches that are a week old are made again."""
    return operations.renew_basket_searches(actor=BASKETS, now=clock.now())


@job(cron="17 * * * *", lock="insight.tags")
def count_tags(timestamp: int) -> int:
    """Every hour: how many have each tag, for the curve."""
    return operations.count_tags(actor=ACTOR, now=clock.now())


@job(cron="41 19 * * *", lock="insight.tags")
def forget_unprofiled(timestamp: int) -> int:
    """Every night: of who is not to be profiled any more nothing is kept."""
    return operations.look_again(actor=ACTOR, now=clock.now())


@job(cron="8 20 * * *", lock="insight.recommendations")
def fit_recommendations(timestamp: int) -> int:
    """Every night: what goes with what, for the lists of the next day."""
    return len(operations.fit_recommendations(actor=RECOMMEND, now=clock.now()))
