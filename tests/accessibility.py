"""What axe-core, a checker of the accessibility of web pages, finds in a page."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def accessibility_faults(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return each violation with the first element that has it; all `rules` count by default."""
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = Axe().run(page, options=options).response
    assert found["passes"]
    return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found["violations"]]
