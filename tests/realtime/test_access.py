"""Who may no longer see something is shown nothing more."""

import pytest

from accounts.models import Membership, User
from accounts.services import audit, members, people
from conversations.services import erasure
from core import redis as redis_connections
from events.event import SYSTEM
from events.models import LoggedEvent
from realtime import transport
from realtime.services import broker
from realtime.services.broker import Publication


def deactivate(user: User) -> None:
    people.change(user=user, fields={"is_active": False}, by=audit.SYSTEM)


def renew_password(user: User) -> None:
    people.renew_password(user=user, by=audit.SYSTEM)


@pytest.fixture
def ordered(monkeypatch) -> list[tuple[str, bool]]:
    """The disconnections that were ordered, with whether the client may come back."""
    orders: list[tuple[str, bool]] = []
    order = broker.disconnect

    def note(identity: str, *, reason: str, reconnect: bool) -> None:
        orders.append((identity, reconnect))
        order(identity, reason=reason, reconnect=reconnect)

    monkeypatch.setattr(broker, "disconnect", note)
    return orders


@pytest.fixture
def bob(acme) -> User:
    """Another agent of Acme."""
    members.add(account=acme, email="bob@acme.test", role="agent", by=audit.SYSTEM)
    return User.objects.get(email="bob@acme.test")


class TestCutOff:
    def test_ends_the_sockets_of_a_member_who_is_removed(self, bob, relay, ordered):
        members.remove(membership=Membership.objects.get(user=bob), by=audit.SYSTEM)
        relay.drain()

        assert (f"user:{bob.pk}", True) in ordered

    @pytest.mark.parametrize("withdraw", [deactivate, renew_password])
    def test_ends_the_sockets_of_somebody_whose_login_changed(self, bob, relay, ordered, withdraw):
        withdraw(bob)
        relay.drain()

        assert (f"user:{bob.pk}", True) in ordered

    def test_leaves_everybody_alone_when_only_a_name_changed(self, bob, relay, ordered):
        people.change(user=bob, fields={"name": "Robert"}, by=audit.SYSTEM)
        relay.drain()

        assert ordered == []

    def test_ends_an_erased_persons_sockets_and_forgets_their_stream(self, session, conversation, relay, ordered):
        relay.drain()
        broker.publish([Publication(f"s:{session.pk}", b'{"event":"x","data":{}}', "k")])

        erasure.erase(contact=session.contact, by=audit.SYSTEM, actor=SYSTEM)
        relay.drain()

        assert ordered == [(f"contact-session:{session.pk}", False)]
        assert redis_connections.client().exists(transport.log_key(f"s:{session.pk}")) == 0
        assert not LoggedEvent.unscoped.filter(position=None).exists()
