"""The main job: the late morning of the seven steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from daybreak.demo.morning import BROKEN, LATE_UPSTREAM, PAUSED
from daybreak.demo.play import BASES, Play
from daybreak.demo.steps import NEW_TAX, STEPS, Scene

PATIENCE = timedelta(seconds=150)  # after the last thing the demo does, for its consequences
SHOWN_LATE = timedelta(seconds=12)  # between the page and the arrival, so that people can see it


@dataclass(slots=True, kw_only=True)
class Show(Play):
    """One run of the story on a stage that is up."""

    found: dict[int, datetime] = field(default_factory=dict)  # step → when its records were first complete
    why_not: dict[int, str] = field(default_factory=dict)

    def play(self) -> bool:
        """Let the morning happen. → whether every step was found in the records."""
        morning = self.stage.morning
        self.look_at_dags()
        self.look()
        self.begin(late=[LATE_UPSTREAM], paused=[PAUSED])
        self.start_bases()
        self.watch(lambda scene: self.task_done(BASES[0], "land"), until=morning.due)
        self.change_data("INSERT OR IGNORE INTO tax_model (tax_code, rate_bp) VALUES (?, 300)", NEW_TAX)
        self.do(f"a new tax, {NEW_TAX}, appears in tax_model: {BROKEN} does not know it")
        self.watch(
            lambda scene: datetime.now(UTC) >= morning.due and {2, 3} <= self.found.keys(),
            until=morning.due + timedelta(seconds=60),
        )
        self.watch(lambda scene: False, until=datetime.now(UTC) + SHOWN_LATE)
        self.release(LATE_UPSTREAM)
        self.watch(lambda scene: len(self.found) == len(STEPS), until=datetime.now(UTC) + PATIENCE)
        return len(self.found) == len(STEPS)

    def look(self) -> Scene:
        """One reading: what is new is told, and which steps it shows is noted."""
        scene = Play.look(self)
        for step in STEPS:
            if step.number in self.found:
                continue
            missing = step.missing(scene)
            # The last step says that nothing else happened: only the end can tell.
            if step is STEPS[-1] and len(self.found) < len(STEPS) - 1:
                missing = missing or "the morning was not over"
            if missing is None:
                self.found[step.number] = datetime.now(UTC)
                self.stage.timeline.say("good", f"step {step.number} found in the records: {step.title}")
            else:
                self.why_not[step.number] = missing
        return scene
