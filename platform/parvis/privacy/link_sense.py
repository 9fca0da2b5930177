"""Knows, while a model's answer goes by, whether the next character lies inside an address.

An address is anything a click or a loading image would send somewhere: a URL, the target of a
Markdown link or image, `mailto:`, an autolink, an HTML tag. A value restored there would be
carried away; the one exception is an e-mail address alone in angles (`unmasking`). When in doubt
the answer is yes: a placeholder that stays is a blemish, not a leak.
"""

import re

_TAIL = 200
_SCHEMES = (
    "mailto|tel|sms|callto|skype|data|javascript|vbscript|file|ftp|ftps|sftp|geo|xmpp|sips?|"
    "whatsapp|tg|intent|blob|cid|urn|news|magnet|matrix|facetime|fax|view-source|feed|webcal|"
    "market|im|ircs?|ldaps?|ssh|git|maps|bitcoin|https?|wss?"
)
_ADDRESS_BEFORE = re.compile(
    rf"://|(?:^|\W)www\.|(?:^|\W)(?:{_SCHEMES}):|@|(?:^|[^\w<])/{{1,2}}\w|[?&][\w.\-]+="
    r"|[\w\-]\.[a-z]{2,24}(?::\d+)?[/?#]",
    re.IGNORECASE,
)
_ADDRESS_AFTER = re.compile(
    r"[\w.+%\-\[\]]*@[\w\[\-]|:?//\w|:?//\[|[\w\-]*\.[\w\-]+[/:?#]\S|[\w\-]*(?:\.[\w\-]+){2,}|/?\?\w+=",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]*\]:")
_SURE_AFTER = frozenset(",;!()]}\"'*«»“”„‘’<>|…\u00a0\u202f")
LOOK_AHEAD = 80


class LinkSense:
    """State after everything shown so far; `inside` says whether an address is being written."""

    def __init__(self) -> None:
        self._run = ""
        self._run_is_address = False
        self._line = ""
        self._target_depth = 0
        self._in_tag = False
        self._quote = ""
        self._last = ""

    @property
    def inside(self) -> bool:
        """Whether a value put here would stand inside an address."""
        if self._target_depth or self._in_tag or self._last == "<":
            return True
        if self._run_is_address or _ADDRESS_BEFORE.search(self._run):
            return True
        return _REFERENCE.match(self._line) is not None

    @property
    def in_angles(self) -> bool:
        """Whether nothing but a `<` after a space or at the start of a line was written, outside
        every other address."""
        is_free = not self._target_depth and not self._in_tag and self._run == "<"
        return is_free and _REFERENCE.match(self._line) is None

    def write(self, text: str) -> None:
        """Take note of text as it is shown."""
        for char in text:
            self._step(char)

    def write_value(self, value: str) -> None:
        """Take note of a restored value: it stands outside every address and opens none."""
        self._run, self._run_is_address = "v", False
        self._last = "v"
        for char in value:
            self._follow_line(char)

    def restart(self) -> None:
        """Forget all: another string begins (used between the strings of a JSON text)."""
        self.__init__()  # type: ignore[misc]

    def _step(self, char: str) -> None:
        if self._in_tag:
            self._follow_tag(char)
        elif self._target_depth:
            self._follow_target(char)
        elif char == "(" and self._last == "]":
            self._target_depth = 1
        elif self._last == "<" and (char.isalpha() or char in "/!?"):
            self._in_tag = True
        self._follow_run(char)
        self._follow_line(char)
        self._last = char

    def _follow_tag(self, char: str) -> None:
        if self._quote:
            self._quote = "" if char == self._quote else self._quote
        elif char in "\"'" and self._last in "= ":
            self._quote = char
        elif char == ">" or (char == "\n" and self._last == "\n"):
            self._in_tag = False

    def _follow_target(self, char: str) -> None:
        if char == "\n" and self._last == "\n":
            self._target_depth = 0
        elif char in "()" and self._last != "\\":
            self._target_depth += 1 if char == "(" else -1

    def _follow_run(self, char: str) -> None:
        if char.isspace():
            self._run, self._run_is_address = "", False
            return
        self._run += char
        if len(self._run) > 2 * _TAIL:
            self._run_is_address |= _ADDRESS_BEFORE.search(self._run) is not None
            self._run = self._run[-_TAIL:]

    def _follow_line(self, char: str) -> None:
        if char == "\n":
            self._line = ""
        elif len(self._line) < _TAIL:
            self._line += char


def is_address_after(text: str, *, final: bool) -> bool | None:
    """Whether what follows a placeholder makes an address of it; None: more must be read first."""
    if not text:
        return False if final else None
    if text[0].isspace() or text[0] in _SURE_AFTER:
        return False
    run = text.split(None, 1)[0][:LOOK_AHEAD]
    if len(run) == len(text) and len(run) < LOOK_AHEAD and not final:
        return None
    return _ADDRESS_AFTER.match(run) is not None
