"""Tests of what comes in through providers."""
