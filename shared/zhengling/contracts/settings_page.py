"""Generates docs/architecture/settings.md: every setting with its values and default, and what production refuses."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from zhengling.service.fitness import IN_PRODUCTION
from zhengling.service.settings import MigrationSettings, ProcessSettings, ServiceSettings, accepted_values

_HEAD = """\
# Settings

Generated from `service/settings.py` and `service/fitness.py` by `zhengling settings page`; a test compares it.

Settings are environment variables; an empty one counts as unset. A process that is given unfit settings ends with exit code 2 and
lists everything that is wrong, by variable and without any value. `zhengling settings check SERVICE --process api|worker|migrate`
lists the same beforehand (exit code 1; `--json`). What the profiles are for, and why: [operations.md](operations.md).
"""
_SECTIONS = {
    "Every process": ("profile", "accepted_risks", "log_level"),
    "Database": ("database_url", "migration_database_url"),
    "Serving": (
        "host",
        "port",
        "metrics_host",
        "metrics_port",
        "api_docs",
        "otlp_traces_endpoint",
        "trace_share",
        "public_url",
        "max_",
        "patience",
    ),
    "Quotas": ("person_", "government_", "link_", "unknown_"),
    "Rules, and who is believed": ("instance", "rulebooks", "auth_"),
    "Kafka, and what is asked of other services": ("kafka_", "consumer_patience", "gap_patience", "report_interval"),
    "Files": ("file_",),
    "Anchors of the audit chains": ("audit_",),
    "Refused in production": ("allow_test_clock", "crash_point", "sslkeylogfile", "pythonasynciodebug"),
}


def page() -> str:
    """The whole page. ValueError for a setting without a section."""
    left = {
        name: field
        for kind in (ProcessSettings, MigrationSettings, ServiceSettings)
        for name, field in kind.model_fields.items()
    }
    parts = [_HEAD]
    for title, prefixes in _SECTIONS.items():
        names = sorted((name for name in left if name.startswith(prefixes)), key=lambda name: _place(name, prefixes))
        if names:
            rows = "".join(_row(name, left.pop(name)) for name in names)
            parts.append(f"## {title}\n\n| variable | values | default | |\n|---|---|---|---|\n{rows}")
    if left:
        raise ValueError(f"settings without a section: {', '.join(left)}")
    return "\n".join([*parts, _production()])


def _place(name: str, prefixes: Iterable[str]) -> int:
    return next(index for index, prefix in enumerate(prefixes) if name.startswith(prefix))


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{name.upper()}` | {_cell(accepted_values(field))} | {_default(field)} | {_cell(field.description or '')} |\n"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if value is None or value == "":
        return "unset"
    assert not isinstance(value, SecretStr)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _production() -> str:
    text = (
        "## What production refuses\n\nA risk can be accepted by its name in `ACCEPTED_RISKS`; what has none can't.\n\n"
    )
    text += "| variable | refused where it | instead | risk |\n|---|---|---|---|\n"
    for rule in IN_PRODUCTION:
        risk = f"`{rule.risk}`" if rule.risk else ""
        text += f"| `{rule.setting.upper()}` | {_cell(rule.problem)} | {_cell(rule.remedy)} | {risk} |\n"
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
