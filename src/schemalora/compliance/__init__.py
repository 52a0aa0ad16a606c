"""Scoring: strict, over all rows; reports, comparisons of reports, and gates."""

from schemalora.compliance.calibration import Calibration
from schemalora.compliance.comparison import Comparison, Difference, compare
from schemalora.compliance.evaluation import evaluate, evaluate_files
from schemalora.compliance.failures import Failure, Fault
from schemalora.compliance.generation import Generation
from schemalora.compliance.leaves import Confusion, Nulls
from schemalora.compliance.markdown import comparison_table
from schemalora.compliance.rate import Rate
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.requirement import Judgement, Requirement, judge
from schemalora.compliance.robustness import Flips
from schemalora.compliance.routing import Routing, RoutingPlan, check_wishes, route
from schemalora.compliance.rows import RowOutcomes

__all__ = [
    "Calibration",
    "Comparison",
    "ComplianceReport",
    "Confusion",
    "Difference",
    "Failure",
    "Fault",
    "Flips",
    "Generation",
    "Judgement",
    "Nulls",
    "Rate",
    "Requirement",
    "Routing",
    "RoutingPlan",
    "RowOutcomes",
    "check_wishes",
    "compare",
    "comparison_table",
    "evaluate",
    "evaluate_files",
    "judge",
    "route",
]
