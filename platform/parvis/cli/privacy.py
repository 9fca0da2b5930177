"""`parvis privacy ...`: what the gateway would mask, without sending anything anywhere."""

import argparse
import json
import math
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from parvis.errors import PersonalDataRefused
from parvis.settings import Settings, load_settings
from parvis.vocabulary import HidingProfile

if TYPE_CHECKING:
    from parvis.privacy import Explanation, PrivacyEngine


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("privacy", help="find personal data as the gateway does")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    scan = commands.add_parser(
        "scan",
        help="JSON Lines in, findings and masked text out",
        description='Reads {"id", "text", "language"?} a line from standard input; writes {"id", '
        '"language", "entities": [{"start", "end", "label", "score", "source"}], "masked"} a line, '
        'in the same order. A faulty line gives {"id", "error"} and exit code 1 at the end.',
        epilog='example: echo \'{"id": 1, "text": "Ech sinn de Jang Muller."}\' '
        "| parvis privacy scan --language lb",
    )
    scan.add_argument(
        "--language",
        help="said of the rows that do not name theirs; every rule runs whatever it is, also for a "
        "code that nobody knows",
    )
    scan.add_argument("--jobs", type=_positive, default=1, help="processes (default: 1)")
    scan.set_defaults(run=run_scan)
    explain = commands.add_parser(
        "explain",
        help="say what is masked in a text and why",
        description="Shows what is masked: kind, place (code points), score, rule and reason, and "
        "what stays readable on purpose. Nothing is sent anywhere.",
        epilog='example: parvis privacy explain "D\'Madame Weber, gebuer den 4. Mäerz 1980"',
    )
    explain.add_argument("text", help="the text to look at; - reads it from standard input")
    explain.add_argument("--allow", action="append", default=[], metavar="WORD", help="keep this")
    explain.add_argument(
        "--profile",
        choices=[one for one in get_args(HidingProfile) if one != "default"],
        help="show what a model would get under this profile, too",
    )
    explain.add_argument("--json", action="store_true", help="one JSON object")
    explain.set_defaults(run=run_explain)


def run_scan(args: argparse.Namespace) -> int:
    """Scan standard input; exit code 1 when a line was faulty."""
    # loading Presidio takes seconds that the other commands need not wait
    from parvis.privacy.scan import scan  # noqa: PLC0415

    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    faulty = 0
    build = partial(_build, load_settings())
    for scanned in scan(sys.stdin.buffer, build, language=args.language, jobs=args.jobs):
        print(scanned.line, flush=True)
        faulty += scanned.is_faulty
    if faulty:
        print(f"parvis: faulty lines: {faulty}", file=sys.stderr)
    return 1 if faulty else 0


def run_explain(args: argparse.Namespace) -> int:
    """Print what is masked in one text, and why."""
    from parvis.privacy import explain  # noqa: PLC0415

    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    text = sys.stdin.read() if args.text == "-" else args.text
    engine = _build(load_settings())
    told = explain(engine, text, allow=args.allow)
    sent = _find_sent(engine, text, args.allow, args.profile) if args.profile else {}
    print(_as_json(text, told, sent) if args.json else _as_lines(text, told, sent))
    return 0


def _build(settings: Settings) -> "PrivacyEngine":
    """The engine as the gateway builds it, the site's own model and way of reading included."""
    from parvis.privacy import build_privacy  # noqa: PLC0415

    return build_privacy(
        settings.models_dir,
        detection=settings.privacy_detection,
        site_model=settings.privacy_model,
        # nobody waits in front of it: on a busy machine a long text is slow, not faulty
        time_limit_s=math.inf,
    )


def _find_sent(
    engine: "PrivacyEngine", text: str, allow: list[str], profile: str
) -> dict[str, str | None]:
    """What a model would get, under a tag of this call; null where the text would be refused."""
    from parvis.assistant.hiding import apply_profile  # noqa: PLC0415
    from parvis.tenancy.config import Hiding  # noqa: PLC0415

    masked = engine.mask([text], tag_key=os.urandom(32), allow=allow)
    try:
        hidden = apply_profile(Hiding.model_validate({"profile": profile}), masked)
    except PersonalDataRefused:
        return {"profile": profile, "sent": None}
    return {"profile": profile, "sent": hidden.texts[0]}


def _as_json(text: str, told: "Explanation", sent: dict[str, str | None]) -> str:
    found = [
        {
            "start": reason.entity.start,
            "end": reason.entity.end,
            "label": reason.entity.label,
            "score": round(reason.entity.score, 2),
            "source": reason.entity.source,
            "value": reason.value,
            "why": reason.why,
            "meaning": reason.meaning,
        }
        for reason in told.reasons
    ]
    kept = [{"start": a, "end": b, "value": text[a:b]} for a, b in told.readable]
    answer = {"masked": found, "readable": kept, **sent}
    return json.dumps(answer, ensure_ascii=False, indent=2)


def _as_lines(text: str, told: "Explanation", sent: dict[str, str | None]) -> str:
    lines = [
        f"masked    {reason.entity.label}  {reason.value!r}  "
        f"{reason.entity.start}-{reason.entity.end}  score {reason.entity.score:.2f}  "
        f"rule {reason.entity.source}: {reason.why}"
        for reason in told.reasons
    ]
    lines += [
        f"readable  {text[a:b]!r}  {a}-{b}  a law, amount, office or allowed word"
        for a, b in told.readable
    ]
    lines = lines or ["nothing is masked"]
    if sent:
        refused = "refused   nothing would be sent"
        lines.append(refused if sent["sent"] is None else f"sent      {sent['sent']}")
    return "\n".join(lines)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
