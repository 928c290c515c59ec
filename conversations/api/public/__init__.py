"""
The client API: what browsers and apps of a business's customers speak, compatible with Chatwoot's.

An inbox's identifier and a session's ``source_id`` are all the credentials there are; with an HMAC pair a session also
proves whose it is. Where it differs from Chatwoot, it does so on purpose:

- A wrong or missing HMAC pair answers 401 and says so. A pair counts for its own person only, in constant time, on
  create too, and identity is what it proves: an e-mail address that comes with it does not open anybody's record.
- Where an inbox insists on proof (``hmac_mandatory``), conversations and messages need a verified session as well: a
  bare ``source_id`` opens nothing.
- A record is merged into the one that has the given e-mail address or phone number only from a verified session, and
  only when that one belongs to nobody who is known by an identifier or by a provider. Otherwise the value is not set.
- The same ``echo_id`` with the same words is one message, however often it is posted.
- Messages can be read forward with ``after``. The list of conversations is in the order of their numbers and shows the
  last 20 messages of each.
- Notes and traces of what agents did are never shown and cannot be addressed.
"""
