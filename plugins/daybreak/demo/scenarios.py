"""The mornings that can be rehearsed: what is done to Airflow and data, and what must have been told by the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daybreak.demo import deeds, verdicts
from daybreak.demo.deeds import ATTACKED, KILLED, UNPARSABLE
from daybreak.demo.morning import BROKEN, LATE, LATE_UPSTREAM, PAUSED
from daybreak.demo.play import Play
from daybreak.demo.steps import paused_paged
from daybreak.demo.verdicts import Question, both, closed, leaders_told, not_before_due, noticed, reason_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story, and what must be told of it. Stories about different pipelines can share a morning.

    :param early: pipelines due minutes from now; all others are due later
    :param late: upstreams that do not arrive by themselves
    :param paused: dags that stay paused
    :param before: what is done before anything runs
    :param during: what is done once the base pipelines have been started
    :param missing: None once everything was told that must be, else what was not
    :param after: what is done then, to show the recovery
    :param recovered: None once the recovery was told
    :param to_the_end: whether ``missing`` is asked only when all deadlines have passed
    """

    name: str
    title: str
    missing: Question
    early: frozenset[str] = frozenset()
    late: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()
    before: Callable[[Play], None] | None = None
    during: Callable[[Play], None] | None = None
    after: Callable[[Play], None] | None = None
    recovered: Question | None = None
    to_the_end: bool = False


_ALL = (
    Scenario(
        name="all_quiet",
        title="everything is ready in time: nobody hears anything",
        missing=verdicts.silence,
        to_the_end=True,
    ),
    Scenario(
        name="sales_force_late",
        title="sales_force is late: ticket, thread, page for aggregate growth, recovery",
        early=frozenset({LATE}),
        late=(LATE_UPSTREAM,),
        missing=both(verdicts.upstream_page(LATE, LATE_UPSTREAM), leaders_told(LATE_UPSTREAM), not_before_due(LATE)),
        after=deeds.deliver(LATE_UPSTREAM),
        recovered=closed(LATE),
    ),
    Scenario(
        name="product_b_late",
        title="Product B is late: ticket, page for aggregate profit, recovery",
        early=frozenset({BROKEN}),
        late=("product_b",),
        missing=both(verdicts.upstream_page(BROKEN, "product_b"), not_before_due(BROKEN)),
        after=deeds.deliver("product_b"),
        recovered=closed(BROKEN),
    ),
    Scenario(
        name="new_tax",
        title="tax_model holds a tax that the transformation does not know: page, rule, recovery",
        early=frozenset({BROKEN}),
        during=deeds.new_tax,
        missing=verdicts.tax_paged,
        after=deeds.give_the_tax_a_rule,
        recovered=closed(BROKEN),
    ),
    Scenario(
        name="ddos",
        title="an attack in web_events: a warning, until the referrer is classified",
        early=frozenset({ATTACKED}),
        during=deeds.attack,
        missing=verdicts.warned(1),
        after=deeds.classify_attack,
        recovered=verdicts.warned(1),
    ),
    Scenario(
        name="oom",
        title="a task is killed for want of memory: page, a ticket to DevOps, a retry that works",
        early=frozenset({KILLED}),
        during=deeds.kill,
        missing=verdicts.killed_paged,
        after=deeds.run_again(KILLED),
        recovered=both(closed(KILLED), verdicts.retry_told),
    ),
    Scenario(
        name="import_error",
        title="a dag file no longer parses: a notice at once, a page at the deadline, recovery",
        early=frozenset({UNPARSABLE}),
        before=deeds.break_file,
        missing=both(
            noticed(UNPARSABLE, "no longer parses"),
            reason_page(UNPARSABLE, "import_error"),
            not_before_due(UNPARSABLE),
        ),
        after=deeds.repair_file,
        recovered=closed(UNPARSABLE),
    ),
    Scenario(
        name="paused",
        title="a dag is paused: no run, and a page all the same; unpaused, it recovers",
        early=frozenset({PAUSED}),
        paused=(PAUSED,),
        missing=both(paused_paged, not_before_due(PAUSED)),
        after=deeds.unpause,
        recovered=closed(PAUSED),
    ),
    Scenario(
        name="scheduler_down",
        title="the scheduler is gone: one page for all that is at stake, until one beats again",
        early=frozenset({BROKEN}),
        during=deeds.stop_scheduler,
        missing=verdicts.scheduler_paged,
        after=deeds.start_scheduler,
        recovered=verdicts.scheduler_back,
    ),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
