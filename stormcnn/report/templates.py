"""Open the templates of pages that are one file and need no network.

Everything that a template inserts is escaped, and the content security policy of the pages forbids
all requests.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup


def open_template(path: Path) -> jinja2.Template:
    """Return a template with the style sheet, the script, and their hashes for the policy.

    `report.css` and `report.js` are in the same folder.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("css", "js"):
        text = (path.parent / f"report.{name}").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        # These files belong to the project, so they need no escaping.
        environment.globals.update({name: Markup(text), f"{name}_hash": digest})  # noqa: S704
    return environment.get_template(path.name)
