"""QR codes as pictures in the page: no file, no other site, and no style that the page's rules would refuse."""

import io

import segno
from markupsafe import Markup, escape

QUIET = 4
"""Free squares round the code, as readers need them (ISO/IEC 18004)."""


def qr_svg(text: str, label: str) -> Markup:
    """Draw a text as a QR code that stands a scratch (level M). label: what it is, for those who hear the page."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        border=QUIET,
        omitsize=True,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    drawn = out.getvalue().decode().replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
    return Markup(drawn)  # noqa: S704 - drawn by segno from squares; the label is escaped
