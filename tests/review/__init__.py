"""Tests of the comment that a reviewer reads."""
