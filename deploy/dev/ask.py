"""`python -m deploy.dev.ask QUESTION`: ask the running demo as a citizen's chatbot does.

Prints the receipt of the answer; the answer itself goes to standard error.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.dev import walk
from deploy.dev.conversation import NoAnswer, ask, fetch_token


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 with the receipt, 1 when there was no answer."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.ask", description=__doc__)
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument("--assistant", metavar="ID", default=walk.ASSISTANT)
    options = parser.parse_args(arguments)
    told = Path(os.environ.get("PARVIS_DATA_DIR") or ".parvis") / "demo.json"
    try:
        demo = json.loads(told.read_text("utf-8"))
        agency = next(one for one in demo["agencies"] if options.assistant in one["assistants"])
        token = fetch_token(agency["issuer"], agency["chatbot"])
        turn = ask(demo["gateway"], token, options.assistant, options.question)
    except OSError:
        print("no demo runs in PARVIS_DATA_DIR: start one with `make demo`", file=sys.stderr)
        return 1
    except StopIteration:
        print(f"the demo has no assistant {options.assistant!r}", file=sys.stderr)
        return 1
    except NoAnswer as error:
        print(error, file=sys.stderr)
        return 1
    print(turn.answer, file=sys.stderr)
    print(turn.receipt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
