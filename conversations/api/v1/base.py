"""What the endpoints of people and conversations share: finding what a request names."""

from accounts.models import User as AgentUser
from accounts.queries import agent
from accounts.views import EnvironmentView
from contacts import queries as people
from contacts.errors import ContactGone
from contacts.models import Contact
from conversations.errors import unknown_agent
from conversations.models import Conversation
from conversations.queries import conversations_of
from core import ids
from core.errors import NotFound, invalid
from inboxes.models import Inbox


class ConversationsView(EnvironmentView):
    """A door that knows people, conversations and agents by their names."""

    def person(self, name: str) -> Contact:
        """Return who a path names: a ``usr_`` id or the customer's own. Raises NotFound, ContactGone."""
        contact = people.named(self.environment, name)
        if contact is None:
            raise NotFound(f"No such user: {name[:80]}", param="id")
        if contact.is_gone:
            raise ContactGone(contact.merged_into_id)
        return contact

    def person_in(self, field: str, name: str) -> Contact:
        """Return who a field of the request names. Raises Invalid, ContactGone."""
        try:
            return self.person(name)
        except NotFound:
            advice = "make them first: PUT /v1/users/{your own id}."
            raise invalid(field, f"There is no user {name[:80]!r}; {advice}", code="unknown_user") from None

    def conversation(self, conversation_id: str) -> Conversation:
        """Return the environment's conversation of that id, with everything its JSON needs. Raises NotFound."""
        return self.find(conversations_of(self.environment), "conv", conversation_id)

    def inbox_in(self, field: str, inbox_id: str | None) -> Inbox:
        """Return the inbox a field names; without one the only inbox there is. Raises Invalid."""
        open_inboxes = Inbox.of(self.environment).filter(deleted_at=None)
        if inbox_id is None:
            found = list(open_inboxes[:2])
            if len(found) != 1:
                why = f"There is {'more than one' if found else 'no'} inbox; say which with {field}."
                raise invalid(field, why, code="required")
            inbox = found[0]
        else:
            row = ids.decode("inb", inbox_id)
            known = open_inboxes.filter(pk=row).first() if row is not None else None
            if known is None:
                raise invalid(field, f"There is no inbox {inbox_id[:80]!r}.", code="unknown_inbox")
            inbox = known
        inbox.environment = self.environment
        return inbox

    def agent_in(self, field: str, name: str) -> AgentUser:
        """Return the agent a field names by e-mail address or ``agt_`` id. Raises Invalid."""
        found = agent(self.environment, name)
        if found is None:
            raise unknown_agent(field, name)
        return found
