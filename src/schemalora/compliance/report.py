"""The compliance report: every number of one arm, as one value that is written and read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from schemalora.compliance.calibration import Calibration
from schemalora.compliance.failures import Failure
from schemalora.compliance.generation import Generation
from schemalora.compliance.leaves import Confusion, Nulls
from schemalora.compliance.naming import require_name
from schemalora.compliance.rate import Rate
from schemalora.compliance.robustness import Flips
from schemalora.compliance.rows import RowOutcomes
from schemalora.errors import UsageError
from schemalora.jsonl import atomic_write, read_json, write_json
from schemalora.jsonvalue import JsonValue

FORMAT_VERSION: Final = 1
FieldComparison: TypeAlias = Literal["exact", "ordered", "unordered", "ignored"]
_Object: TypeAlias = "dict[str, JsonValue]"


@dataclass(frozen=True)
class ComplianceReport:
    """How one arm did on n rows. Every rate is over all n rows, always."""

    contract_name: str
    contract_fingerprint: str
    n: int
    metrics: Mapping[str, Rate]
    """`valid_json` ⊇ `schema_compliant` ⊇ `exact_match`; `key_order`: compliant, with its keys in
    the contract's order."""
    fields: Mapping[str, Rate]
    """Leaf path → how many rows have the right value there; no valid JSON is wrong everywhere."""
    comparisons: Mapping[str, FieldComparison]
    """Leaf path → how its values are compared. `ignored`: exact match does not look at it, and its
    own rate is of verbatim equality."""
    violations: Mapping[str, Mapping[str, int]]
    """Kind → path → rows."""
    causes: Mapping[str, int]
    """Why completions were not JSON → rows."""
    slices: Mapping[str, Mapping[str, Mapping[str, Rate]]]
    """Dimension (`perturbation`, `group`, `length`, a column) → value → metric → rate."""
    robustness: Mapping[str, Mapping[str, Flips]]
    """Perturbation → metric or leaf path → flips between clean and perturbed texts."""
    lenient: Mapping[str, Rate]
    """What the metrics would have been, had fences and prose around the JSON been cut away."""
    confusion: Mapping[str, Confusion]
    nulls: Mapping[str, Nulls]
    failures_total: int
    failures: tuple[Failure, ...]
    """A reproducible sample of the rows that are no exact match."""
    rows_fingerprint: str
    """Tells the set of (id, text, target); two reports are compared only where it is the same."""
    rows: RowOutcomes | None
    """Every row's outcome; None where there were more than `keep_rows`."""
    calibration: Mapping[str, Calibration] = field(default_factory=dict[str, Calibration])
    """Leaf path → how far its confidences can be believed; only where predictions carry them."""
    missing_predictions: int = 0
    generation: Generation = field(default_factory=Generation)
    notes: tuple[str, ...] = ()
    """What a reader must know before trusting the numbers."""

    def rate(self, name: str) -> Rate:
        """The rate of a metric or of a leaf path.

        Raises:
            UsageError: there is no such metric or field; the message names the nearest one.
        """
        require_name(name, [*self.metrics, *self.fields], place="the report")
        return self.metrics[name] if name in self.metrics else self.fields[name]

    def metric_values(self, prefix: str = "eval/") -> dict[str, float]:
        """Flat names and rates, such as `eval/schema_compliant`, for loggers."""
        return {
            f"{prefix}{name}": rate.rate for name, rate in {**self.metrics, **self.fields}.items()
        }

    def table(self) -> list[_Object]:
        """A long table, one row a rate, ready for `pandas.DataFrame(report.table())`.

        Columns: `part` (metrics, fields, lenient or slices), `dimension`, `value`, `name`,
        `count`, `n`, `rate`, `low`, `high`.
        """
        return list(self._table_rows())

    def to_markdown(self) -> str:
        """The report as Markdown, for a terminal or a pull request."""
        from schemalora.compliance.markdown import report_markdown

        return report_markdown(self)

    def save_markdown(self, path: str | Path) -> None:
        """Writes the Markdown report, atomically."""
        with atomic_write(path) as file:
            file.write(self.to_markdown())

    def save(self, path: str | Path) -> None:
        """Writes `report.json`, atomically."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> ComplianceReport:
        """Reads `report.json`.

        Raises:
            UsageError: no such file, no report, or one of a newer format.
        """
        row = read_json(path)
        version = row.get("format_version")
        if version != FORMAT_VERSION:
            raise UsageError(
                f"{path}: not a compliance report of format {FORMAT_VERSION} (it says {version!r})"
            )
        try:
            return cls.from_dict(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{path}: not a compliance report ({error!r})") from error

    def to_dict(self) -> _Object:
        """The content of `report.json`; `from_dict` gives the same report back."""
        return {
            "format_version": FORMAT_VERSION,
            "contract": {"name": self.contract_name, "fingerprint": self.contract_fingerprint},
            "n": self.n,
            "metrics": _rates(self.metrics),
            "fields": {
                path: {**rate.to_dict(), "comparison": self.comparisons[path]}
                for path, rate in self.fields.items()
            },
            "violations": {kind: dict(paths) for kind, paths in self.violations.items()},
            "not_json_causes": dict(self.causes),
            "slices": {
                dimension: {value: _rates(metrics) for value, metrics in values.items()}
                for dimension, values in self.slices.items()
            },
            "robustness": {
                name: {column: flips.to_dict() for column, flips in columns.items()}
                for name, columns in self.robustness.items()
            },
            "lenient": _rates(self.lenient),
            "confusion": {path: one.to_dict() for path, one in self.confusion.items()},
            "nulls": {path: one.to_dict() for path, one in self.nulls.items()},
            "calibration": {path: one.to_dict() for path, one in self.calibration.items()},
            "missing_predictions": self.missing_predictions,
            "generation": self.generation.to_dict(),
            "notes": list(self.notes),
            "rows_fingerprint": self.rows_fingerprint,
            "rows": None if self.rows is None else self.rows.to_dict(),
            "failures": {
                "total": self.failures_total,
                "rows": [failure.to_dict() for failure in self.failures],
            },
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> ComplianceReport:
        """Reads what `to_dict` wrote."""
        contract = cast("dict[str, str]", row["contract"])
        fields = cast("dict[str, _Object]", row["fields"])
        slices = cast("dict[str, dict[str, _Object]]", row["slices"])
        robustness = cast("dict[str, dict[str, _Object]]", row["robustness"])
        failures = cast("dict[str, JsonValue]", row["failures"])
        rows = cast("_Object | None", row["rows"])
        return cls(
            contract_name=contract["name"],
            contract_fingerprint=contract["fingerprint"],
            n=cast(int, row["n"]),
            metrics=_read_rates(row["metrics"]),
            fields=_read_rates(row["fields"]),
            comparisons={
                path: cast("FieldComparison", one["comparison"]) for path, one in fields.items()
            },
            violations=cast("dict[str, dict[str, int]]", row["violations"]),
            causes=cast("dict[str, int]", row["not_json_causes"]),
            slices={
                dimension: {value: _read_rates(metrics) for value, metrics in values.items()}
                for dimension, values in slices.items()
            },
            robustness={
                name: {column: Flips.from_dict(flips) for column, flips in columns.items()}
                for name, columns in robustness.items()
            },
            lenient=_read_rates(row["lenient"]),
            confusion={
                path: Confusion.from_dict(one)
                for path, one in cast("dict[str, _Object]", row["confusion"]).items()
            },
            nulls={
                path: Nulls.from_dict(one)
                for path, one in cast("dict[str, _Object]", row["nulls"]).items()
            },
            failures_total=cast(int, failures["total"]),
            failures=tuple(map(Failure.from_dict, cast("list[_Object]", failures["rows"]))),
            rows_fingerprint=cast(str, row["rows_fingerprint"]),
            rows=None if rows is None else RowOutcomes.from_dict(rows),
            # Reports that were written before there were confidences have none.
            calibration={
                path: Calibration.from_dict(one)
                for path, one in cast("dict[str, _Object]", row.get("calibration", {})).items()
            },
            missing_predictions=cast(int, row["missing_predictions"]),
            generation=Generation.from_dict(cast("_Object", row["generation"])),
            notes=tuple(cast("list[str]", row["notes"])),
        )

    def _table_rows(self) -> Iterator[_Object]:
        for part, rates in (
            ("metrics", self.metrics),
            ("fields", self.fields),
            ("lenient", self.lenient),
        ):
            yield from (_table_row(part, name, rate) for name, rate in rates.items())
        for dimension, values in self.slices.items():
            for value, rates in values.items():
                for name, rate in rates.items():
                    yield _table_row("slices", name, rate, dimension, value)


def _rates(rates: Mapping[str, Rate]) -> _Object:
    return {name: rate.to_dict() for name, rate in rates.items()}


def _read_rates(value: JsonValue) -> dict[str, Rate]:
    rows = cast("dict[str, _Object]", value)
    return {name: Rate.from_dict(row) for name, row in rows.items()}


def _table_row(
    part: str, name: str, rate: Rate, dimension: str | None = None, value: str | None = None
) -> _Object:
    low, high = rate.ci95
    return {
        "part": part,
        "dimension": dimension,
        "value": value,
        "name": name,
        "count": rate.count,
        "n": rate.n,
        "rate": rate.rate,
        "low": low,
        "high": high,
    }
