"""Tests of the components, the settings and the program."""
