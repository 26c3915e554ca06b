"""A page for somebody without a mouse: from its first stop to its last, and from a mistake to its field."""

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

# All that a keyboard must reach, in the order of the page: a group of radios is one stop, what is folded away none.
# A stop is known by a property, which stays where htmx renews a part of the page around it.
STOPS = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const groups = new Set();
  return all.filter(each => {
    if (each.type === "hidden" || each.disabled || !each.checkVisibility({visibilityProperty: true})) return false;
    if (each.type !== "radio") return true;
    const name = each.form?.action + each.name;
    const chosen = document.querySelector(`input[name="${each.name}"]:checked`);
    if (groups.has(name) || (chosen && chosen !== each)) return false;
    groups.add(name);
    return true;
  }).map((each, number) => { each.stop = String(number); return each.outerHTML.slice(0, 120); });
}"""
# Where a reader is who has just opened the page.
BEGIN = "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); scrollTo(0, 0)"
PARTS_OF_A_DATE = 7  # day, month, year, hour, minute, half of the day, and the calendar
# What the one who holds the keyboard sees of the stop they are at: a ring, and the thing itself, with nothing over it.
SEEN = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const box = [...at.getClientRects()].find(each => each.width > 0 && each.height > 0) || at.getBoundingClientRect();
  const ring = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none" && style.boxShadow !== "none";
  const shown = (from, to, edge) => (Math.max(from, 0) + Math.min(to, edge)) / 2;
  const [x, y] = [shown(box.left, box.right, innerWidth), shown(box.top, box.bottom, innerHeight)];
  const middle = document.elementFromPoint(x, y);
  const open = middle !== null && (at.contains(middle) || middle.contains(at) || middle.htmlFor === at.id);
  return {stop: at.stop ?? at.tagName, ring, open, at: at.outerHTML.slice(0, 120)};
}"""


def walk(page: Page) -> list[str]:
    """Go through a page with the tabulator key, and tell what is not reached, not ringed or covered."""
    stops: list[str] = page.evaluate(STOPS)
    page.evaluate(BEGIN)
    wrong: list[str] = []
    for number, stop in enumerate(stops):
        page.keyboard.press("Tab")
        seen: dict[str, Any] = page.evaluate(SEEN)
        for _ in range(PARTS_OF_A_DATE):
            if seen["stop"] == str(number - 1):
                page.keyboard.press("Tab")
                seen = page.evaluate(SEEN)
        if seen["stop"] != str(number):
            return [*wrong, f"expected {stop}, at {seen['at']}"]
        wrong += [
            f"{fault}: {stop}" for fault, holds in (("no ring", seen["ring"]), ("covered", seen["open"])) if not holds
        ]
    return wrong


def lost(page: Page) -> Iterator[str]:
    """Tell what is not at hand after a mistake: the list of mistakes is, and its first link leads to the field."""
    if not page.evaluate("document.activeElement.matches('[data-errors]')"):
        yield "the list of mistakes has no focus"
        return
    page.keyboard.press("Tab")
    wanted = page.evaluate("document.activeElement.hash.slice(1)")
    page.keyboard.press("Enter")
    if page.evaluate("document.activeElement.id") != wanted:
        yield f"the link to {wanted!r} does not lead there"
        return
    field = page.locator(f"#{wanted}")
    described = (field.get_attribute("aria-describedby") or "").split()
    if field.get_attribute("aria-invalid") != "true" or f"{wanted}-error" not in described:
        yield f"{wanted} does not say that it is wrong"
    if any(page.locator(f"#{each}").count() != 1 for each in described):
        yield f"{wanted} is described by what is not there"
