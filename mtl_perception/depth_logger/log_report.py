"""What the logger says of itself: figures, and complaints in words that tell what to do."""

from __future__ import annotations

from collections import Counter, deque

from mtl_perception.depth_logger.log_statistics import LogSummary
from mtl_perception.depth_logger.pairing import PairingCounts
from mtl_perception.depth_logger.run_writer import FolderState

_LONG_WAY = 200_000_000
"""Nanoseconds beyond which the difference of arrival is more than the work on an image takes."""
_NOT_GOOD_ENOUGH = ("blurred", "badly exposed", "little depth")


class LogReport:
    """Remembers the last few reports, to tell what went on between them.

    Args:
        length: reports over which it is judged that nothing works.
        tolerance, patience: of the pairing, ns.
    """

    def __init__(self, length: int, tolerance: int, patience: int) -> None:
        self._tolerance = tolerance
        self._patience = patience
        self._past: deque[tuple[Counter[str], Counter[str], int]] = deque(maxlen=length)

    def figures(
        self,
        summary: LogSummary,
        folder: FolderState,
        waiting: int,
        counts: PairingCounts,
        clock_difference: int | None,
    ) -> dict[str, str]:
        """Every figure as a key and a value."""
        figures = {
            "run": folder.run,
            "folder holds [GB]": f"{folder.used:.3f}",
            "disk has free [GB]": f"{folder.free:.3f}",
            "pairs [Hz]": f"{summary.pair_rate:.2f}",
            "written [Hz]": f"{summary.write_rate:.2f}",
            "colour received": str(counts.colour),
            "depth received": str(counts.depth),
            "colour without depth": str(counts.colour_alone),
            "depth without colour": str(counts.depth_alone),
            "colour stamped after depth [ms]": "" if clock_difference is None else f"{clock_difference / 1e6:.1f}",
            "pairs": str(summary.pairs),
            "frames kept": str(sum(summary.kept.values())),
            "frames written": str(summary.written),
            "frames with a pose": str(summary.posed),
            "frames lost": str(sum(summary.lost.values())),
            "frames given up": str(folder.given_up),
            "waiting": str(waiting),
        }
        for label, reasons in (("kept", summary.kept), ("not kept", summary.not_kept), ("lost", summary.lost)):
            figures.update({f"{label}: {reason}": str(count) for reason, count in sorted(reasons.items())})
        return figures

    def complaints(self, summary: LogSummary, counts: PairingCounts, clock_difference: int | None) -> list[str]:
        """What is wrong as of now; to be asked once for each report."""
        came = Counter(colour=counts.colour, depth=counts.depth, pairs=counts.pairs)
        judged = Counter(summary.not_kept) + Counter(kept=sum(summary.kept.values()))
        past_came, past_judged, past_stamp = self._past[0] if self._past else (came, judged, 0)
        is_full = len(self._past) == self._past.maxlen
        self._past.append((came, judged, counts.colour_stamp))
        complaints = [summary.trouble] if summary.trouble else []
        if not is_full:
            return complaints
        came, judged = came - past_came, judged - past_judged
        if came["colour"] and counts.colour_stamp == past_stamp:
            return [
                *complaints,
                "colour comes, but its stamps stand still: the camera's driver has to stamp its images",
            ]
        if came["colour"] and came["depth"] and not came["pairs"]:
            complaints.append(self._why_no_pairs(clock_difference))
        elif came["pairs"] and clock_difference is not None and abs(clock_difference) > _LONG_WAY:
            complaints.append(_apart(clock_difference) + ": one of them comes late, or the clocks differ")
        del judged["too soon"]
        if judged and all(reason in _NOT_GOOD_ENOUGH for reason in judged):
            why = ", ".join(f"{reason} ({count})" for reason, count in judged.most_common())
            complaints.append(f"no frame is good enough to be kept: {why}")
        return complaints

    def _why_no_pairs(self, clock_difference: int | None) -> str:
        text = "colour and depth come, but never within sync_tolerance of each other"
        if clock_difference is None or abs(clock_difference) <= self._tolerance:
            return f"{text} ({self._tolerance / 1e9:g} s): raise it, or see whether they come from one camera"
        text = f"{text}: {_apart(clock_difference)}"
        if abs(clock_difference) > self._patience:
            return f"{text}; synchronise the clocks of the two (chrony, PTP), or have one driver stamp both"
        return f"{text}; synchronise their clocks, or raise sync_tolerance if they move slowly"


def _apart(clock_difference: int) -> str:
    word = "after" if clock_difference > 0 else "before"
    return f"colour is stamped {abs(clock_difference) / 1e9:.2f} s {word} depth that comes with it"
