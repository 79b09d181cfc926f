"""The report of an evaluation as one HTML file; see ``write_report``."""

from mtl_perception.evaluation.report.page import write_report

__all__ = ["write_report"]
