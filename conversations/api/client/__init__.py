"""
The SDK's own door, ``/client/v1``: what our browsers' and apps' package speaks, and nobody else has to.

It is the client API without its history: a token that expires, cursors, uploads before messages, words that are kept
once, and errors in the words of the native API. The services are those of the compatible client API.
"""
