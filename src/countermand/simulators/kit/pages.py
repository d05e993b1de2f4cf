"""Server-rendered staff screens: one Jinja environment per simulator."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse


class Pages:
    """Renders the templates of one folder; escapes everything and fails on an unknown name."""

    def __init__(self, folder: Path, **shared: object) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(shared)
        self.environment.filters["when"] = when

    def show(self, template: str, /, status_code: int = 200, **context: object) -> HTMLResponse:
        """Render `template` as an HTML answer."""
        return HTMLResponse(self.environment.get_template(template).render(context), status_code)


def when(moment: datetime | None) -> str:
    """Write a UTC time as staff read it, such as `23 Nov 2026 14:05`."""
    return moment.astimezone(UTC).strftime("%d %b %Y %H:%M") if moment else ""
