"""Which hosts still have something for us, which of them are left alone, and going on with one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.log import get_logger
from postkeep.model import Stage
from postkeep.stages.parts import Parts
from postkeep.store import bulk, hosts
from postkeep.store.hosts import HostState
from postkeep.store.types import storable
from postkeep.views import HostView

log = get_logger("hosts")


def host_views(tx: Connection, now: datetime) -> list[HostView]:
    """Every host that has work, and every one that is left alone, by name."""
    work = {
        host: (int(waiting), int(due or 0))
        for host, waiting, due in bulk.execute(
            tx,
            "SELECT host, count(*), sum(CASE WHEN due_at <= ? THEN 1 ELSE 0 END) FROM work WHERE stage = ?"
            " GROUP BY host",
            now,
            str(Stage.FETCH),
        ).all()
    }
    states = {host: state for host, state in hosts.states(tx).items() if _paused(state, now) or host in work}
    return [
        _view(states.get(host) or HostState(host), *work.get(host, (0, 0)), now=now)
        for host in sorted(work.keys() | states.keys())
    ]


def _paused(state: HostState, now: datetime) -> bool:
    return state.paused_until is not None and state.paused_until > now


def _view(state: HostState, waiting: int, due: int, *, now: datetime) -> HostView:
    paused = _paused(state, now)
    return HostView(
        host=state.host,
        waiting=waiting,
        due=0 if paused else due,
        paused_until=state.paused_until if paused else None,
        reason=state.reason if paused else None,
        failures=state.failures,
    )


def resume_host(parts: Parts, host: str) -> bool:
    """Forget what stands against a host, which says whether anything did; raises NotFound for one nobody knows."""
    host = host.strip().lower()
    with parts.store.reading() as tx:
        known = {each.host for each in host_views(tx, parts.clock())} | hosts.states(tx).keys()
    if host not in known:
        raise NotFound(f"nothing is known of a host {host!r}: `postkeep hosts list` names them")
    return resume(parts, host)


def resume(parts: Parts, host: str) -> bool:
    """The same for any host."""
    if not storable(host):
        return False
    with parts.store.writing() as tx:
        resumed = hosts.resume(tx, host)
    if resumed:
        log.info("host_resumed", host=host)
    return resumed
