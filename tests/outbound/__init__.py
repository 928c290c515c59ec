"""Tests of what is sent through providers."""
