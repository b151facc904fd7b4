"""From nothing to priced PnL, and what the engine then says about each container."""

import re
from typing import Any

import yaml

from include.containers.env_file import SECRETS
from tools.containers.desk import Desk, now
from tools.containers.report import expect
from tools.containers.stack import ENDS_BY_ITSELF, Stack

_PRICED_AT = "SELECT min(valid_from) FROM curated.pnl_hourly_history WHERE pnl_eur IS NOT NULL"
_PRICED_SECONDS = 600.0
_LOWEST_USER = 1


def is_accepted(desk: Desk) -> None:
    """Compose accepts the compose file with every profile, and gives no warning."""
    stack = desk.stack
    stack.environment |= {name: make() for name, make in SECRETS.items()}
    done = stack.try_compose("config", "--quiet")
    expect(done.returncode == 0 and not done.stderr.strip(), f"config: {done.stderr}")
    for name in SECRETS:
        del stack.environment[name]
    stack.report.add("compose file", "accepted")


def lacks_a_secret(desk: Desk) -> None:
    """Without a secret nothing starts, and a sentence says why: in make up and in compose by hand."""
    stack = desk.stack
    file = stack.root / ".env"
    file.write_text("".join(f"{n}={make()}\n" for n, make in SECRETS.items() if n != "PIPELINE_PASSWORD"))
    before = file.read_text()
    code, said = stack.try_make("up")
    expect(code != 0 and ".env does not set PIPELINE_PASSWORD" in said, f"make up: {code}, {said}")
    expect(file.read_text() == before, "make up changed .env")
    done = stack.try_compose("up", "-d")
    sentence = "required variable PIPELINE_PASSWORD is missing a value: make secrets >> .env adds it"
    expect(done.returncode != 0 and sentence in done.stderr, f"compose up: {done.returncode}, {done.stderr}")
    expect(not stack.containers(), "something was started without a secret")
    stack.shell("make secrets >> .env")
    done = stack.try_compose("config", "--quiet")
    expect(done.returncode == 0, f"what make secrets adds is not enough: {done.stderr}")
    file.unlink()
    stack.report.add("missing secret", "nothing starts, and a sentence says what adds it")


def from_nothing(desk: Desk) -> None:
    """make up in an empty installation; .env is made, and the first priced PnL comes without a click."""
    stack = desk.stack
    expect(not stack.volumes() and not stack.containers(), "something is there already")
    began = now()
    said = stack.make("up")
    seconds = (now() - began).total_seconds()
    stack.report.add("make up from nothing", "the image is built, everything is healthy", seconds)
    file = stack.root / ".env"
    expect(file.stat().st_mode & 0o777 == 0o600, ".env can be read by others")
    for secret in stack.secrets().values():
        expect(secret not in said, "a secret is shown")
    priced_at = stack.report.wait_for(lambda: desk.value(_PRICED_AT), _PRICED_SECONDS, "the first priced PnL")
    stack.report.add("first priced PnL", "without a click", (priced_at - began).total_seconds())
    expect(desk.call("GET", "dags"), "admin cannot log in")
    stack.report.add("audit", f"clean: {desk.refresh_and_audit()}")


def inspect(desk: Desk) -> None:
    """Users, limits, logs and health checks as the engine has them, not as the compose file asks for them."""
    stack = desk.stack
    containers = stack.containers()
    for container in containers:
        host, config = container.details["HostConfig"], container.details["Config"]
        expect(host["Memory"] > 0, f"{container.name} has no memory limit")
        log = host["LogConfig"]
        is_ending = log["Type"] == "json-file" and {"max-size", "max-file"} <= set(log["Config"])
        expect(is_ending, f"{container.name}'s log never ends")
        expect(not host["Privileged"] and host["CapDrop"] == ["ALL"], f"{container.name} has capabilities")
        if container.service == ENDS_BY_ITSELF:
            expect(container.details["State"]["ExitCode"] == 0, "migrate failed")
            continue
        expect(config.get("Healthcheck", {}).get("Test"), f"{container.name} has no health check")
        policy = host["RestartPolicy"]["Name"]
        expect(policy in ("always", "unless-stopped"), f"{container.name} is not started again: {policy}")
        users = {int(uid) for uid in re.findall(r"\d+", stack.run_in(container, "id", "-u"))}
        expect(min(users) >= _LOWEST_USER, f"{container.name} runs as root")
        for name, published in (container.details["NetworkSettings"]["Ports"] or {}).items():
            addresses = {port["HostIp"] for port in published or ()}
            expect(addresses <= {"127.0.0.1"}, f"{container.name}: {name} is published on {addresses}")
    asked_for = {ENDS_BY_ITSELF, *services(stack, False)}
    if "EXECUTOR" in stack.environment:
        asked_for |= set(services(stack, True))
    there = {container.service for container in containers}
    expect(there == asked_for, f"there are {sorted(there)} instead of {sorted(asked_for)}")
    stack.report.add(
        "docker inspect",
        f"{len(containers)} containers: no root, no capabilities, memory limit, log rotation, health check,"
        " ports on loopback",
    )


def services(stack: Stack, is_of_celery: bool) -> list[str]:
    """The services that go on running: those of Celery's profile, or all others."""
    text = (stack.root / "docker-compose.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return [
        name
        for name, service in found.items()
        if name != ENDS_BY_ITSELF and ("celery" in service.get("profiles", ())) is is_of_celery
    ]
