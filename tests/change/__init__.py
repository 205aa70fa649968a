"""Tests of what a change looks like."""
