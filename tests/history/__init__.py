"""Tests of the history that a first start is given."""
