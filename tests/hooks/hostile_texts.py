"""More than two hundred texts that do harm where they are not data: written to a terminal, a page, a file name.

Imported by the suites of the tests too, so it needs nothing but the standard library.
"""

from __future__ import annotations

_CONTROLS = [chr(code) for code in (*range(32), *range(127, 160))]
_UNSEEN = [*map(chr, (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF))]
_UNSEEN += [*map(chr, (0xFFF9, 0xFFFB, 0xFFFE, 0xFFFF, 0xD800, 0xDBFF, 0xDC80, 0xDFFF, 0x1FFFE, 0x10FFFF, 0xE0001))]
_TERMINAL = [f"\x1b{rest}" for rest in ("[2J", "[31mred", "]0;title\x07", "]8;;http://x\x1b\\link", "c", "P+q\x1b\\")]
_TERMINAL += [f"\x9b{rest}" for rest in ("2J", "6n")] + ["a\rb", "a\bb", "\x1b[1A\x1b[2K", "\x1b]52;c;eA==\x07"]
_MARKUP = ["]]>", "<![CDATA[", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&amp;", "&#0;"]
_MARKUP += ["<!--", "-->", "</failure>", "<?xml?>", '" onload="x', "' or 1=1 --", "'; DROP TABLE units; --", "{{7*7}}"]
_MARKUP += ["${jndi:ldap://x}", "%s%n%x", "{0.__class__}", "%(x)s", "$(id)", "`id`", "| id", "; id", "&& id", "> x"]
_COMMANDS = ["::error::x", "::set-output name=a::b", "##vso[task.complete]", "##teamcity[x]", "=cmd|' /C calc'!A0"]
_COMMANDS += ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "--upload-pack=x", "-rf", "ext::sh -c id", "file:///etc/passwd"]
_PATHS = ["../x", "../../../../etc/passwd", "/etc/passwd", "a/../../b", ".", "..", "~", "~root", "C:\\x", "\\\\h\\s"]
_PATHS += ["con", "nul.txt", "a/b", "a//b", "a\\b", ".hidden", "x.", "x ", " x", "*", "?", "[a]", "a:b", "%2e%2e%2f"]
_LONG = ["x" * 300, "ä" * 300, "🎉" * 300, "../" * 100, "e" + "\u0301" * 500, "x" * 100_000, "a\n" * 500]
_WORDS = ["", " ", "null", "None", "NaN", "Infinity", "-0", "1e999", "0x1", "true", "undefined", "[]", "{}", "::"]
_WORDS += [
    "🎉",
    "👩\u200d👩\u200d👧",
    "ﬀ",
    "İ",
    "ß",
    "שלום",
    "مرحبا",
    "\u202etxt.exe",
    "a\u2028b",
    "日本語",
    "é",
    "e\u0301",
]

HOSTILE_TEXTS = [
    *(f"a{letter}b" for letter in (*_CONTROLS, *_UNSEEN)),
    *_TERMINAL,
    *_MARKUP,
    *_COMMANDS,
    *_PATHS,
    *_LONG,
    *_WORDS,
]
"""In the order of what they are aimed at."""
