"""Tests of what runs on GitHub: read as files, and judged by actionlint and shellcheck."""
