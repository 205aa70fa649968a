"""Tests of docker-compose.yml and of what `make compose` writes for it."""
