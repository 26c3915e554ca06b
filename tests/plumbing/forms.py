"""A page's forms as a browser without scripts reads them: what stands in their fields is what it would send."""

from html.parser import HTMLParser


class _Forms(HTMLParser):
    """Collects, for each form of a page, its address and what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select = self._textarea = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what a field holds."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
            self._inside = True
        if not self._inside:
            return
        fields, name = self.forms[-1][1], given.get("name", "")
        if tag == "input" and name and (given.get("type") not in {"checkbox", "radio"} or "checked" in given):
            fields[name] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in fields):
            fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Leave a field, or the form."""
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        """Take the text of a long field; its first line break is the page's own."""
        if self._textarea:
            self.forms[-1][1][self._textarea] += data.removeprefix("\n")


def form_at(page: str, action: str) -> dict[str, str]:
    """Read the form of a page that goes to an address.

    Raises: LookupError when the page has none.
    """
    reader = _Forms()
    reader.feed(page)
    for address, fields in reader.forms:
        if address == action:
            return fields
    raise LookupError(f"no form to {action}; there are {[address for address, _ in reader.forms]}")
