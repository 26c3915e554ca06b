"""Makes the fonts, the icon sprite and the vendored script of this folder from the public packages they come from.

Run by hand, only when a package or the choice of letters and icons changes; the results are committed:
    python app/static/make.py FIRAGO_FOLDER PHOSPHOR_FOLDER HTMX_FOLDER
Each folder is the unpacked npm package of that name. Needs fonttools and brotli.
README.md in this folder lists what came out.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped]  # ships no types

HERE = Path(__file__).parent
# Kerning, standard ligatures, local forms and the figures the sheet asks for; the rest only adds weight.
FEATURES = ["kern", "liga", "ccmp", "locl", "tnum", "lnum"]
ARABIC_SHAPING = ["init", "medi", "fina", "rlig", "mark", "mkmk"]

# Letters in each file. The sheet's unicode-range is wider: what a file lacks comes from the reader's own fonts.
SCRIPTS = {
    "latin": "U+0020-017F,U+018F,U+0192,U+0218-021B,U+0259,U+2010-2026,U+2030,U+2039,U+203A,U+20AC,U+2116,U+2122,"
    "U+2190-2193,U+2212,U+2248,U+2260,U+2264,U+2265,U+25CF",
    "georgian": "U+10D0-10FF,U+20BE",
    # Arabic, Persian and their digits. Take the whole block when another language in this script joins.
    "arabic": "U+060C,U+061B,U+061F,U+0621-065F,U+0660-0671,U+067E,U+0686,U+0698,U+06A9,U+06AF,U+06BE,U+06C0-06CC,"
    "U+06D2-06D4,U+06F0-06F9,U+200C-200F",
}
WEIGHTS = (400, 600)
NAMES = "EnglishFrançaisქართულიالعربيةხმა"

# Our name for the shape, and the name Phosphor gives it where the two differ.
ICONS = {
    "account": "user",
    "add": "plus",
    "back": "arrow-left",
    "calendar": "calendar-blank",
    "check": "check",
    "clock": "clock",
    "code": "qr-code",
    "copy": "copy",
    "down": "arrow-down",
    "download": "download-simple",
    "edit": "pencil-simple",
    "file": "file-text",
    "forward": "arrow-right",
    "globe": "globe",
    "help": "question",
    "key": "key",
    "letter": "envelope-simple",
    "link": "link",
    "list": "list-numbers",
    "lock": "lock-simple",
    "menu": "list",
    "message": "chat-text",
    "people": "users-three",
    "phone": "phone",
    "print": "printer",
    "recount": "arrows-clockwise",
    "remove": "trash",
    "rule": "scales",
    "search": "magnifying-glass",
    "settings": "gear-six",
    "share": "share-network",
    "shield": "shield-check",
    "text": "text-aa",
    "up": "arrow-up",
    "upload": "upload-simple",
}

# Our own shapes, cut out so that whatever lies under them shows through.
DISC = "M12 1a11 11 0 1 0 0 22a11 11 0 1 0 0-22z"
RING = "M12 1a11 11 0 1 0 0 22a11 11 0 1 0 0-22zM12 4a8 8 0 1 1 0 16a8 8 0 1 1 0-16z"
OWN = {
    "finished": f'<path fill-rule="evenodd" d="{DISC}M10.5 17.3L5.6 12.4l1.9-1.9l3 3l6-6l1.9 1.9z"/>',
    "progress": f'<path fill-rule="evenodd" d="{RING}"/><path d="M12 3v18a9 9 0 0 0 0-18z"/>',
    "stuck": '<path fill-rule="evenodd" d="M12 0l12 12l-12 12l-12-12zM7 10.5v3h10v-3z"/>',
    "waiting": f'<path fill-rule="evenodd" d="{RING}"/>',
    "silent": '<circle cx="12" cy="12" r="9.5" fill="none" stroke="currentColor" stroke-width="3" '
    'stroke-dasharray="3 2.97"/><path d="M12 6v12a6 6 0 0 0 0-12z"/>',
    "error": f'<path fill-rule="evenodd" d="{DISC}M10.6 5.5l.4 8.5h2l.4-8.5z'
    'M12 15.6a1.5 1.5 0 1 0 0 3a1.5 1.5 0 1 0 0-3z"/>',
    "warning": f'<path fill-rule="evenodd" d="{DISC}M10.9 5.5v7.5h6v-2.2h-3.8V5.5z"/>',
    "info": f'<path fill-rule="evenodd" d="{DISC}M12 5a1.6 1.6 0 1 0 0 3.2a1.6 1.6 0 1 0 0-3.2z'
    'M9.5 9.8v2h1.3v5.2H9.5v2h5v-2h-1.3V9.8z"/>',
}


def make_font(source: Path, target: Path, features: list[str], **letters: object) -> None:
    """Write one WOFF2 file that holds only the letters asked for."""
    options = subset.Options(flavor="woff2", layout_features=features, hinting=False, desubroutinize=True)
    options.drop_tables += ["DSIG"]
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(**letters)
    subsetter.subset(font)
    subset.save_font(font, str(target), options)


def make_fonts(firago: Path) -> None:
    """Write the subsets of look.md 3.2 and the licence beside them."""
    for weight in WEIGHTS:
        source = firago / "files" / f"firago-latin-{weight}-normal.woff2"
        for script, ranges in SCRIPTS.items():
            features = FEATURES + ARABIC_SHAPING * (script == "arabic")
            target = HERE / f"fonts/firago-{script}-{weight}.woff2"
            make_font(source, target, features, unicodes=subset.parse_unicodes(ranges))
    names = HERE / "fonts/firago-names-400.woff2"
    make_font(firago / "files/firago-latin-400-normal.woff2", names, FEATURES + ARABIC_SHAPING, text=NAMES)
    shutil.copy(firago / "LICENSE", HERE / "fonts/OFL.txt")


def make_sprite(phosphor: Path) -> None:
    """Write icons.svg: Phosphor's shapes under our names, then our own statuses and messages."""
    lines = [
        "<!-- Phosphor Icons 2.1.1, MIT, (c) 2023 Phosphor Icons: icons.LICENSE. From #finished on: Khma, EUPL-1.2. -->"
    ]
    lines.append('<svg xmlns="http://www.w3.org/2000/svg" fill="currentColor">')
    for name, theirs in sorted(ICONS.items()):
        drawing = (phosphor / f"assets/regular/{theirs}.svg").read_text()
        inner = re.sub(r"^<svg[^>]*>|</svg>\s*$", "", drawing)
        lines.append(f'<symbol id="{name}" viewBox="0 0 256 256">{inner}</symbol>')
    lines += [f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>' for name, inner in OWN.items()]
    (HERE / "icons.svg").write_text("\n".join([*lines, "</svg>", ""]))
    shutil.copy(phosphor / "LICENSE", HERE / "icons.LICENSE")


def make_script(htmx: Path) -> None:
    """Copy htmx as published, with its licence, and print the hash that README.md records."""
    script = (htmx / "dist/htmx.min.js").read_bytes()
    (HERE / "htmx.min.js").write_bytes(script)
    shutil.copy(htmx / "LICENSE", HERE / "htmx.LICENSE")
    sys.stdout.write(f"htmx.min.js sha512 {hashlib.sha512(script).hexdigest()}\n")


if __name__ == "__main__":
    firago_folder, phosphor_folder, htmx_folder = map(Path, sys.argv[1:])
    make_fonts(firago_folder)
    make_sprite(phosphor_folder)
    make_script(htmx_folder)
