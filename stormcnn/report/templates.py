"""Open the templates of pages that are one file and need no network.

Everything that a template inserts is escaped, and the content security policy of the pages forbids
all requests.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence


def open_template(
    path: Path, scripts: Sequence[str], styles: Sequence[str] = ("report.css",)
) -> jinja2.Template:
    """Return a template with its style sheets and scripts, and their hashes for the policy.

    All of them are in the same folder.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for kind, names in (("css", styles), ("js", scripts)):
        text = "\n".join((path.parent / name).read_text(encoding="utf-8") for name in names)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        # These files belong to the project, so they need no escaping.
        environment.globals.update({kind: Markup(text), f"{kind}_hash": digest})  # noqa: S704
    return environment.get_template(path.name)
