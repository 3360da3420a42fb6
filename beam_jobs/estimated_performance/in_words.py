"""What is known of the assumptions of estimates, as sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from .assumptions import LEAST_CHANGE, MOST_OUTSIDE, CalibrationChange

LEAST_LABELLED = 100


@dataclass
class Assumptions:
    """``doubts``: why not to believe the estimates; ``notes``: what else is known."""

    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def too_few(self, labelled: int) -> None:
        self.doubts.append(
            f"{labelled:,} rows with a label are too few to learn from: nothing is estimated "
            f"with fewer than {LEAST_LABELLED}"
        )

    def no_times(self) -> None:
        self.notes.append(
            "Whether newer labels still follow the older is not checked: too few labelled rows "
            "have a time"
        )

    def calibration(self, change: CalibrationChange) -> None:
        seen = (
            f"{change.found:.1%} of the {change.rows:,.0f} newer labelled rows have label 1, "
            f"{change.expected:.1%} are expected from the older (p = {change.p_value:.2g})"
        )
        if change.broken:
            self.doubts.append(
                f"Scores no longer mean what they meant, concept drift: {seen}; "
                f"chances changed by {change.change:.0%} of that of the rarer label"
            )
        else:
            self.notes.append(f"Scores mean in newer labelled rows what they meant before: {seen}")

    def loss(self, name: str, expected: float, found: float, is_outside: bool) -> None:
        seen = f"{name} of the newer labelled rows is {found:.4g}, {expected:.4g} was expected"
        if is_outside and abs(found - expected) > LEAST_CHANGE * expected:
            self.doubts.append(f"Errors no longer depend on inputs as they did: {seen}")
        else:
            self.notes.append(f"Errors depend on inputs in newer labelled rows as before: {seen}")

    def outside(self, share: float) -> None:
        seen = f"{share:.1%} of predictions lie outside those of the labelled rows"
        (self.doubts if share > MOST_OUTSIDE else self.notes).append(
            f"{seen}: what is said of them is extrapolated" if share > MOST_OUTSIDE else seen
        )
