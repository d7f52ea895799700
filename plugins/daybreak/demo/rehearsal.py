"""Playing scenarios on a stage: what is done, what is asked of the records, and by when it must be found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from daybreak.demo.play import Play
from daybreak.demo.scenarios import Scenario
from daybreak.demo.steps import Scene

PATIENCE = timedelta(seconds=90)  # after the last deadline, and after a repair, for what follows from it
HUSH = timedelta(seconds=8)  # after the last deadline, until its silence is believed


@dataclass(slots=True, kw_only=True)
class Rehearsal(Play):
    """One or more scenarios on one stage. Several can be played at once where they are about different pipelines."""

    told: dict[str, Scene] = field(default_factory=dict)  # scenario → the records when all was told that must be
    recovered: dict[str, Scene] = field(default_factory=dict)  # scenario → the records when its recovery was told
    why_not: dict[str, str] = field(default_factory=dict)
    _asked: list[Scenario] = field(default_factory=list)

    def start(self, scenarios: Sequence[Scenario]) -> None:
        """Set the morning going, with what is wrong with it from the beginning."""
        self.look_at_dags()
        for scenario in scenarios:
            if scenario.before:
                scenario.before(self)
        self.begin(
            late=[upstream for scenario in scenarios for upstream in scenario.late],
            paused=[dag for scenario in scenarios for dag in scenario.paused],
        )
        self.start_bases()

    def play(self, scenarios: Sequence[Scenario]) -> bool:
        """What is done during the morning, what is told, and the repair. → whether all was as it should be."""
        morning, self._asked = self.stage.morning, list(scenarios)
        names = {scenario.name for scenario in scenarios}
        for scenario in scenarios:
            if scenario.during:
                scenario.during(self)
        last = max(morning.quiet_due, datetime.now(UTC)) + PATIENCE
        self.watch(lambda scene: names <= self.told.keys(), until=last)
        to_recover = [each for each in scenarios if each.after and each.name in self.told]
        for scenario in to_recover:
            assert scenario.after
            scenario.after(self)
        wanted = {each.name for each in to_recover if each.recovered}
        self._asked = to_recover
        self.watch(lambda scene: wanted <= self.recovered.keys(), until=datetime.now(UTC) + PATIENCE)
        return not self.why_not

    def look(self) -> Scene:
        """One reading: what is new is told, and which scenarios it completes is noted."""
        scene = Play.look(self)
        for scenario in self._asked:
            if scenario.name not in self.told:
                self._ask(scenario, scene)
            elif scenario.recovered and scenario.name not in self.recovered:
                self._ask_again(scenario, scene)
        return scene

    def _ask(self, scenario: Scenario, scene: Scene) -> None:
        missing = scenario.missing(scene)
        if scenario.to_the_end and datetime.now(UTC) < self.stage.morning.quiet_due + HUSH:
            missing = missing or "the morning is not over"
        self._note(scenario, missing)
        if missing is None:
            self.told[scenario.name] = scene

    def _ask_again(self, scenario: Scenario, scene: Scene) -> None:
        assert scenario.recovered
        missing = scenario.recovered(scene)
        self._note(scenario, missing)
        if missing is None:
            self.recovered[scenario.name] = scene

    def _note(self, scenario: Scenario, missing: str | None) -> None:
        if missing is None:
            self.why_not.pop(scenario.name, None)
        else:
            self.why_not[scenario.name] = missing
