"""`make demo` and `make demo-check`: every real part on loopback, one conversation, an address.

Order: files, ports, Keycloak beside model server and tap, agencies, sources, gateway, walk.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from deploy.dev import fetch, keycloak, model_server, places, tap, witness
from deploy.dev.conversation import NoAnswer
from deploy.dev.installation import (
    Installation,
    NotAllowed,
    plan_installation,
    write_installation,
    write_private,
)
from deploy.dev.provision import provision
from deploy.dev.supervisor import (
    Part,
    PartFailed,
    PortsBusy,
    StopRequested,
    Supervisor,
    check_ports,
    stop_signals,
)
from deploy.dev.walk import WalkFailed, run_tool, walk
from parvis.settings import Settings, load_settings

_REFUSALS = (NotAllowed, PartFailed, PortsBusy, WalkFailed, NoAnswer, places.PartMissing)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when the walk went well and it was told to stop, 1 with the step that failed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="walk, then stop")
    options = parser.parse_args(arguments)
    with stop_signals():
        try:
            run(check=options.check)
        except StopRequested as signal_name:
            print(f"\n[demo] stopped ({signal_name})", flush=True)
        except _REFUSALS as error:
            print(f"\n[demo] FAILED: {error}", file=sys.stderr, flush=True)
            return 1
    return 0


def run(*, check: bool) -> None:
    """Start everything, walk, and stay until told to stop (StopRequested) unless `check`.

    Raises one of the refusals above; by then every part is stopped.
    """
    started = time.monotonic()
    plan = plan_installation(os.environ)
    told = plan.data_dir / "demo.json"
    with Supervisor(plan.data_dir) as supervisor:
        told.unlink(missing_ok=True)
        check_ports(plan.listed_ports)
        fetch.fetch("demo")
        try:
            demo = start_parts(plan, supervisor)
            write_private(told, json.dumps(demo, indent=2))
            places.say("demo", f"everything answers after {time.monotonic() - started:.1f} s")
            if check:
                walk(demo, plan.tap_url, plan.data_dir)
                supervisor.check()
                print("\n[demo] the check passed", flush=True)
                return
            _walk_and_stay(demo, plan, supervisor)
        finally:
            told.unlink(missing_ok=True)


def _walk_and_stay(demo: Mapping[str, Any], plan: Installation, supervisor: Supervisor) -> None:
    try:
        walk(demo, plan.tap_url, plan.data_dir)
    except WalkFailed as error:
        # it stays up all the same: a person wants to look
        print(f"\n[demo] the walk FAILED: {error}", file=sys.stderr, flush=True)
    _show_addresses(demo, plan)
    with _telling_the_witness(plan):
        supervisor.watch()


def start_parts(plan: Installation, supervisor: Supervisor) -> dict[str, Any]:
    """Start all parts, in the order that they need each other; what `demo.json` says.

    Raises one of the refusals.
    """
    settings = write_installation(plan, os.environ)
    with keycloak.first_build():
        own = keycloak.build_part(plan.data_dir, plan.keycloak_port) if plan.keycloak_port else None
        if own:
            supervisor.launch(own)  # it takes longest: the others start meanwhile
        if plan.model_port:
            supervisor.start(model_server.build_part(plan.model_port, plan.model_key_file))
        supervisor.start(tap.build_part(plan.tap_port, plan.model_url))
        vouching = _launch_witness(plan, supervisor)
        _prepare(plan)
        gateway = _gateway_part(plan)
        supervisor.launch(gateway)  # asked only when Keycloak knows the agencies
        if own:
            supervisor.await_ready(own)
    agencies = provision(plan, settings)
    supervisor.await_ready(gateway)
    if vouching:
        supervisor.await_ready(vouching)
    return {
        "gateway": plan.gateway_url,
        "keycloak": plan.keycloak_url,
        "model_server": plan.model_url,
        "agencies": agencies,
        "witness": _describe_witness(plan, settings) if vouching else None,
        "metrics": f"http://{settings.metrics_listen}/metrics",
    }


def _launch_witness(plan: Installation, supervisor: Supervisor) -> Part | None:
    if plan.witness_port is None:
        return None
    part = witness.build_part(plan.witness_dir, plan.witness_port)
    supervisor.launch(part)
    return part


def _telling_the_witness(plan: Installation) -> AbstractContextManager[None]:
    if plan.witness_port is None:
        return nullcontext()
    settings = load_settings({"PARVIS_DATA_DIR": str(plan.data_dir)})
    return witness.introducing(plan.witness_dir, settings)


def _describe_witness(plan: Installation, settings: Settings) -> dict[str, Any]:
    policy = witness.introduce(plan.witness_dir, settings)
    return {
        "organisation": witness.ORGANISATION,
        "vkey": witness.ensure_witness(plan.witness_dir),
        "url": f"http://127.0.0.1:{plan.witness_port}",
        "policy": str(policy),
        "honest": witness.HONEST,
    }


def _prepare(plan: Installation) -> None:
    try:
        with places.progress("database", "migrations, the agencies' sources", places.elapsed(6)):
            run_tool(["-m", "deploy.dev.prepare"], plan.data_dir)
    except NoAnswer as error:
        raise NotAllowed(f"the database could not be prepared: {error}") from error


def _gateway_part(plan: Installation) -> Part:
    return Part(
        name="gateway",
        command=[sys.executable, "-m", "parvis", "serve"],
        ready=lambda: keycloak.answers(f"http://{plan.listen}/readyz"),
        usual_s=8,
        limit_s=120,
        stop_s=45,  # longer than its own drain
        environment=places.environment_for(plan.data_dir),
        bare=True,
    )


def _show_addresses(demo: Mapping[str, Any], plan: Installation) -> None:
    gateway = demo["gateway"]
    print(f"\nPortal         {gateway}/")
    print(f"Auditor        {gateway}/audit")
    print(f"Administration {gateway}/admin")
    print(f"API            {gateway}/v1   (OpenAI-compatible; `model` names an assistant)")
    print(f"Keycloak       {demo['keycloak']}   (its administrator: {plan.secrets_dir})")
    print(f"Model server   {demo['model_server']}")
    print(f"Metrics        {demo['metrics']}   (for Prometheus)")
    if demo["witness"]:
        print(f"Witness        {demo['witness']['url']}   ({witness.HONEST})")
    print(f"Logs           {plan.data_dir / 'logs'}")
    print("\nExample accounts (made up, new in every data folder):")
    for agency in demo["agencies"]:
        print(f"  {agency['slug']}: assistants {', '.join(agency['assistants'])}")
        for person in agency["people"]:
            roles = ", ".join(person["roles"])
            print(f"    {person['username']:<26} {person['password']:<14} {roles}")
    print(f"\nThe same for scripts, secrets of the chatbots included: {plan.data_dir}/demo.json")
    print("Ctrl-C stops everything.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
